using System.CommandLine;
using Operos.Ctl.Rendering;
using Operos.Proto;

namespace Operos.Ctl.Commands;

/// <summary><c>operosctl safe-to-pull</c>: whether a disk, a machine or a rack may go.</summary>
internal static class PullCommand
{
    public static Command Create()
    {
        var what = new Argument<string>("what")
        {
            Description = "A disk (MACHINE/NAME or its identity), a machine (name, UUID, address or MAC), or a rack (its label)",
        };
        var command = new Command("safe-to-pull", "Say whether a disk may be pulled, or a machine or a rack switched off: what would be "
            + "lost or stand still; exit code 1 where it is not safe") { what };
        command.Shows<PullAnswer>(result => new AskPull { What = result.GetRequiredValue(what) }, PullText.Render,
            answer => answer.Safe ? 0 : Outcome.Failed);
        return command;
    }
}
