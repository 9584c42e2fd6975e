using System.Buffers.Binary;
using System.Net;
using System.Runtime.InteropServices;
using System.Text;

namespace Operos.Linux;

/// <summary>A network interface: flags, address and default route by ioctl (netdevice(7)), the rest from sysfs.</summary>
public sealed partial class NetworkInterface(string name, string sysfs = "/sys")
{
    private const ulong SIOCADDRT = 0x890B;
    private const ulong SIOCGIFFLAGS = 0x8913;
    private const ulong SIOCSIFFLAGS = 0x8914;
    private const ulong SIOCSIFADDR = 0x8916;
    private const ulong SIOCSIFNETMASK = 0x891C;
    private const ulong SIOCETHTOOL = 0x8946;
    private const uint ETHTOOL_GPERMADDR = 0x20;
    private const short IFF_UP = 1;
    private const short RTF_UP = 1, RTF_GATEWAY = 2;

    public string Name { get; } = name;

    /// <summary>Interfaces with hardware behind them; bridges, bonds, tunnels and the loopback have no device.</summary>
    public static IReadOnlyList<NetworkInterface> Physical(string sysfs = "/sys")
    {
        var folder = Path.Combine(sysfs, "class/net");
        if (!Directory.Exists(folder)) return [];
        return [.. Directory.EnumerateFileSystemEntries(folder)
            .Where(entry => Directory.Exists(Path.Combine(entry, "device")))
            .Select(entry => new NetworkInterface(Path.GetFileName(entry), sysfs))
            .OrderBy(nic => nic.Name, StringComparer.Ordinal)];
    }

    /// <summary>The MAC address in use, lower case; empty where there is none.</summary>
    public string Mac => Read("address");

    /// <summary>The MAC address burnt into the hardware (ETHTOOL_GPERMADDR); the one in use where the driver cannot tell.</summary>
    public string PermanentMac
    {
        get
        {
            try { return ReadPermanentMac() ?? Mac; }
            catch (LinuxException) { return Mac; }
        }
    }

    /// <summary>The interface is up and its cable leads somewhere.</summary>
    public bool HasCarrier => Read("carrier") == "1";

    public void Up()
    {
        Span<byte> request = stackalloc byte[IfreqSize];
        Prepare(request);
        Call(SIOCGIFFLAGS, request, "SIOCGIFFLAGS");
        var flags = BinaryPrimitives.ReadInt16LittleEndian(request[16..]);
        BinaryPrimitives.WriteInt16LittleEndian(request[16..], (short)(flags | IFF_UP));
        Call(SIOCSIFFLAGS, request, "SIOCSIFFLAGS");
    }

    public void SetAddress(IPAddress address, IPAddress mask)
    {
        Span<byte> request = stackalloc byte[IfreqSize];
        Prepare(request);
        SocketAddress(request[16..], address);
        Call(SIOCSIFADDR, request, "SIOCSIFADDR");
        SocketAddress(request[16..], mask);
        Call(SIOCSIFNETMASK, request, "SIOCSIFNETMASK");
    }

    /// <summary>Adds the default route; one that is there already is fine.</summary>
    public unsafe void AddDefaultRoute(IPAddress gateway)
    {
        // struct rtentry of net/route.h on x86-64.
        Span<byte> route = stackalloc byte[120];
        route.Clear();
        SocketAddress(route[8..], IPAddress.Any);
        SocketAddress(route[24..], gateway);
        SocketAddress(route[40..], IPAddress.Any);
        BinaryPrimitives.WriteInt16LittleEndian(route[56..], RTF_UP | RTF_GATEWAY);
        Span<byte> device = stackalloc byte[16];
        device.Clear();
        Encoding.ASCII.GetBytes(Name, device[..15]);
        fixed (byte* pointer = device)
        {
            MemoryMarshal.Write(route[88..], (nint)pointer);
            try { Call(SIOCADDRT, route, "SIOCADDRT"); }
            catch (LinuxException e) when (e.Errno == Errno.EEXIST) { }
        }
    }

    private unsafe string? ReadPermanentMac()
    {
        // struct ethtool_perm_addr of linux/ethtool.h: command, size, address.
        Span<byte> answer = stackalloc byte[8 + 32];
        answer.Clear();
        BinaryPrimitives.WriteUInt32LittleEndian(answer, ETHTOOL_GPERMADDR);
        BinaryPrimitives.WriteUInt32LittleEndian(answer[4..], 32);
        Span<byte> request = stackalloc byte[IfreqSize];
        Prepare(request);
        fixed (byte* pointer = answer)
        {
            MemoryMarshal.Write(request[16..], (nint)pointer);
            Call(SIOCETHTOOL, request, "SIOCETHTOOL");
        }
        var mac = answer.Slice(8, 6);
        return BinaryPrimitives.ReadUInt32LittleEndian(answer[4..]) == 6 && mac.ContainsAnyExcept((byte)0)
            ? string.Join(':', mac.ToArray().Select(part => part.ToString("x2", System.Globalization.CultureInfo.InvariantCulture)))
            : null;
    }

    private const int IfreqSize = 40;

    private void Prepare(Span<byte> request)
    {
        request.Clear();
        Encoding.ASCII.GetBytes(Name, request[..15]);
    }

    private static void SocketAddress(Span<byte> target, IPAddress address)
    {
        target[..16].Clear();
        BinaryPrimitives.WriteInt16LittleEndian(target, 2);
        address.TryWriteBytes(target[4..], out _);
    }

    private unsafe void Call(ulong operation, Span<byte> request, string what)
    {
        var socketDescriptor = LinuxException.Check(socket(2, 2 | 0x80000, 0), "socket");
        try
        {
            fixed (byte* pointer = request) LinuxException.Check(ioctl(socketDescriptor, operation, pointer), $"ioctl {what}", Name);
        }
        finally { _ = close(socketDescriptor); }
    }

    private string Read(string attribute)
    {
        // Reading carrier of an interface that is down fails with EINVAL.
        try { return File.ReadAllText(Path.Combine(sysfs, "class/net", Name, attribute)).Trim(); }
        catch (IOException) { return ""; }
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial int socket(int family, int type, int protocol);

    [LibraryImport("libc", SetLastError = true)]
    private static unsafe partial int ioctl(int descriptor, ulong request, byte* argument);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int close(int descriptor);
}
