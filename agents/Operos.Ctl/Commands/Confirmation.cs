using System.CommandLine;
using Operos.Ctl.Rendering;

namespace Operos.Ctl.Commands;

/// <summary>What cannot be taken back is asked for once more, on a terminal; a script says <c>--yes</c>.</summary>
internal static class Confirmation
{
    public static Option<bool> Create() => new("--yes") { Description = "Do not ask" };

    /// <exception cref="IOException">There is nobody to ask.</exception>
    public static bool Ask(ParseResult result, Option<bool> yes, string question)
    {
        if (result.GetValue(yes)) return true;
        if (Console.IsInputRedirected) throw new IOException("this wants to be confirmed, and nobody can be asked: add --yes");
        Console.Write(Terminal.Line(question) + " [y/N] ");
        return Console.ReadLine()?.Trim().ToLowerInvariant() is "y" or "yes";
    }
}
