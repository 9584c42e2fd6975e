using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using Operos.Hardware.Inventories;
using Operos.Release;
using Operos.Storage.Classes;

namespace Operos.Worker.Configuration;

/// <summary>Where the worker's facts come from; the defaults are what operos-init left.</summary>
internal sealed record WorkerSettings
{
    public const string AnchorPath = "/run/operos/anchor/cluster-ca.crt";
    public const string StatePath = "/run/operos/worker";

    public required IPEndPoint Control { get; init; }
    public required X509Certificate2 Authority { get; init; }
    public required string StateFolder { get; init; }
    /// <summary>UTF-8 JSON, as operos-init wrote it; empty where there is none.</summary>
    public required byte[] BootRecord { get; init; }
    public required string BootId { get; init; }
    /// <summary>An inventory from a file instead of this machine's, for simulation.</summary>
    public byte[]? Inventory { get; init; }
    /// <summary>Whether hostname and clock of this machine are changed.</summary>
    public required bool Apply { get; init; }

    /// <summary>Images that are the disks of a machine that is simulated.</summary>
    public IReadOnlyList<string> Disks { get; init; } = [];

    /// <summary>Whose disks are ours, on the machine that the controller says this is.</summary>
    public DiskPolicy DiskPolicy(Guid machine) => new()
    {
        Cluster = Storage.Classes.DiskPolicy.ClusterOf(Authority), Machine = machine, TakesFiles = Disks.Count > 0,
    };

    /// <exception cref="IOException">A file is missing or no such file; the message says which option replaces it.</exception>
    public static WorkerSettings Load(string? control, string? authority, string? inventory, string? stateFolder, bool apply)
    {
        var (bootRecord, boot) = ReadBootRecord(Release.BootRecord.Path);
        control ??= boot?.Control;
        if (control is null || !IPEndPoint.TryParse(control, out var endpoint) || endpoint.Port == 0)
            throw new IOException(
                $"no controller is known: {Release.BootRecord.Path} names no control endpoint; give --control ADDRESS:PORT");
        authority ??= AnchorPath;
        if (!File.Exists(authority)) throw new IOException($"the cluster's CA certificate {authority} is missing; give --ca FILE");
        return new WorkerSettings
        {
            Control = endpoint,
            Authority = ReadAuthority(authority),
            StateFolder = stateFolder ?? StatePath,
            BootRecord = bootRecord,
            BootId = inventory is null ? File.ReadAllText("/proc/sys/kernel/random/boot_id").Trim() : Guid.NewGuid().ToString(),
            Inventory = inventory is null ? null : File.ReadAllBytes(inventory),
            Apply = apply,
        };
    }

    internal static X509Certificate2 ReadAuthority(string path)
    {
        try { return X509CertificateLoader.LoadCertificateFromFile(path); }
        catch (CryptographicException e) { throw new IOException(
            $"the cluster's CA certificate {path} is no certificate ({e.Message}); give --ca FILE", e); }
    }

    /// <summary>A damaged record tells nothing, and would only be refused by the controller.</summary>
    internal static (byte[] Json, BootRecord? Record) ReadBootRecord(string path)
    {
        if (!File.Exists(path)) return ([], null);
        var json = File.ReadAllBytes(path);
        try { return JsonSerializer.Deserialize(json, ReleaseJson.Default.BootRecord) is { } record ? (json, record) : ([], null); }
        catch (JsonException) { return ([], null); }
    }

    public byte[] ReadInventory() => Inventory ?? new InventoryReader().Read().ToJson();
}
