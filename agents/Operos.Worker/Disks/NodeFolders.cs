using System.Text;
using Operos.Linux;

namespace Operos.Worker.Disks;

/// <summary>Where a node's folders are in this boot.</summary>
internal enum NodePlace
{
    /// <summary>Nothing was written to them yet.</summary>
    Open,
    Disk,
    Ram,
}

/// <summary>
/// Puts containerd's and the kubelet's folders onto a disk, before either writes to them: what runs on them never has them taken away.
/// Where they are is told by what is mounted, so that an agent which begins anew finds it as it was.
/// </summary>
/// <param name="memory">A file that is there once a node began in this boot, and says where; null for none.</param>
internal sealed class NodeFolders(DiskPaths paths, string? memory = null)
{
    private const string OnDisk = "disk", InRam = "RAM", Lost = "lost";
    /// <summary>Of devices that are none of the kernel's block devices: nothing tells that they are gone.</summary>
    private const string NoBlockDevice = "0:";

    private readonly Lock placeLock = new();
    private bool closed = memory is not null && File.Exists(memory);
    private string[] kept = memory is not null && File.Exists(memory) ? File.ReadAllText(memory).Split((char[])[' ', '\n']) : [];

    /// <remarks>
    /// containerd's unit mounts RAM at its folder before it starts, unless something is mounted there: then nothing of a node is on a disk
    /// in this boot.
    /// </remarks>
    public NodePlace Place
    {
        get { lock (placeLock) return Look(); }
    }

    /// <summary>Whether they were on a disk when the node began, wherever they are now.</summary>
    public bool WereOnDisk
    {
        get { lock (placeLock) return kept is [OnDisk, ..]; }
    }

    /// <summary>The number of the device that they were on when the node began; null for RAM, for no block device, and before.</summary>
    public string? Device
    {
        get { lock (placeLock) return kept is [OnDisk, { Length: > 0 } device, ..] ? device : null; }
    }

    /// <summary>Whether their disk is gone for this boot, as <see cref="Lose"/> was told.</summary>
    public bool AreLost
    {
        get { lock (placeLock) return kept is [OnDisk, _, Lost, ..]; }
    }

    /// <summary>Their disk went away; another that gets its number is not it, for an agent that begins anew, too.</summary>
    public void Lose()
    {
        lock (placeLock)
        {
            if (kept is not [OnDisk, { } device, ..] || kept is [_, _, Lost, ..]) return;
            try { Keep(OnDisk, device, Lost); }
            // This agent knows it all the same.
            catch (IOException) { }
        }
    }

    /// <summary>Whether some may still be put onto a disk; not once a node began.</summary>
    public bool AreOpen
    {
        get
        {
            lock (placeLock)
            {
                var mounts = MountTable.Read();
                return !closed && paths.Folders.Any(folder => mounts.At(folder.Path) is null);
            }
        }
    }

    /// <summary>Whoever is too late with a disk finds RAM in use: for the whole boot, whatever becomes of an agent or of a disk.</summary>
    /// <exception cref="IOException">That cannot be kept.</exception>
    public void Close()
    {
        lock (placeLock)
        {
            if (closed) return;
            closed = true;
            if (Look() != NodePlace.Disk) Keep(InRam);
            else if (MountTable.Read().At(paths.Folders[0].Path)?.Device is { } device
                && !device.StartsWith(NoBlockDevice, StringComparison.Ordinal)) Keep(OnDisk, device);
            else Keep(OnDisk);
        }
    }

    /// <summary>Puts them onto the ephemeral file system.</summary>
    /// <returns>Whether they are there; not where they are in RAM by now.</returns>
    /// <exception cref="IOException">A folder cannot be made or mounted; then none is.</exception>
    public bool Take()
    {
        lock (placeLock)
        {
            if (Look() is var place && (closed || place == NodePlace.Ram)) return place == NodePlace.Disk;
            // One that was cut between two of them is completed.
            var mounts = MountTable.Read();
            var made = new List<string>();
            try
            {
                foreach (var folder in paths.Folders.Where(folder => mounts.At(folder.Path) is null))
                {
                    var source = Path.Combine(paths.Ephemeral, folder.Name);
                    Directory.CreateDirectory(source, folder.Mode);
                    File.SetUnixFileMode(source, folder.Mode);
                    Directory.CreateDirectory(folder.Path);
                    Mounts.Mount(source, folder.Path, null, Mounts.MountFlags.Bind);
                    made.Add(folder.Path);
                }
            }
            catch
            {
                foreach (var path in made) Mounts.Detach(path);
                throw;
            }
            return true;
        }
    }

    private void Keep(params string[] words)
    {
        kept = words;
        if (memory is not null) AtomicFile.Write(memory, Encoding.ASCII.GetBytes($"{string.Join(' ', words)}\n"), FileModes.Private);
    }

    private NodePlace Look() => MountTable.Read() is var mounts && mounts.At(paths.Folders[0].Path) is not null
        ? mounts.IsOnDisk(paths.Folders[0].Path) ? NodePlace.Disk : NodePlace.Ram
        : closed ? NodePlace.Ram : NodePlace.Open;
}
