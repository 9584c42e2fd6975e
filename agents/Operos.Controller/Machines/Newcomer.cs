using Operos.Hardware.Inventories;

namespace Operos.Controller.Machines;

/// <summary>What a newcomer brings: its inventory and boot id are claims.</summary>
internal sealed record Newcomer(Inventory Inventory, string? BootRecord, string BootId, string Address)
{
    /// <summary>SHA-256 of the public key that it proved to hold.</summary>
    public string KeyHash { get; init; } = "";
    /// <summary>SHA-256 of the secrets that its disks carry, in hex: which machine they prove is its record's to say.</summary>
    public IReadOnlyList<string> Tokens { get; init; } = [];
    /// <summary>The Node that it says it is, with pods that run on.</summary>
    public string? Node { get; init; }
}
