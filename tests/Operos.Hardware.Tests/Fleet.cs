using CsCheck;
using Operos.Hardware.Inventories;

namespace Operos.Hardware.Tests;

/// <summary>Machines as a rack has them: identical models, blank serials, vendors' placeholders; one seed, one fleet.</summary>
internal static class Fleet
{
    private static readonly string?[] Placeholders =
        [null, "", "To be filled by O.E.M.", "Default string", "System Serial Number", "0", "00000000", "None", "Not Specified",
        "0123456789"];

    public static List<Inventory> Make(int count, int seed)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(number => Machine(number, random))];
    }

    /// <summary>A machine whose every part is its own, apart from what its vendor left blank.</summary>
    public static Inventory Machine(int number, Random random)
    {
        string? Serial(string kind, double blank) =>
            random.NextDouble() < blank ? Placeholders[random.Next(Placeholders.Length)] : $"{kind}{number:x6}{random.Next():x8}";
        var careless = random.NextDouble() < 0.3 ? 0.9 : 0.1;
        return new Inventory
        {
            System = new Identity { Vendor = "Acme", Product = "R1", Serial = Serial("S", careless), Uuid = random.NextDouble() < careless
                ? "03000200-0400-0500-0006-000700080009" : Id(random) },
            Board = new Identity { Vendor = "Acme", Product = "B1", Serial = Serial("B", careless) },
            Chassis = new Identity { Vendor = "Acme", Serial = Serial("C", careless) },
            Nics = [.. Enumerable.Range(0, random.Next(1, 5)).Select(_ => NewNic(random))],
            Disks = [.. Enumerable.Range(0, random.Next(1, 9)).Select(_ => NewDisk(random))],
            MemoryModules = [.. Enumerable.Range(0, random.Next(2, 9)).Select(_ => NewModule(random))],
        };
    }

    public static Nic NewNic(Random random) =>
        new() { Mac = $"3c:ec:ef:{random.Next(256):x2}:{random.Next(256):x2}:{random.Next(256):x2}".Replace(
        "3c:ec:ef", $"3c:{random.Next(256):x2}:{random.Next(256):x2}", StringComparison.Ordinal) };

    public static Disk NewDisk(Random random) =>
        new() { Model = "ACME SSD", Serial = random.NextDouble() < 0.05 ? "" : $"D{random.NextInt64():x16}", Wwn = random.NextDouble() < 0.5
        ? null : $"naa.5{random.NextInt64():x15}" };

    public static MemoryModule NewModule(Random random) =>
        new() { Part = "M393A", Serial = random.NextDouble() < 0.1 ? "Not Specified" : $"{random.Next():X8}", Bytes = 16L << 30 };

    public static string Id(Random random)
    {
        var bytes = new byte[16];
        random.NextBytes(bytes);
        return new Guid(bytes).ToString();
    }
}
