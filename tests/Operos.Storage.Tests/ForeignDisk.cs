using System.Text.Json;
using Operos.Linux.Programs;

namespace Operos.Storage.Tests;

/// <summary>A disk of other storage, as its own programs made it (<c>tests/checks/foreign-disks</c>).</summary>
/// <param name="File">Its name among them.</param>
/// <param name="Name">What it is a member of.</param>
/// <param name="Labels">How many say so: a label and its copies.</param>
/// <param name="Grain">A label stands at a multiple of this, and its magic anywhere in it; 1 where that is where the label is.</param>
internal sealed record ForeignDisk(string File, string Name, int Labels, int Grain = 1)
{
    /// <summary>Of the disk, in bytes.</summary>
    public int Sector { get; init; } = 512;

    public override string ToString() => File;

    public static IReadOnlyList<ForeignDisk> All { get; } =
    [
        new("ceph-16", "Ceph BlueStore", 1),
        new("ceph-18", "Ceph BlueStore", 1),
        // 1001 GiB: its label's copies are at 1, 10, 100 and 1000 GiB.
        new("ceph-20", "Ceph BlueStore", 5),
        new("zfs", "ZFS", 4, Grain: 256 << 10),
        new("md-0.90", "md RAID 0.90", 1),
        new("md-1.0", "md RAID 1.0", 1),
        new("md-1.1", "md RAID 1.1", 1),
        new("md-1.2", "md RAID 1.2", 1),
        new("md-imsm", "Intel RAID", 1),
        new("md-imsm-volume", "Intel RAID", 1),
        new("md-imsm-4k", "Intel RAID", 1) { Sector = 4096 },
        new("md-ddf", "DDF RAID", 3),
        new("md-ddf-volume", "DDF RAID", 3),
        new("md-ddf-4k", "DDF RAID", 3) { Sector = 4096 },
    ];

    private IEnumerable<KnownStructure> Structures => KnownStructure.All.Where(structure => structure.Names.Contains(Name));

    /// <summary>Where its labels may stand on a disk of so many bytes, by the tests' own list; in grains.</summary>
    public HashSet<long> KnownLabels(long bytes) =>
        [.. Structures.SelectMany(structure => structure.Places(bytes, Sector)).Select(place => place / Grain)];

    /// <summary>Where its magic really stands: all that is written is read. In grains.</summary>
    public HashSet<long> LabelsIn(IEnumerable<(long Offset, byte[] Bytes)> written)
    {
        const int sector = 512;
        var found = new HashSet<long>();
        foreach (var (offset, bytes) in written)
        {
            for (var at = 0; at < bytes.Length; at += sector)
            {
                if (Structures.Any(structure => bytes.AsSpan(Math.Min(at + structure.MagicAt, bytes.Length)).StartsWith(structure.Magic)))
                    found.Add((offset + at) / Grain);
            }
        }
        return found;
    }

    /// <summary>What is written in a sparse file: it may be larger than any disk here.</summary>
    public static async Task<IReadOnlyList<(long Offset, byte[] Bytes)>> WrittenAsync(string path)
    {
        var map = await LoopDisk.ShellAsync($"qemu-img map --force-share --image-opts driver=raw,file.filename='{path}' --output=json");
        using var file = System.IO.File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        var written = new List<(long, byte[])>();
        foreach (var extent in JsonSerializer.Deserialize<List<JsonElement>>(map)!.Where(extent => extent.GetProperty("data").GetBoolean()))
        {
            var bytes = new byte[extent.GetProperty("length").GetInt32()];
            var offset = extent.GetProperty("start").GetInt64();
            Assert.Equal(bytes.Length, RandomAccess.Read(file, bytes, offset));
            written.Add((offset, bytes));
        }
        return written;
    }
}

/// <summary>The folder of the disks, made where that was not done this month.</summary>
public sealed class ForeignDisks : IAsyncLifetime
{
    /// <summary>130 MB of packages, and a minute of two slow cores; four minutes beside others that keep them busy.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(8);

    private string folder = "";

    public string this[string disk] => Path.Combine(folder, "disks", disk);

    /// <summary>Skips a test of a disk that cannot be made now, and says why.</summary>
    public void Need(string disk)
    {
        var missing = Path.Combine(folder, "missing");
        if (File.Exists(missing) && File.ReadAllText(missing) is var why && why.StartsWith(disk + " ", StringComparison.Ordinal))
            Assert.Skip(why);
    }

    public async ValueTask InitializeAsync()
    {
        var root = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(root.FullName, "Operos.sln"))) root = root.Parent!;
        folder = Path.Combine(root.FullName, "out/foreign-disks");
        var made = await ProgramCall.RunAsync(Path.Combine(root.FullName, "tests/checks/foreign-disks/build.sh"), ["--out", folder],
            CancellationToken.None, longest: Patience);
        Assert.True(made.Code == 0, made.Errors);
        Console.Write(made.Output + made.Errors);
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
