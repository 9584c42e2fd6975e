using System.Globalization;
using System.Net;
using System.Text;

namespace Operos.Linux.Clock;

/// <summary>chronyd as the image has it, and what it is told (chrony.conf(5)).</summary>
public static class Chrony
{
    /// <summary>The systemd unit, without <c>.service</c>: the agent writes its configuration and starts it.</summary>
    public const string Unit = "operos-chrony";

    /// <summary>The distribution's package, its daemon, and the program that asks it.</summary>
    public const string Package = "chrony", Daemon = "/usr/sbin/chronyd", Client = "/usr/bin/chronyc";

    /// <summary>Where the unit reads its configuration.</summary>
    public const string Configuration = "/run/operos/chrony/chrony.conf";

    /// <summary>Where chronyd is asked; its folder belongs to chronyd's user.</summary>
    public const string Socket = "/run/chrony/chronyd.sock";

    /// <summary>Any server that is reached is better (RFC 5905: 16 is no clock at all).</summary>
    private const int OwnStratum = 10;

    /// <summary>
    /// Of a machine that keeps its clock by one server, asked every 16 to 128 seconds: one that was away is followed again soon. A clock
    /// that is off by more than a second is set whenever that is: the controller's may be set late, and machines agree with it.
    /// </summary>
    public static byte[] Follow(IPAddress server, string socket = Socket) =>
        Write($"server {server} iburst minpoll 4 maxpoll 7", "port 0\nmakestep 1 -1", socket);

    /// <summary>Of the machine that others follow. Where none of its own servers answers, they get its clock as it is.</summary>
    /// <param name="address">Where it is asked; the machine need not have it yet.</param>
    /// <param name="clients">Who is answered.</param>
    /// <param name="servers">Addresses, and names, each of which may stand for several servers.</param>
    /// <param name="socket">Where chronyd is asked how it is.</param>
    public static byte[] Serve(IPAddress address, IPNetwork clients, IEnumerable<string> servers, string socket = Socket)
    {
        var sources = servers.Select(server => IPAddress.TryParse(server, out _) ? $"server {server} iburst"
            : $"pool {server} iburst maxsources 4");
        return Write(string.Join('\n', sources), string.Create(CultureInfo.InvariantCulture,
            $"local stratum {OwnStratum}\nbindaddress {address}\nallow {clients}\nmakestep 1 3"), socket);
    }

    /// <summary>
    /// The kernel keeps the hardware's clock, too; nobody asks chronyd but by its socket. There is no file with its process id, which after
    /// a crash may be another's, so that no chronyd would start.
    /// </summary>
    private static byte[] Write(string sources, string serving, string socket) => Encoding.ASCII.GetBytes($"""
        {sources}
        {serving}
        rtcsync
        cmdport 0
        bindcmdaddress {socket}
        pidfile /

        """);
}
