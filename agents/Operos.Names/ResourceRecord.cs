namespace Operos.Names;

/// <summary>A record without its time to live, which depends on the zone alone.</summary>
/// <param name="Owner">The name it stands at, as <see cref="DnsName"/> writes names.</param>
/// <param name="Data">An address for A and AAAA, a name for CNAME, PTR and SRV, plain ASCII for TXT.</param>
/// <param name="Port">For SRV alone.</param>
internal readonly record struct ResourceRecord(string Owner, RecordType Type, string Data, ushort Port = 0);
