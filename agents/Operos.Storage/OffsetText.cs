using System.Globalization;

namespace Operos.Storage;

/// <summary>A place on a disk, or a size, in the largest unit that says it whole: <c>4 KiB</c>, <c>1 GiB</c>, <c>1536 bytes</c>.</summary>
internal static class OffsetText
{
    private static readonly string[] Units = ["bytes", "KiB", "MiB", "GiB", "TiB", "PiB"];

    public static string Of(long bytes)
    {
        var unit = 0;
        while (bytes != 0 && bytes % 1024 == 0 && unit < Units.Length - 1)
        {
            bytes /= 1024;
            unit++;
        }
        return string.Create(CultureInfo.InvariantCulture, $"{bytes} {Units[unit]}");
    }
}
