using System.CommandLine;
using Operos.Ctl.Rendering;

namespace Operos.Ctl.Commands;

/// <summary>What cannot be taken back is asked for once more, on a terminal; a script says <c>--yes</c>.</summary>
internal static class Confirmation
{
    public static Option<bool> Create() => new("--yes") { Description = "Do not ask" };

    /// <exception cref="UnconfirmedException">The answer is no, or there is nobody to ask.</exception>
    public static void Ask(ParseResult result, Option<bool> yes, string question)
    {
        if (result.GetValue(yes)) return;
        if (Console.IsInputRedirected)
            throw new UnconfirmedException($"nothing was done: \"{question}\" wants to be confirmed, and there is no terminal to ask at: "
                + "add --yes");
        Console.Write(Terminal.Line(question) + " [y/N] ");
        if (Console.ReadLine()?.Trim().ToLowerInvariant() is not ("y" or "yes"))
            throw new UnconfirmedException("nothing was done") { IsAnswered = true };
    }
}
