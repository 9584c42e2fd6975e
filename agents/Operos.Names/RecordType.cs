namespace Operos.Names;

/// <summary>Types of records that we publish, by their numbers (RFC 1035, 3.2.2; RFC 2782; RFC 3596).</summary>
internal enum RecordType : ushort
{
    A = 1,
    Cname = 5,
    Ptr = 12,
    Txt = 16,
    Aaaa = 28,
    Srv = 33,
}
