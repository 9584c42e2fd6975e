using System.Runtime.InteropServices;
using System.Text;

namespace Operos.Linux.Ceph;

/// <summary>
/// A connection to a cluster of Ceph, through librados, for commands to its monitor and its manager. The library is loaded when it is first
/// used. Calls block, until the time that the configuration sets.
/// </summary>
public sealed partial class RadosConnection : IDisposable
{
    /// <summary>Larger replies are refused: a dump of thousands of OSDs has some MB.</summary>
    private const int LongestReply = 64 << 20;

    private readonly Cluster cluster;

    private RadosConnection(Cluster cluster) => this.cluster = cluster;

    /// <summary>Connects.</summary>
    /// <param name="user">Such as <c>client.admin</c>.</param>
    /// <param name="configuration">The file with the monitors' addresses; it names the file of the key.</param>
    /// <param name="patience">How long it is tried, and how long each command may take.</param>
    /// <exception cref="IOException">No monitor answers in time, the key does not count, or there is no librados.</exception>
    public static RadosConnection Open(string user, string configuration, TimeSpan patience)
    {
        try
        {
            Check(rados_create2(out var handle, "ceph", user, 0), "rados_create2");
            var cluster = new Cluster(handle);
            try
            {
                Check(rados_conf_read_file(cluster, configuration), $"rados_conf_read_file {configuration}");
                foreach (var name in (string[])["client_mount_timeout", "rados_mon_op_timeout", "rados_osd_op_timeout"])
                    Check(rados_conf_set(cluster, name, $"{Math.Max(1, (int)patience.TotalSeconds)}"), $"rados_conf_set {name}");
                // What the library says would stand in this agent's own journal.
                foreach (var name in (string[])["log_to_stderr", "err_to_stderr"])
                    Check(rados_conf_set(cluster, name, "false"), $"rados_conf_set {name}");
                Check(rados_conf_set(cluster, "admin_socket", ""), "rados_conf_set admin_socket");
                Check(rados_connect(cluster), "rados_connect");
                return new RadosConnection(cluster);
            }
            catch
            {
                cluster.Dispose();
                throw;
            }
        }
        catch (Exception e) when (e is DllNotFoundException or EntryPointNotFoundException or BadImageFormatException)
        {
            throw new IOException($"this system has no {Library}: it was made without Ceph", e);
        }
    }

    /// <summary>A command to the monitors, as JSON.</summary>
    /// <exception cref="RadosException">They refuse it, or do not answer in time.</exception>
    public byte[] AskMonitor(string command, ReadOnlySpan<byte> input = default) => Ask(command, input, Asked.Monitor);

    /// <summary>A command to the manager, as JSON.</summary>
    /// <exception cref="RadosException">It refuses it, or does not answer in time.</exception>
    public byte[] AskManager(string command, ReadOnlySpan<byte> input = default) => Ask(command, input, Asked.Manager);

    /// <summary>A command to an OSD, as JSON.</summary>
    /// <exception cref="RadosException">It refuses it, is down, or does not answer in time.</exception>
    public byte[] AskOsd(int osd, string command) => Ask(command, default, Asked.Osd, osd);

    /// <summary>The images of block devices in a pool; it is closed before this is.</summary>
    /// <exception cref="IOException">There is no such pool, nobody answers in time, or there is no librbd.</exception>
    public RbdPool OpenPool(string name)
    {
        RbdPool.RequireLibrary();
        Check(rados_ioctx_create(cluster, name, out var pool), $"pool {name}");
        return new RbdPool(cluster, pool);
    }

    public void Dispose() => cluster.Dispose();

    private enum Asked { Monitor, Manager, Osd }

    private unsafe byte[] Ask(string command, ReadOnlySpan<byte> input, Asked whom, int osd = 0)
    {
        var text = Encoding.UTF8.GetBytes(command + '\0');
        byte* output = null, words = null;
        nuint outputLength = 0, wordsLength = 0;
        fixed (byte* first = text, given = input)
            try
            {
                var commands = first;
                var length = (nuint)input.Length;
                var result = whom switch
                {
                    Asked.Manager => rados_mgr_command(cluster, &commands, 1, given, length, &output, &outputLength, &words, &wordsLength),
                    Asked.Osd => rados_osd_command(cluster, osd, &commands, 1, given, length, &output, &outputLength, &words,
                        &wordsLength),
                    _ => rados_mon_command(cluster, &commands, 1, given, length, &output, &outputLength, &words, &wordsLength),
                };
                // A manager that does not answer in time is ETIMEDOUT without the minus that all else has (librados 16.2).
                if (result != 0)
                    throw new RadosException(whom == Asked.Osd ? $"osd.{osd}" : $"the {whom}".ToLowerInvariant(), Math.Abs(result),
                        words is null ? ""
                        : Encoding.UTF8.GetString(words, (int)Math.Min(wordsLength, 4096)));
                if (outputLength > LongestReply)
                    throw new IOException($"an answer of Ceph has {outputLength} bytes: {LongestReply} at most are read");
                return new ReadOnlySpan<byte>(output, (int)outputLength).ToArray();
            }
            finally
            {
                if (output is not null) rados_buffer_free(output);
                if (words is not null) rados_buffer_free(words);
            }
    }

    internal static void Check(int result, string call)
    {
        if (result < 0) throw new RadosException(call, -result, "");
    }

    /// <summary>Ends the library's threads when it is closed.</summary>
    internal sealed class Cluster : SafeHandle
    {
        public Cluster(nint handle) : base(0, ownsHandle: true) => SetHandle(handle);

        public override bool IsInvalid => handle == 0;

        protected override bool ReleaseHandle()
        {
            rados_shutdown(handle);
            return true;
        }
    }

    private const string Library = "librados.so.2";

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int rados_create2(out nint cluster, string clusterName, string user, ulong flags);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int rados_conf_read_file(Cluster cluster, string path);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int rados_conf_set(Cluster cluster, string option, string value);

    [LibraryImport(Library)]
    private static partial int rados_connect(Cluster cluster);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int rados_ioctx_create(Cluster cluster, string pool, out nint context);

    [LibraryImport(Library)]
    private static partial void rados_shutdown(nint cluster);

    [LibraryImport(Library)]
    private static unsafe partial int rados_mon_command(Cluster cluster, byte** commands, nuint count, byte* input, nuint inputLength,
        byte** output, nuint* outputLength, byte** words, nuint* wordsLength);

    [LibraryImport(Library)]
    private static unsafe partial int rados_osd_command(Cluster cluster, int osd, byte** commands, nuint count, byte* input,
        nuint inputLength, byte** output, nuint* outputLength, byte** words, nuint* wordsLength);

    [LibraryImport(Library)]
    private static unsafe partial int rados_mgr_command(Cluster cluster, byte** commands, nuint count, byte* input, nuint inputLength,
        byte** output, nuint* outputLength, byte** words, nuint* wordsLength);

    [LibraryImport(Library)]
    private static unsafe partial void rados_buffer_free(byte* buffer);
}
