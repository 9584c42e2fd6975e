using System.Diagnostics;
using System.Text;
using CsCheck;
using Operos.Controller.Boot;
using Operos.Controller.Configuration;

namespace Operos.Controller.Tests;

/// <summary>The menus of both loaders: whatever arguments a kernel is given, and on the kernel's console.</summary>
public sealed class BootMenuTests : IDisposable
{
    private const string Judge = "/usr/bin/grub-script-check";

    /// <summary>What has a meaning to a shell or to GRUB, beside what has none.</summary>
    private static readonly Gen<string> Arguments = Gen.String[Gen.Char["ab9=,.:-_/&|<>#*?[]()!~^%@+`  "], 0, 40];
    private readonly TestReleases releases = new();

    public void Dispose() => releases.Dispose();

    [Theory]
    [InlineData("a=b&c")]
    [InlineData("a|b")]
    [InlineData("a<b")]
    [InlineData("a>b")]
    [InlineData("#a")]
    [InlineData("a=*")]
    [InlineData("a=(hd0,gpt1)/b")]
    public void GRUB_hands_an_argument_on_as_one_word(string argument)
    {
        var menu = Menu($"kernel-arguments = \"quiet {argument} splash\"");
        foreach (var line in KernelLines(menu.Grub()))
        {
            Assert.Contains(argument, Words(line));
            Assert.Equal(["splash", "BOOTIF=$net_default_mac"], Words(line)[^2..]);
        }
        Assert.Equal(2, menu.Pxelinux().Split($" quiet {argument} splash\n").Length - 1);
    }

    [Theory]
    [InlineData("a='b", "holds '")]
    [InlineData("a='b c'", "holds '")]
    [InlineData("a=\\\"b", "holds \"")]
    [InlineData("a;reboot", "holds ;")]
    [InlineData("a\\\\", "holds \\")]
    [InlineData("a=${b}", "holds $")]
    [InlineData("a\\tb", "printable ASCII")]
    [InlineData("a=\u00e4", "printable ASCII")]
    [InlineData("quiet -- single", "holds the word --")]
    [InlineData("initrd=/other", "the initramfs is the release's")]
    public void What_a_loader_would_change_is_refused(string arguments, string problem) =>
        Assert.Contains(problem, Assert.Single(Assert.Throws<ConfigurationException>(
            () => Read($"kernel-arguments = \"{arguments}\"")).Errors), StringComparison.Ordinal);

    [Fact]
    public async Task Whatever_check_config_takes_a_shell_reads_as_it_was_meant()
    {
        var (script, expected) = (new StringBuilder(), new List<string>());
        Arguments.Sample(text =>
        {
            if (KernelArguments.Problem(text) is not null) return;
            var words = KernelArguments.Split(text);
            var written = string.Join(' ', words.Select(GrubScript.Word));
            Assert.Equal(words, Words(written));
            lock (expected)
            {
                if (expected.Count > 3000) return;
                // GRUB's quotes are the shell's (GRUB manual, 6.2): sh is a judge that was not written here.
                script.Append(null, $"printf '%s\\n' {written}\n");
                expected.AddRange(words.Count > 0 ? words : [""]);
            }
        }, iter: 3000);
        using var shell = Process.Start(new ProcessStartInfo("sh") { RedirectStandardInput = true, RedirectStandardOutput = true })!;
        var told = shell.StandardOutput.ReadToEndAsync();
        await shell.StandardInput.WriteAsync(script);
        shell.StandardInput.Close();
        Assert.Equal(expected, (await told)[..^1].Split('\n'));
    }

    [Fact]
    public async Task GRUB_itself_takes_every_menu()
    {
        Assert.SkipUnless(File.Exists(Judge), $"there is no {Judge}: install grub-common (images/install-deps.sh does)");
        const string arguments = "kernel-arguments = \"quiet a=b&c d|e f<g h>i #j k=* (l)\"\n";
        await CheckAsync(Menu($"{arguments}consoles = [\"tty0\", \"ttyS1,57600n8r\"]").Grub());
        await CheckAsync(Menu("consoles = [\"tty0\"]").Grub());
        // A random menu a run of it would take minutes: many entries in one.
        var lines = new StringBuilder();
        Arguments.Sample(text =>
        {
            if (KernelArguments.Problem(text) is not null) return;
            lock (lines) lines.Append(null, $"linux /vmlinuz {string.Join(' ', KernelArguments.Split(text).Select(GrubScript.Word))} x\n");
        }, iter: 1000);
        await CheckAsync(lines.ToString());
    }

