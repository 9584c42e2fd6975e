using System.Globalization;
using System.Text.RegularExpressions;

namespace Operos.Controller.Configuration;

/// <summary>A serial port as a kernel's console= has it: ttyS1,57600n8r (Linux, admin-guide/serial-console.rst).</summary>
/// <param name="Port">0 for COM1.</param>
/// <param name="Speed">Bits a second.</param>
/// <param name="Parity">n, o or e: none, odd, even.</param>
/// <param name="Bits">7 or 8 in a character.</param>
/// <param name="FlowControl">By RTS and CTS.</param>
internal sealed partial record SerialConsole(int Port, int Speed, char Parity, int Bits, bool FlowControl)
{
    /// <summary>What a UART's divisor makes of its clock, as a BIOS and boot loaders know it.</summary>
    private const int Clock = 115_200;
    private const int MostPorts = 256, LeastSpeed = 300, MostSpeed = 4_000_000;

    /// <summary>Of which a BIOS, and so a boot loader, knows the addresses.</summary>
    private const int LoaderPorts = 4;

    /// <summary>Without options it is as the kernel has it then, 9600n8.</summary>
    /// <returns>Null where it is none.</returns>
    public static SerialConsole? Parse(string text)
    {
        if (Pattern().Match(text) is not { Success: true, Groups: var groups }) return null;
        var port = int.Parse(groups["port"].Value, CultureInfo.InvariantCulture);
        var speed = Read("speed", "9600") is var digits ? int.Parse(digits, CultureInfo.InvariantCulture) : 0;
        return port < MostPorts && speed is >= LeastSpeed and <= MostSpeed
            ? new SerialConsole(port, speed, Read("parity", "n")[0], Read("bits", "8")[0] - '0', groups["flow"].Success) : null;

        string Read(string group, string otherwise) => groups[group] is { Success: true, Value: var value } ? value : otherwise;
    }

    /// <summary>Whether boot loaders can show themselves there as the kernel does; PXELINUX has no parity and always 8 bits.</summary>
    public bool FitsLoaders => Port < LoaderPorts && Speed <= Clock && Clock % Speed == 0 && Parity == 'n' && Bits == 8;

    /// <summary>Whether it can stand among a kernel's arguments, for whatever the kernel makes of it.</summary>
    public static bool IsWord(string text) => text.All(c => char.IsAsciiLetterOrDigit(c) || c is ',' or '.');

    /// <summary>Whether it is any console of a kernel: a device and its options.</summary>
    public static bool IsConsole(string text) =>
        AnyPattern().IsMatch(text) && (!SerialPattern().IsMatch(text) || Parse(text) is not null);

    [GeneratedRegex(@"^ttyS(?<port>[0-9]{1,3})(,(?<speed>[0-9]{1,7})((?<parity>[noe])((?<bits>[78])(?<flow>r)?)?)?)?\z")]
    private static partial Regex Pattern();

    [GeneratedRegex(@"^ttyS([0-9]|,|\z)")]
    private static partial Regex SerialPattern();

    [GeneratedRegex(@"^[A-Za-z][A-Za-z0-9]*(,[A-Za-z0-9.]+)*\z")]
    private static partial Regex AnyPattern();
}
