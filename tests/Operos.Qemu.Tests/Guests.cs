namespace Operos.Qemu.Tests;

/// <summary>A guest under QEMU's own translation takes both cores of a small host: one test at a time.</summary>
[CollectionDefinition(Name)]
public sealed class Guests
{
    public const string Name = "guests";
}
