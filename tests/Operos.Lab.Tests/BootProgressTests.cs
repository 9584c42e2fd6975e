namespace Operos.Lab.Tests;

public sealed class BootProgressTests
{
    [Theory]
    [InlineData("", "power on")]
    [InlineData("SeaBIOS (version 1.16)", "firmware")]
    [InlineData("SeaBIOS\nPXELINUX 6.04 lwIP", "boot loader")]
    [InlineData("SeaBIOS\n[    0.000000] Linux version 6.12", "kernel")]
    [InlineData("[    2.1] operos-init: [    2.100] init: operos-init 0.1.0\n[ 3.2] operos-init: [ 3.2] modules: done in 1.0 s", "network")]
    [InlineData("operos-init: [ 5.0] switch: done in 0.00 s: to systemd\noperos login:", "agent")]
    public void A_console_tells_the_phase(string console, string phase) => Assert.Equal(phase, BootProgress.Read(console).Phase);

    [Fact]
    public void The_fetch_moves_the_bar_and_trouble_is_shown()
    {
        var half = BootProgress.Read(
            "operos-init: [ 3.5] manifest: done\n[ 4.6] operos-init: [ 4.6] fetch: 3 layers [##########----------]  50 %  45.0/90.0 MB  "
            + "71.1 MB/s  0:01 left\n");
        Assert.Equal(("layers", 0.60), (half.Phase, Math.Round(half.Share, 2)));
        Assert.Contains("45.0/90.0 MB", half.Detail, StringComparison.Ordinal);
        Assert.Contains("trying again", BootProgress.Read(
            "operos-init: [ 3.5] manifest: done\noperos-init: [ 9.0] fetch: no answer; trying again\n").Detail, StringComparison.Ordinal);
    }
}
