using Operos.Storage.Work;

namespace Operos.Storage.Tests;

/// <summary>The first bytes of a disk of ours, which a BIOS runs.</summary>
public sealed class BootCodeTests
{
    [Theory]
    [InlineData(0), InlineData(0xFF)]
    public void It_is_put_over_what_is_erased_once_and_touches_nothing_behind_it(byte erased)
    {
        var disk = new SparseImage(8 << 20);
        var block = new byte[4096];
        Random.Shared.NextBytes(block.AsSpan(440));
        block.AsSpan(0, 440).Fill(erased);
        disk.Write(0, block);
        BootCode.Write(disk);
        BootCode.Write(disk);
        var now = disk.Read(0, 4096).ToArray();
        Assert.Equal("CD18CD19F4EBFD", Convert.ToHexString(now.AsSpan(0, 7)));
        Assert.False(now.AsSpan(7, 433).ContainsAnyExcept((byte)0));
        Assert.Equal(block[440..], now[440..]);
    }

    [Fact]
    public void Boot_code_of_somebody_else_is_left()
    {
        var disk = new SparseImage(8 << 20);
        var block = new byte[4096];
        block[3] = 0x90;
        disk.Write(0, block);
        Assert.Throws<IOException>(() => BootCode.Write(disk));
        Assert.Equal(block, disk.Read(0, 4096).ToArray());
    }
}
