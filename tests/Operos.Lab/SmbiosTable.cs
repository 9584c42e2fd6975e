using System.Text;

namespace Operos.Lab;

/// <summary>The table in which a firmware says what machine it is (DMTF DSP0134): the system alone, and the end.</summary>
internal static class SmbiosTable
{
    private const byte SystemInformation = 1, EndOfTable = 127, HeaderLength = 4, SystemLength = 27;

    public static byte[] Write(string vendor, string product, string serial)
    {
        var system = new byte[SystemLength];
        (system[0], system[1]) = (SystemInformation, SystemLength);
        // The numbers of its strings: manufacturer, product, no version, serial number.
        (system[4], system[5], system[7]) = (1, 2, 3);
        return [.. system, .. Encoding.Latin1.GetBytes($"{vendor}\0{product}\0{serial}\0\0"), EndOfTable, HeaderLength, 1, 0, 0, 0];
    }
}
