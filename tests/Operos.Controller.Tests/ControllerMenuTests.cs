using System.Diagnostics;

namespace Operos.Controller.Tests;

/// <summary>The menu of a controller's own disk, by <c>images/grub-menu.sh</c>.</summary>
public sealed class ControllerMenuTests
{
    [Theory]
    [InlineData("console=tty0 console=ttyS0,115200", "serial --unit=0 --speed=115200", " console=tty0 console=ttyS0,115200")]
    [InlineData("console=ttyS1,57600 a=b&c  #d", "serial --unit=1 --speed=57600", " console=ttyS1,57600 'a=b&c' '#d'")]
    [InlineData("console=ttyS0,9600e7 console=ttyS3,9600n8r", "serial --unit=3 --speed=9600 --rtscts=on",
        " console=ttyS0,9600e7 console=ttyS3,9600n8r")]
    [InlineData("console=ttyS2 console=ttyS1,9600", "serial --unit=2 --speed=9600", " console=ttyS2 console=ttyS1,9600")]
    [InlineData("console=tty0 a=*", "", " console=tty0 'a=*'")]
    [InlineData("console=ttyS0,1500000", "", " console=ttyS0,1500000")]
    public async Task It_is_on_the_kernel_s_port_and_each_argument_is_one_word(string arguments, string serial, string words)
    {
        var (code, menu, said) = await RunAsync(arguments);
        Assert.True(code == 0, said);
        string[] console = serial.Length > 0 ? [serial, "terminal_input console serial", "terminal_output console serial"] : [];
        Assert.Equal([.. console, "set timeout=2", "set default=0"], menu.Split('\n')[..(console.Length + 2)]);
        Assert.Contains($"\n  linux /operos/1.0/vmlinuz{words}\n", menu, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("a='b", "holds '")]
    [InlineData("a=\"b\"", "holds \"")]
    [InlineData("a;reboot", "holds ;")]
    [InlineData("a=$b", "holds $")]
    [InlineData("a\\b", "holds \\")]
    [InlineData("a\nb", "not printable ASCII")]
    public async Task What_GRUB_would_change_is_refused(string arguments, string problem)
    {
        var (code, menu, said) = await RunAsync(arguments);
        Assert.Equal((1, ""), (code, menu));
        Assert.Contains(problem, said, StringComparison.Ordinal);
    }

    private static async Task<(int Code, string Menu, string Said)> RunAsync(string arguments)
    {
        var root = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(root.FullName, "Operos.sln"))) root = root.Parent!;
        using var script = Process.Start(new ProcessStartInfo(Path.Combine(root.FullName, "images/grub-menu.sh"), ["1.0", arguments])
            { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var (menu, said) = (script.StandardOutput.ReadToEndAsync(), script.StandardError.ReadToEndAsync());
        await script.WaitForExitAsync();
        return (script.ExitCode, await menu, await said);
    }
}
