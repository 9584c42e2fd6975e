using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Operos.Linux;

/// <summary>
/// The number that nftables gives its rules as a whole: another one after each transaction of anybody, whatever program it came by. Where
/// it is as it was, so is every table. Asking takes one message, where listing a table takes a program and all rules of the machine
/// (NFT_MSG_GETGEN of linux/netfilter/nf_tables.h, over netlink(7)).
/// </summary>
public static partial class NftablesGeneration
{
    private const int AF_NETLINK = 16, SOCK_RAW = 3, SOCK_CLOEXEC = 0x80000, NETLINK_NETFILTER = 12, MSG_DONTWAIT = 0x40;
    private const ushort NFNL_SUBSYS_NFTABLES = 10, NFT_MSG_NEWGEN = 15, NFT_MSG_GETGEN = 16, NFTA_GEN_ID = 1, NLM_F_REQUEST = 1;
    private const int HeaderSize = 16, MessageSize = HeaderSize + 4, AttributeHeaderSize = 4;

    /// <summary>Of the network namespace of the thread that asks.</summary>
    /// <returns>Null where the kernel does not tell it: it has no nftables, or the caller may not ask (CAP_NET_ADMIN).</returns>
    public static unsafe uint? Read()
    {
        var descriptor = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
        if (descriptor < 0) return null;
        try
        {
            Span<byte> request = stackalloc byte[MessageSize];
            request.Clear();
            BinaryPrimitives.WriteInt32LittleEndian(request, MessageSize);
            BinaryPrimitives.WriteUInt16LittleEndian(request[4..], NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETGEN);
            BinaryPrimitives.WriteUInt16LittleEndian(request[6..], NLM_F_REQUEST);
            fixed (byte* message = request)
                if (send(descriptor, message, MessageSize, 0) != MessageSize) return null;
            Span<byte> answer = stackalloc byte[512];
            fixed (byte* buffer = answer)
            {
                // The kernel has answered before send(2) returns.
                var length = recv(descriptor, buffer, (nuint)answer.Length, MSG_DONTWAIT);
                return length < 0 ? null : Parse(answer[..(int)length]);
            }
        }
        finally { _ = close(descriptor); }
    }

    /// <summary>Reads an answer: a header, four bytes of nfgenmsg, attributes, each at a multiple of four.</summary>
    internal static uint? Parse(ReadOnlySpan<byte> answer)
    {
        const int Told = NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWGEN;
        if (answer.Length < MessageSize || BinaryPrimitives.ReadUInt16LittleEndian(answer[4..]) != Told) return null;
        var left = answer[MessageSize..];
        while (left.Length >= AttributeHeaderSize)
        {
            int length = BinaryPrimitives.ReadUInt16LittleEndian(left), type = BinaryPrimitives.ReadUInt16LittleEndian(left[2..]);
            if (length < AttributeHeaderSize || length > left.Length) return null;
            if (type == NFTA_GEN_ID)
            {
                if (length != AttributeHeaderSize + sizeof(uint)) return null;
                return BinaryPrimitives.ReadUInt32BigEndian(left[AttributeHeaderSize..]);
            }
            left = left[Math.Min((length + 3) & ~3, left.Length)..];
        }
        return null;
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial int socket(int family, int type, int protocol);

    [LibraryImport("libc", SetLastError = true)]
    private static unsafe partial nint send(int descriptor, byte* buffer, nuint length, int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static unsafe partial nint recv(int descriptor, byte* buffer, nuint length, int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int close(int descriptor);
}