    [Theory]
    [InlineData("ttyS1,57600", 1, 57600, "")]
    [InlineData("ttyS3,9600n8", 3, 9600, "")]
    [InlineData("ttyS0,38400n8r", 0, 38400, "flow")]
    [InlineData("ttyS2", 2, 9600, "")]
    [InlineData("ttyS7,115200\", \"ttyS1,115200", 1, 115200, "")]
    public void Menus_memory_test_and_kernel_are_on_the_same_port(string consoles, int port, int speed, string flow)
    {
        var menu = Menu($"consoles = [\"tty0\", \"{consoles}\"]");
        var grub = menu.Grub();
        Assert.Contains($"serial --unit={port} --speed={speed}{(flow.Length > 0 ? " --rtscts=on" : "")}\n", grub, StringComparison.Ordinal);
        Assert.Contains("terminal_output console serial\n", grub, StringComparison.Ordinal);
        Assert.Contains($"memtest86+x64.efi console=ttyS{port},{speed}\n", grub, StringComparison.Ordinal);
        // The first line, or what comes before it is not seen there (SYSLINUX documentation, SERIAL).
        Assert.StartsWith($"SERIAL {port} {speed}{(flow.Length > 0 ? " 0x013" : "")}\n", menu.Pxelinux(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("consoles = [\"tty0\"]")]
    [InlineData("consoles = [\"tty0\", \"ttyS0,115200e7\"]")]
    [InlineData("consoles = [\"tty0\", \"ttyS0,1500000\"]")]
    [InlineData("consoles = [\"tty0\", \"hvc0\"]")]
    public void Where_the_kernel_has_no_port_that_a_loader_can_use_the_menus_are_on_none(string setting)
    {
        var menu = Menu(setting);
        Assert.DoesNotContain("serial", menu.Grub(), StringComparison.Ordinal);
        Assert.DoesNotContain("SERIAL", menu.Pxelinux(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_console_among_the_kernel_arguments_counts_too() =>
        Assert.StartsWith("SERIAL 1 57600\n",
            Menu("consoles = [\"tty0\"]\nkernel-arguments = \"quiet console=ttyS1,57600\"").Pxelinux(), StringComparison.Ordinal);

    [Theory]
    [InlineData("ttyS0,fast")]
    [InlineData("ttyS0,0")]
    [InlineData("ttyS0,115200x8")]
    [InlineData("ttyS0,115200n9")]
    [InlineData("ttyS999,9600")]
    [InlineData("ttyS,9600")]
    [InlineData("")]
    [InlineData("tty0,")]
    [InlineData("0")]
    [InlineData("tty0 quiet")]
    public void What_is_no_console_is_refused(string console) =>
        Assert.Contains("boot.consoles: a kernel console is expected", Assert.Throws<ConfigurationException>(
            () => Read($"consoles = [\"{console}\"]")).Message, StringComparison.Ordinal);

    private BootMenu Menu(string boot) => new(Read(boot), releases.Store);

    private static ControllerSettings Read(string boot) =>
        SettingsReader.Read("c", $"[network]\naddress = \"10.77.0.1/24\"\n[dhcp]\nmode = \"off\"\n[boot]\n{boot}\n");

    private static async Task CheckAsync(string script)
    {
        using var judge = Process.Start(new ProcessStartInfo(Judge) { RedirectStandardInput = true, RedirectStandardError = true })!;
        var said = judge.StandardError.ReadToEndAsync();
        await judge.StandardInput.WriteAsync(script);
        judge.StandardInput.Close();
        await judge.WaitForExitAsync();
        Assert.True(judge.ExitCode == 0, $"{await said}\n{script}");
    }

    private static IReadOnlyList<string> KernelLines(string menu)
    {
        const string begin = "  if linux ", end = "; then";
        var lines = menu.Split('\n').Where(line => line.StartsWith(begin, StringComparison.Ordinal)).ToList();
        Assert.Equal(2, lines.Count);
        Assert.All(lines, line => Assert.EndsWith(end, line, StringComparison.Ordinal));
        return lines.ConvertAll(line => line[begin.Length..^end.Length]);
    }

    /// <summary>
    /// The words of a line by GRUB's rules (GRUB manual, 6.2): blanks part them but for those in single quotes; nothing else may stand
    /// there unquoted that GRUB reads as more than itself, save the one variable of ours.
    /// </summary>
    private static List<string> Words(string line)
    {
        var (words, word, quoted, begun) = (new List<string>(), new StringBuilder(), false, false);
        foreach (var c in line + " ")
        {
            if (c == '\'') (quoted, begun) = (!quoted, true);
            else if (c == ' ' && !quoted)
            {
                if (begun) words.Add(word.ToString());
                word.Clear();
                begun = false;
            }
            else
            {
                var ours = c != '$' || line.EndsWith("BOOTIF=$net_default_mac", StringComparison.Ordinal);
                Assert.True(quoted || (ours && !"\\\";&|<>{}#*?[]~!`".Contains(c, StringComparison.Ordinal)), $"{c} is unquoted: {line}");
                word.Append(c);
                begun = true;
            }
        }
        Assert.False(quoted);
        return words;
    }
}
