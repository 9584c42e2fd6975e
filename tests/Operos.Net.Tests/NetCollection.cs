namespace Operos.Net.Tests;

/// <summary>One boot service at a time: they share nothing, but two cores.</summary>
[CollectionDefinition("net")]
public sealed class NetCollection;
