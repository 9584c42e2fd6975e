namespace Operos.Policy.Nftables;

/// <summary>A set of the table. One of single values changes with the pods; one of ranges never does, its name says its content.</summary>
/// <param name="Type">As nft writes it, such as <c>ipv4_addr . inet_proto . inet_service</c>.</param>
public sealed record NftSet(string Name, string Type, bool IsInterval, IReadOnlySet<string> Elements);

/// <summary>A verdict map of the table: what is done with a pod's packets.</summary>
/// <param name="Elements">Address to verdict, such as <c>accept</c> or <c>jump pod-...</c>.</param>
public sealed record NftMap(string Name, string Type, IReadOnlyDictionary<string, string> Elements);

/// <summary>A chain of the table. It never changes: its name says its content, but that of the sets it looks into.</summary>
/// <param name="Hook">Where packets enter it, as nft writes it; null for a chain that is jumped to.</param>
/// <param name="Rules">In order, each as nft takes it. Of a chain that was read back only their number is known.</param>
public sealed record NftChain(string Name, string? Hook, IReadOnlyList<string> Rules);
