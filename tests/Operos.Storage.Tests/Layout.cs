using System.Globalization;
using Operos.Storage.Classes;
using Operos.Storage.Looks;

namespace Operos.Storage.Tests;

/// <summary>
/// A disk on which somebody left something, or several things one over the other, or parts of them: always the same for a seed.
/// </summary>
internal sealed class Layout
{
    private const long KiB = 1024, MiB = 1024 * KiB, GiB = 1024 * MiB, TiB = 1024 * GiB;

    private readonly List<string> steps = [];
    private readonly List<(KnownStructure Structure, long Place, byte[] Bytes)> placed = [];

    private Layout(long bytes, int sector, byte background)
    {
        (Image, Sector) = (new SparseImage(bytes, background), sector);
        steps.Add(string.Create(CultureInfo.InvariantCulture, $"{bytes} bytes of {background:x2}, sectors of {sector}"));
    }

    public SparseImage Image { get; }
    public int Sector { get; }

    public DiskEvidence Look() => DiskLook.Take(Image, Disks.Facts(Image.Bytes, Sector), CancellationToken.None);

    /// <summary>The names of what stands there whole, by its own bytes, in a place where software of today looks for it.</summary>
    public IEnumerable<KnownStructure> Intact => placed.Where(entry => IsInPlace(entry.Structure, entry.Place)
        && entry.Place + entry.Structure.MagicAt + entry.Structure.Magic.Length <= Image.Bytes
        && Image.Read(entry.Place + entry.Structure.MagicAt, entry.Structure.Magic.Length).SequenceEqual(entry.Structure.Magic))
        .Select(entry => entry.Structure);

    /// <summary>Whether anything of what was written is left where it has its place.</summary>
    public bool HasRemains => placed.Any(entry => IsInPlace(entry.Structure, entry.Place)
        && Image.Read(entry.Place, entry.Bytes.Length).ContainsAnyExcept((byte)0, (byte)0xFF));

    /// <summary>Whether each page holds one of the two patterns alone.</summary>
    public bool IsErased => Image.Pages.All(page => page.Value[0] is 0 or 0xFF && !page.Value.AsSpan().ContainsAnyExcept(page.Value[0]));

    public override string ToString() => string.Join("; ", steps);

    public static Layout Make(int seed)
    {
        var random = new Random(seed);
        var sector = random.Next(3) == 0 ? 4096 : 512;
        var layout = new Layout(SizeOf(random, sector), sector, random.Next(6) == 0 ? (byte)0xFF : (byte)0);
        var count = random.Next(8) switch { 0 => 0, < 5 => 1, < 7 => 2, _ => random.Next(3, 8) };
        for (; count > 0; count--) layout.Put(random);
        for (var cuts = random.Next(3); cuts > 0; cuts--) layout.Cut(random);
        return layout;
    }

    /// <summary>One structure alone.</summary>
    public static Layout Of(KnownStructure structure, long place, long bytes, int sector)
    {
        var layout = new Layout(bytes, sector, 0);
        layout.Put(structure, place, new Random(1));
        return layout;
    }

    private static long SizeOf(Random random, int sector)
    {
        var size = random.Next(7) switch
        {
            0 => random.NextInt64(2 * MiB, 64 * MiB),
            1 => random.NextInt64(64 * MiB, 4 * GiB),
            2 => random.NextInt64(1, 64) * GiB,
            3 => random.NextInt64(8 * GiB, 500 * GiB),
            4 => random.NextInt64(1, 24) * TiB,
            5 => 1_000_204_886_016, // what is sold as 1 TB
            _ => random.NextInt64(500 * GiB, 24 * TiB),
        };
        return size / sector * sector;
    }

    private void Put(Random random)
    {
        var structure = KnownStructure.All[random.Next(KnownStructure.All.Count)];
        var places = structure.Places(Image.Bytes, Sector).ToList();
        if (places.Count == 0) return;
        // All copies of it, or one.
        if (random.Next(3) == 0) foreach (var place in places) Put(structure, place, random);
        else Put(structure, places[random.Next(places.Count)], random);
    }

    private void Put(KnownStructure structure, long place, Random random)
    {
        var bytes = structure.Make(random);
        Image.Put(place, bytes);
        placed.Add((structure, place, bytes));
        steps.Add($"{structure} at {place}");
    }

    /// <summary>What people and tools do to disks before they give them away.</summary>
    private void Cut(Random random)
    {
        var value = random.Next(5) == 0 ? (byte)0xFF : (byte)0;
        long[] lengths = [512, 4096, 17 * 512, 64 * KiB, MiB, 8 * MiB, 10 * MiB, 16 * MiB, 100 * MiB];
        var length = lengths[random.Next(lengths.Length)];
        switch (random.Next(7))
        {
            case 0: Fill(0, length, value); break;
            case 1: Fill(Image.Bytes - length, length, value); break;
            case 2:
                Fill(0, length, value);
                Fill(Image.Bytes - length, length, value);
                break;
            case 3: // the magic alone, as wipefs does
                foreach (var (structure, place, _) in placed.Where(_ => random.Next(2) == 0))
                    Fill(place + structure.MagicAt, structure.Magic.Length, 0);
                break;
            case 4: Fill(random.NextInt64(Image.Bytes), length, value); break;
            case 5: Fill(0, Image.Bytes, value); break;
            default: // copied to another disk, or the array behind it was changed
                var change = random.Next(2) == 0 ? -random.NextInt64(1, 64) * MiB : random.NextInt64(1, 64) * GiB;
                Image.Resize(Math.Max(2 * MiB, Image.Bytes + change) / Sector * Sector);
                steps.Add($"resized to {Image.Bytes}");
                break;
        }
    }

    private void Fill(long offset, long length, byte value)
    {
        Image.Fill(offset, length, value);
        steps.Add($"{length} bytes of {value:x2} at {offset}");
    }

    private bool IsInPlace(KnownStructure structure, long place) => structure.Places(Image.Bytes, Sector).Contains(place);
}

/// <summary>Facts and policies of tests.</summary>
internal static class Disks
{
    public const string Cluster = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    public static readonly Guid Machine = new("6f1c2d5e-0000-4000-8000-000000000001");

    public static DiskPolicy Policy { get; } = new() { Cluster = Cluster, Machine = Machine, SmallestBytes = 0, TakesFiles = true };

    public static DiskFacts Facts(long bytes, int sector = 512, string name = "sda") =>
        new() { Name = name, Bytes = bytes, LogicalSector = sector, PhysicalSector = 4096, Transport = Transport.Sata };

    public static DiskEvidence Look(SparseImage image, int sector = 512, string name = "sda") =>
        DiskLook.Take(image, Facts(image.Bytes, sector, name), CancellationToken.None);

    public static DiskVerdict Classify(SparseImage image, int sector = 512) => DiskClassifier.Classify(Look(image, sector), Policy);
}
