using System.Diagnostics;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text.Json.Serialization;
using Operos.Hardware.Fingerprint;
using Operos.Hardware.Inventories;
using Operos.Linux.Programs;
using Operos.Linux.Units;
using Operos.Proto.Connection;
using Operos.Release;
using Operos.Worker.Configuration;
using Operos.Worker.Node;

namespace Operos.Worker.Diagnosis;

/// <summary>A file system in RAM: what it holds takes memory from everybody.</summary>
/// <param name="Used">In bytes, as <paramref name="Bound"/>.</param>
internal sealed record RamUse(string Path, long Used, long Bound);

/// <summary>Whether the controller answers this machine now.</summary>
internal sealed record ControllerView
{
    /// <summary>ADDRESS:PORT; null where none is known.</summary>
    public string? Endpoint { get; init; }
    public required bool Answers { get; init; }
    /// <summary>Which program answered, or why none did.</summary>
    public required string Text { get; init; }
    public long TookMs { get; init; }
    /// <summary>How far this machine's clock is behind the controller's; below 0 it is ahead.</summary>
    public long? ClockBehindMs { get; init; }
}

/// <summary>What helps to find out why a machine is not up, gathered on the machine itself.</summary>
internal sealed record MachineDiagnosis
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);
    private static readonly string[] Services = ["containerd", "kubelet", "kube-proxy", "systemd-networkd"];
    private const int JournalLines = 300, LastLines = 8, LastWordsLines = 50;

    public required DateTimeOffset Time { get; init; }
    public required long UptimeSeconds { get; init; }
    /// <summary>The first UUID that its parts give it; null where nothing identifies it.</summary>
    public string? Fingerprint { get; init; }
    public WorkerStatus? Status { get; init; }
    public BootRecord? Boot { get; init; }
    public required ControllerView Controller { get; init; }
    public required ClockView Clock { get; init; }
    public required long MemoryBytes { get; init; }
    public required long MemoryAvailableBytes { get; init; }
    public required IReadOnlyList<RamUse> FilesInMemory { get; init; }
    /// <summary>Each card with its addresses and gateways.</summary>
    public required IReadOnlyList<string> Network { get; init; }
    /// <summary>The agent's last warnings and errors, and why a service ended.</summary>
    public required IReadOnlyList<string> LastWords { get; init; }

    public static async Task<MachineDiagnosis> MakeAsync(string? control, string? authority, string? stateFolder,
        CancellationToken cancellationToken) => new()
    {
        Controller = await AskAsync(control, authority, cancellationToken).ConfigureAwait(false),
        Clock = await ClockView.AskAsync(cancellationToken).ConfigureAwait(false),
        LastWords = await ListenAsync(cancellationToken).ConfigureAwait(false),
        Time = DateTimeOffset.UtcNow,
        UptimeSeconds = Operos.Linux.SystemControl.BootMilliseconds() / 1000,
        Fingerprint = MachineFingerprint.FirstUuid(new InventoryReader().Read()),
        Status = StatusFile.Find(stateFolder),
        Boot = WorkerSettings.ReadBootRecord(BootRecord.Path).Record,
        MemoryBytes = NodeVitals.ReadMemory("MemTotal"),
        MemoryAvailableBytes = NodeVitals.ReadMemory("MemAvailable"),
        FilesInMemory = ReadRam(),
        Network = ReadNetwork(),
    };

    /// <summary>Says hello as a machine does that nobody knows yet.</summary>
    private static async Task<ControllerView> AskAsync(string? control, string? authority, CancellationToken cancellationToken)
    {
        WorkerSettings settings;
        try { settings = WorkerSettings.Load(control, authority, null, null, apply: false); }
        catch (IOException e) { return new ControllerView { Answers = false, Text = e.Message }; }
        var clock = Stopwatch.StartNew();
        var view = new ControllerView { Endpoint = settings.Control.ToString(), Answers = false, Text = "" };
        try
        {
            await using var connection = await ControlConnection.ConnectAsync(new ControlClientOptions
            {
                Endpoint = settings.Control, CertificateAuthority = settings.Authority, Agent = "operos-worker/diag", TolerateClock = true,
                ConnectTimeout = Patience, CallTimeout = Patience,
            }, cancellationToken).ConfigureAwait(false);
            var greeting = connection.Greeting!;
            var behind = greeting.UnixTimeMs - DateTimeOffset.UtcNow.ToUnixTimeMilliseconds();
            return view with { Answers = true, Text = greeting.Agent, TookMs = clock.ElapsedMilliseconds, ClockBehindMs = behind };
        }
        catch (Exception e) when (e is IOException or TimeoutException or ControlFaultException or CryptographicException)
        {
            return view with { Text = e.Message };
        }
    }

    private static List<RamUse> ReadRam()
    {
        var found = new List<RamUse>();
        foreach (var mount in DriveInfo.GetDrives())
        {
            // One that went meanwhile, or that only its owner may look into, takes no less; there is nothing to tell of it.
            try
            {
                if (mount is { DriveFormat: "tmpfs", TotalSize: > 0 } && mount.TotalSize - mount.TotalFreeSpace is > 0 and var used)
                    found.Add(new RamUse(mount.Name, used, mount.TotalSize));
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException) { }
        }
        return [.. found.OrderByDescending(mount => mount.Used).DistinctBy(mount => mount.Path)];
    }

    private static List<string> ReadNetwork() =>
    [
        .. NetworkInterface.GetAllNetworkInterfaces()
            .Where(nic => nic.NetworkInterfaceType != NetworkInterfaceType.Loopback)
            .Where(nic => !nic.Name.StartsWith("veth", StringComparison.Ordinal))
            .Select(nic =>
            {
                var properties = nic.GetIPProperties();
                var addresses = properties.UnicastAddresses.Where(own => own.Address.AddressFamily == AddressFamily.InterNetwork)
                    .Select(own => $" {own.Address}/{own.PrefixLength}");
                var gateways = properties.GatewayAddresses.Select(gateway => $", gateway {gateway.Address}");
                return $"{nic.Name} {(nic.OperationalStatus == OperationalStatus.Up ? "up" : "down: check the cable")}"
                    + $"{string.Concat(addresses)}{string.Concat(gateways.Distinct())}";
            }),
    ];

    private static async Task<IReadOnlyList<string>> ListenAsync(CancellationToken cancellationToken)
    {
        var lines = new List<string>();
        try
        {
            var said = await UnitJournal.ReadAsync("operos-worker", JournalLines, cancellationToken).ConfigureAwait(false);
            lines.AddRange(said.Where(IsTelling).TakeLast(LastLines));
        }
        catch (IOException e) { lines.Add($"the journal cannot be read: {e.Message}"); }
        foreach (var service in Services)
        {
            var words = await UnitJournal.LastWordsAsync(service, LastWordsLines, cancellationToken).ConfigureAwait(false);
            if (words.Length > 0) lines.Add($"{service}: {words}");
        }
        return lines;
    }

    /// <summary>As the agent's own log marks them (Program.cs).</summary>
    private static bool IsTelling(string line) => line.Contains("]: WRN ", StringComparison.Ordinal)
        || line.Contains("]: ERR ", StringComparison.Ordinal) || line.Contains("]: FTL ", StringComparison.Ordinal);
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(MachineDiagnosis))]
internal sealed partial class DiagnosisJson : JsonSerializerContext;
