using System.Globalization;

namespace Operos.Linux;

/// <summary>
/// A length of time as people write it: a whole number and its unit, <c>s</c>, <c>m</c>, <c>h</c> or <c>d</c>. Nothing shorter than a
/// second, nothing longer than a hundred years.
/// </summary>
public static class DurationText
{
    /// <summary>How it is written, for whoever wrote it otherwise.</summary>
    public const string Words = "a number and s, m, h or d, such as 30s, 90m, 8h or 7d";

    public static readonly TimeSpan Shortest = TimeSpan.FromSeconds(1), Longest = TimeSpan.FromDays(36_500);

    /// <summary>More are no number of seconds within bounds.</summary>
    private const int MostDigits = 10;

    private static readonly (char Letter, long Seconds)[] Units = [('d', 86_400), ('h', 3_600), ('m', 60), ('s', 1)];

    /// <returns>Whether it is one within bounds.</returns>
    public static bool TryParse(string? text, out TimeSpan duration)
    {
        duration = default;
        if (text is not { Length: >= 2 and <= MostDigits + 1 }) return false;
        // A parser of numbers by itself takes zero bytes after them.
        var digits = text.AsSpan(..^1);
        if (digits.ContainsAnyExceptInRange('0', '9')) return false;
        var unit = Units.FirstOrDefault(unit => unit.Letter == text[^1]).Seconds;
        var seconds = long.Parse(digits, NumberStyles.None, CultureInfo.InvariantCulture) * unit;
        if (seconds < 1 || seconds > (long)Longest.TotalSeconds) return false;
        duration = TimeSpan.FromSeconds(seconds);
        return true;
    }

    /// <summary>In the largest unit of which it is a whole number: 90 minutes are <c>90m</c>, 48 hours <c>2d</c>.</summary>
    /// <param name="duration">Parts of a second are left out.</param>
    /// <exception cref="ArgumentOutOfRangeException">It is out of bounds.</exception>
    public static string Write(TimeSpan duration)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(duration, Shortest);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(duration, Longest);
        var seconds = (long)duration.TotalSeconds;
        var (letter, unit) = Units.First(unit => seconds % unit.Seconds == 0);
        return string.Create(CultureInfo.InvariantCulture, $"{seconds / unit}{letter}");
    }
}
