namespace Operos.Policy.Nftables;

/// <summary>nft(8) failed; what was in force still is.</summary>
public sealed class NftException(string message, Exception? inner = null) : Exception(message, inner);
