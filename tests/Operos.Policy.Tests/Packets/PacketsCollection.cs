namespace Operos.Policy.Tests.Packets;

/// <summary>One lab at a time: they share nothing, but two cores and their patience.</summary>
[CollectionDefinition("packets")]
public sealed class PacketsCollection;
