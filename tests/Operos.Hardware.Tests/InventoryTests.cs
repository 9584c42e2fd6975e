using System.Text;
using CsCheck;
using Operos.Hardware.Inventories;

namespace Operos.Hardware.Tests;

public sealed class InventoryTests : IDisposable
{
    private readonly string sysfs = Directory.CreateTempSubdirectory("operos-sysfs-").FullName;

    [Fact]
    public void SMBIOS_network_and_disks_are_read_from_a_recorded_machine()
    {
        Write("firmware/dmi/tables/DMI", SmbiosTable());
        Write("class/net/eth0/address", "52:54:00:12:34:56\n");
        Directory.CreateDirectory(Path.Combine(sysfs, "class/net/eth0/device"));
        Directory.CreateDirectory(Path.Combine(sysfs, "class/net/br0"));
        Directory.CreateDirectory(Path.Combine(sysfs, "block/sda/device"));
        Directory.CreateDirectory(Path.Combine(sysfs, "block/loop0"));
        Write("block/sda/size", "2048\n");
        Write("block/sda/device/model", "ACME \u0001 SSD   \n");
        Write("block/sda/device/vpd_pg80", "\0\u0080\0\u0004S123");
        var inventory = new InventoryReader(sysfs).Read();
        Assert.Equal(("Acme", "Rack 1", "SER42"), (inventory.System.Vendor, inventory.System.Product, inventory.System.Serial));
        Assert.Equal("00112233-4455-6677-8899-aabbccddeeff", inventory.System.Uuid);
        Assert.Equal(("BRD1", "BRD2"), (inventory.Board.Serial, Assert.Single(inventory.OtherBoards).Serial));
        var module = Assert.Single(inventory.MemoryModules);
        Assert.Equal((16L << 30, "DIMM9"), (module.Bytes, module.Serial));
        Assert.Equal("52:54:00:12:34:56", Assert.Single(inventory.Nics).Mac);
        var disk = Assert.Single(inventory.Disks);
        Assert.Equal(("sda", "ACME SSD", "S123", 1048576L), (disk.Name, disk.Model, disk.Serial, disk.Bytes));
        Assert.Equal(Encoding.UTF8.GetString(inventory.ToJson()), Encoding.UTF8.GetString(Inventory.Parse(inventory.ToJson()).ToJson()));
    }

    [Fact]
    public void This_host_s_own_sysfs_is_read()
    {
        // A fixture's files have the size that they say; sysfs's do not.
        var blocks = Directory.EnumerateDirectories("/sys/block").Where(block => Directory.Exists(Path.Combine(block, "device")))
            .Select(Path.GetFileName)
            .Where(name => !name!.StartsWith("sr", StringComparison.Ordinal) && !name.StartsWith("fd", StringComparison.Ordinal)
                && File.ReadAllText($"/sys/block/{name}/size").Trim() != "0").Order(StringComparer.Ordinal);
        Assert.Equal(blocks, new InventoryReader().Read().Disks.Select(disk => disk.Name));
    }

    [Fact]
    public void No_table_and_no_mutation_of_one_crashes() =>
        Gen.Select(Gen.Byte.Array[0, 300], Gen.Int[0, 200], Gen.Byte).Sample((random, position, value) =>
        {
            var table = SmbiosTable();
            table[position % table.Length] = value;
            foreach (var bytes in new[] { random, table, table[..(position % table.Length)] })
                foreach (var structure in Smbios.Read(bytes))
                    _ = (structure.Text(4), structure.Uuid(8), structure.Word(12), structure.Double(28));
        });

    [Theory]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("{\"format\": 99}")]
    [InlineData("{\"disks\": [null]}")]
    [InlineData("{\"system\": null}")]
    [InlineData("{")]
    public void A_malformed_inventory_is_refused(string json) =>
        Assert.Throws<FormatException>(() => Inventory.Parse(Encoding.UTF8.GetBytes(json)));

    [Fact]
    public void An_oversized_inventory_is_refused() =>
        Assert.Throws<FormatException>(() => Inventory.Parse(new byte[Inventory.MaxBytes + 1]));

    public void Dispose() => Directory.Delete(sysfs, recursive: true);

    private static byte[] SmbiosTable()
    {
        static byte[] Structure(byte type, byte[] area, params string[] strings) =>
            [type, (byte)(area.Length + 4), 1, 0, .. area, .. strings.SelectMany(text => Encoding.ASCII.GetBytes(text + "\0")),
                .. strings.Length == 0 ? (byte[])[0, 0] : [0]];
        var system = new byte[23];
        (system[0], system[1], system[3]) = (1, 2, 3);
        new Guid("00112233-4455-6677-8899-aabbccddeeff").ToByteArray().CopyTo(system, 4);
        var memory = new byte[30];
        (memory[8], memory[9]) = (0x00, 0x40);
        (memory[12], memory[20]) = (1, 2);
        return [.. Structure(1, system, "Acme", "Rack 1", "SER42"), .. Structure(2, [1, 0, 0, 2], "Acme", "BRD1"),
            .. Structure(2, [1, 0, 0, 2], "Acme", "BRD2"), .. Structure(17, memory, "A1", "DIMM9"), .. Structure(17, new byte[30]),
            .. Structure(127, [])];
    }

    private void Write(string path, string text) => Write(path, Encoding.Latin1.GetBytes(text));

    private void Write(string path, byte[] bytes)
    {
        var file = Path.Combine(sysfs, path);
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        File.WriteAllBytes(file, bytes);
    }
}
