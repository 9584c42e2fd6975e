using System.Net;
using Operos.Authority;
using Operos.Linux;

namespace Operos.Controller.Configuration;

/// <summary>
/// Reads a value of the file by its type. One that is missing is the fallback; one that is not valid is told with its key and line, and
/// what is returned then counts for nothing, since no settings are made of a file with an error.
/// </summary>
internal static class ConfigurationValues
{
    private const int LongestShown = 48;

    public static bool Flag(this ConfigurationFile file, string key, bool fallback)
    {
        if (!file.TryGet(key, out var value, out _)) return fallback;
        if (value is bool flag) return flag;
        file.Fail(key, $"true or false is expected{Not(value, value is "true" or "false")}");
        return fallback;
    }

    public static T Choice<T>(this ConfigurationFile file, string key, T fallback) where T : struct, Enum
    {
        if (!file.TryGet(key, out var value, out _)) return fallback;
        if (value is string text && text == text.ToLowerInvariant() && Enum.TryParse<T>(text, ignoreCase: true, out var choice)
            && !int.TryParse(text, out _)) return choice;
        file.Fail(key, $"one of {string.Join(", ", Enum.GetNames<T>().Select(name => $"\"{name.ToLowerInvariant()}\""))} is expected"
            + Not(value));
        return fallback;
    }

    public static int Number(this ConfigurationFile file, string key, int fallback, int least, int most)
    {
        if (!file.TryGet(key, out var value, out _)) return fallback;
        if (value is long number && number >= least && number <= most) return (int)number;
        file.Fail(key, $"a number from {least} to {most} is expected{Not(value, value is string digits && long.TryParse(digits, out _))}");
        return fallback;
    }

    /// <returns>Null where it is missing.</returns>
    public static string? Text(this ConfigurationFile file, string key, Func<string, bool> isValid, string expected) =>
        file.Text(key, value => isValid(value) ? null : expected + Not(value));

    /// <param name="problem">What is wrong with it; null where nothing is.</param>
    /// <returns>Null where it is missing.</returns>
    public static string? Text(this ConfigurationFile file, string key, Func<string, string?> problem)
    {
        if (!file.TryGet(key, out var value, out _)) return null;
        if (value is not string text) file.Fail(key, $"a text is expected{Not(value)}");
        else if (problem(text) is { } wrong) file.Fail(key, wrong);
        return value as string;
    }

    public static List<string> List(this ConfigurationFile file, string key, List<string> fallback, Func<string, bool> isValid,
        string expected) => file.List(key, fallback, value => isValid(value) ? null : expected + Not(value));

    /// <returns>Null where it is missing.</returns>
    public static IPAddress? Address(this ConfigurationFile file, string key) =>
        file.Text(key, _ => null) is { } text ? file.Dotted(key, text, DottedAddress.Expected) : null;

    /// <summary>
    /// An address of four numbers. One of them that begins with 0 is doubted: a rack that runs with it has the address that .NET takes it
    /// for.
    /// </summary>
    /// <param name="expected">What should stand there.</param>
    /// <returns>Null, and told, where it is none.</returns>
    public static IPAddress? Dotted(this ConfigurationFile file, string key, string text, string expected)
    {
        if (DottedAddress.Problem(text, expected) is not { } problem) return DottedAddress.Parse(text);
        if (DottedAddress.ParseAmbiguous(text) is not { } taken)
        {
            file.Fail(key, problem);
            return null;
        }
        file.Doubt(key, $"{problem}; a controller that runs with it takes it for {taken}");
        return taken;
    }

    /// <param name="problem">What is wrong with an address; null where nothing is.</param>
    public static List<IPAddress> Addresses(this ConfigurationFile file, string key, Func<IPAddress, string?> problem)
    {
        var addresses = file.List(key, [], _ => null).Select(text => file.Dotted(key, text, "IPv4 addresses are expected"))
            .OfType<IPAddress>().ToList();
        foreach (var wrong in addresses.Select(problem).OfType<string>()) file.Fail(key, wrong);
        return addresses;
    }

    public static TimeSpan Life(this ConfigurationFile file, string key, LifeBounds bounds) =>
        file.Duration(key, bounds.Default, bounds.Shortest, bounds.Longest);

    public static TimeSpan Duration(this ConfigurationFile file, string key, TimeSpan fallback, TimeSpan least, TimeSpan most)
    {
        if (!file.TryGet(key, out var value, out _)) return fallback;
        if (value is string text && DurationText.TryParse(text, out var duration) && duration >= least && duration <= most) return duration;
        file.Fail(key, $"a time from {DurationText.Write(least)} to {DurationText.Write(most)} is expected: {DurationText.Words}"
            + Not(value));
        return fallback;
    }

    /// <param name="problem">What is wrong with one; null where nothing is.</param>
    public static List<string> List(this ConfigurationFile file, string key, List<string> fallback, Func<string, string?> problem)
    {
        if (!file.TryGet(key, out var value, out _)) return fallback;
        if (value is not List<string> list)
        {
            file.Fail(key, $"a list of texts is expected{Not(value)}");
            return fallback;
        }
        foreach (var wrong in list.Select(problem).OfType<string>()) file.Fail(key, wrong);
        return list;
    }

    /// <summary>What stands there instead of what is expected.</summary>
    /// <param name="isQuoted">Whether it would be right without its quotes.</param>
    internal static string Not(object? value, bool isQuoted = false) => value switch
    {
        string text when isQuoted => $", without quotes: {text}",
        string text => $", not \"{PrintableText.Line(text, LongestShown)}\"",
        bool flag => flag ? ", not true" : ", not false",
        long number => $", not {number}",
        _ => ", not a list",
    };
}
