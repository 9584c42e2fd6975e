using System.Text;
using Operos.Linux;
using Operos.Release;

namespace Operos.Controller.Machines;

/// <summary>
/// What machines say of themselves, brought within bounds before it is kept: a machine that nobody admitted may say anything, and an
/// operator's terminal shows it.
/// </summary>
internal static class MachineWords
{
    public const int LongestText = 512;
    private const int LongestBootId = 64;

    /// <summary>A kernel's boot id: letters, digits and dashes, at most 64.</summary>
    public static bool IsBootId(string? text) =>
        text is { Length: > 0 and <= LongestBootId } && text.All(c => char.IsAsciiLetterOrDigit(c) || c == '-');

    /// <summary>A boot record as it is kept, JSON; null where the machine sent none.</summary>
    /// <exception cref="FormatException">It is none; the message says why.</exception>
    public static string? BootRecordOf(byte[] json) => json.Length == 0 ? null : Encoding.UTF8.GetString(BootRecord.Parse(json).ToJson());

    /// <summary>A record that was written by a version which kept what it was sent.</summary>
    public static MachineRecord Bounded(MachineRecord record) => record with
    {
        Inventory = record.Inventory.Cleaned(),
        BootRecord = KeptBootRecord(record.BootRecord),
        Reason = PrintableText.Line(record.Reason, LongestText),
        Events = [.. record.Events.Select(happened => happened with { Text = PrintableText.Line(happened.Text, LongestText) ?? "" })],
    };

    private static string? KeptBootRecord(string? json)
    {
        try { return json is null ? null : BootRecordOf(Encoding.UTF8.GetBytes(json)); }
        // Told for diagnosis only: its machine sends another at its next boot.
        catch (FormatException) { return null; }
    }
}
