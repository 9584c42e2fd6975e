using System.Text.Json;
using System.Text.Json.Serialization;
using Operos.Linux;

namespace Operos.Hardware.Inventories;

/// <summary>What a machine is made of, as its own kernel and firmware tell. Strings are trimmed and free of control characters.</summary>
public sealed record Inventory
{
    public const int CurrentFormat = 1;

    /// <summary>The largest inventory that is read from a peer, in bytes of JSON.</summary>
    public const int MaxBytes = 256 * 1024;

    /// <summary>The most parts of one sort that are considered.</summary>
    public const int MaxParts = 512;

    public int Format { get; init; } = CurrentFormat;
    public Identity System { get; init; } = new();
    public Identity Board { get; init; } = new();
    /// <summary>Further base boards, as machines of several boards and blades have them; not in the inventories of older agents.</summary>
    public IReadOnlyList<Identity> OtherBoards { get => field ?? []; init; }
    public Identity Chassis { get; init; } = new();
    public string? FirmwareVersion { get; init; }
    public IReadOnlyList<Cpu> Cpus { get; init; } = [];
    public int LogicalCpus { get; init; }
    public long MemoryBytes { get; init; }
    public IReadOnlyList<MemoryModule> MemoryModules { get; init; } = [];
    public IReadOnlyList<Nic> Nics { get; init; } = [];
    public IReadOnlyList<Disk> Disks { get; init; } = [];
    /// <summary>Major version of the TPM; null where there is none.</summary>
    public string? Tpm { get; init; }
    /// <summary>SHA-256 of the TPM's public endorsement key, hex; null where there is no TPM 2.0.</summary>
    public string? TpmEndorsementKey { get; init; }

    /// <summary>Reads an inventory of unknown origin; its strings are made printable and short (<see cref="PrintableText"/>).</summary>
    /// <exception cref="FormatException">It is no inventory; the message says why.</exception>
    public static Inventory Parse(ReadOnlySpan<byte> json)
    {
        if (json.Length > MaxBytes) throw new FormatException($"an inventory of {json.Length} bytes; at most {MaxBytes} are read");
        try
        {
            var inventory = JsonSerializer.Deserialize(json, InventoryJson.Default.Inventory)
                ?? throw new FormatException("the inventory is null");
            if (inventory.Format != CurrentFormat)
                throw new FormatException($"the inventory's format {inventory.Format} is not {CurrentFormat}");
            if (!inventory.IsWhole())
                throw new FormatException($"the inventory has a part missing, or over {MaxParts} of a sort");
            return inventory;
        }
        catch (JsonException e) { throw new FormatException($"the inventory is no valid JSON: {e.Message}"); }
    }

    /// <summary>Whether no part is missing, and none there more than <see cref="MaxParts"/> times.</summary>
    public bool IsWhole() => System is not null && Board is not null && Chassis is not null && Sound(OtherBoards) && Sound(Cpus)
        && Sound(MemoryModules) && Sound(Nics) && Sound(Disks);

    /// <summary>The same with each string as <see cref="Parse"/> makes it: printable and short.</summary>
    public Inventory Cleaned() => JsonSerializer.Deserialize(ToJson(), InventoryJson.Default.Inventory)!;

    public byte[] ToJson() => JsonSerializer.SerializeToUtf8Bytes(this, InventoryJson.Default.Inventory);

    private static bool Sound<T>(IReadOnlyList<T>? parts) => parts is { Count: <= MaxParts } && parts.All(part => part is not null);
}

/// <summary>Who made something, what it is, and which one.</summary>
public sealed record Identity
{
    public string? Vendor { get; init; }
    public string? Product { get; init; }
    public string? Serial { get; init; }
    /// <summary>The SMBIOS system UUID; systems only.</summary>
    public string? Uuid { get; init; }
}

public sealed record Cpu
{
    public string? Socket { get; init; }
    public string? Model { get; init; }
    public int Cores { get; init; }
    public int Threads { get; init; }
}

public sealed record MemoryModule
{
    public string? Slot { get; init; }
    public string? Vendor { get; init; }
    public string? Part { get; init; }
    public string? Serial { get; init; }
    public long Bytes { get; init; }
}

public sealed record Nic
{
    public string? Name { get; init; }
    /// <summary>The permanent address, lower case with colons.</summary>
    public string? Mac { get; init; }
    public string? Driver { get; init; }
}

public sealed record Disk
{
    public string? Name { get; init; }
    public string? Wwn { get; init; }
    public string? Serial { get; init; }
    public string? Model { get; init; }
    public long Bytes { get; init; }
    public bool Rotational { get; init; }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, MaxDepth = 16, Converters = [typeof(PrintableStrings)])]
[JsonSerializable(typeof(Inventory))]
public sealed partial class InventoryJson : JsonSerializerContext;
