using System.Text;
using Operos.Linux;

namespace Operos.Init.Progress;

/// <summary>
/// Lines for the person at the console and, by the same way, for the journal: the kernel log reaches every console. One line an event.
/// </summary>
internal static class BootConsole
{
    private const string Levels = "/proc/sys/kernel/printk", KernelDefault = "7";
    private const int NoticesAndUp = 6;
    private static readonly Lock LogLock = new();
    private static FileStream? log;

    /// <summary>
    /// Opens the kernel log, lifts its rate limit, and leaves the consoles to what an operator needs: our lines and the kernel's own from
    /// notices up, so that its news of each cable and card stay in the log (Documentation/admin-guide/sysctl/kernel.rst, printk_devkmsg and
    /// printk). A level that the command line asks for stays.
    /// </summary>
    public static void Open()
    {
        try
        {
            File.WriteAllText("/proc/sys/kernel/printk_devkmsg", "on\n");
            if (ConsoleLevel(File.ReadAllText(Levels)) is { } level) File.WriteAllText(Levels, $"{level}\n");
            log = new FileStream("/dev/kmsg", FileMode.Open, FileAccess.Write, FileShare.ReadWrite, bufferSize: 0);
        }
        catch (IOException) { log = null; }
    }

    /// <summary>Messages below this level reach a console; null where the kernel's own default is not what is set.</summary>
    /// <param name="levels">As the kernel tells them: the consoles' first.</param>
    internal static int? ConsoleLevel(string levels) => levels.Split('\t', ' ')[0] == KernelDefault ? NoticesAndUp : null;

    public static void Say(string phase, string text) => Write('5', phase, text);

    /// <summary>Something failed; the text says what happens next.</summary>
    public static void Warn(string phase, string text) => Write('4', phase, text);

    private static void Write(char level, string phase, string text)
    {
        var time = SystemControl.BootMilliseconds();
        var line = $"operos-init: [{time / 1000,5}.{time % 1000:000}] {phase}: {Clean(text)}\n";
        lock (LogLock)
        {
            if (log is null) Console.Out.Write(line);
            else log.Write(Encoding.UTF8.GetBytes($"<{level}>{line}"));
        }
    }

    /// <summary>What came from outside must not steer a terminal, nor fill the log (a record holds 976 bytes).</summary>
    private static string Clean(string text) =>
        string.Create(Math.Min(text.Length, 800), text, (target, source) =>
        {
            for (var i = 0; i < target.Length; i++) target[i] = char.IsControl(source[i]) ? '?' : source[i];
        });
}
