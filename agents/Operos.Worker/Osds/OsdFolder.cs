using System.Text;
using Operos.Linux;
using Operos.Linux.Programs;
using Operos.Worker.Disks;

namespace Operos.Worker.Osds;

/// <summary>
/// A folder by which ceph-osd and its tools find an OSD: what must be there; all else they read from the label. It is the daemons' user's,
/// and nothing in it is believed.
/// </summary>
internal static class OsdFolder
{
    /// <summary>Makes it, and gives it and the device to the daemons' user.</summary>
    /// <param name="keyring">Null for none.</param>
    /// <exception cref="IOException">It cannot be written.</exception>
    public static void Make(string folder, OsdTarget target, string user, string? keyring)
    {
        Directory.CreateDirectory(folder, FileModes.PrivateFolder);
        foreach (var (name, text) in ((string, string?)[])[("keyring", keyring), ("type", "bluestore\n"), ("fsid", $"{target.Id}\n")])
        {
            if (text is null) continue;
            AtomicFile.Write(Path.Combine(folder, name), Encoding.UTF8.GetBytes(text));
            Ownership.Give(Path.Combine(folder, name), user);
        }
        File.CreateSymbolicLink(Path.Combine(folder, "block"), target.Partition.Path);
        // The folder last: until then nobody else can put a link into the place of what is given away.
        Ownership.Give(folder, user);
        Ownership.Give(target.Partition.Path, user);
    }

    /// <summary>Removes it with all that is in it.</summary>
    /// <exception cref="IOException">It is not to be removed.</exception>
    public static async Task RemoveAsync(string folder, CancellationToken cancellationToken)
    {
        if (!Directory.Exists(folder)) return;
        // Not by paths: another daemon of the same user may change what they lead to meanwhile, and rm(1) follows nothing.
        var result = await ProgramCall.RunAsync("rm", ["-rf", "--one-file-system", "--", folder], cancellationToken).ConfigureAwait(false);
        if (result.Code != 0) throw new IOException($"{folder} cannot be removed: {PrintableText.Line(result.LastLine)}");
    }
}
