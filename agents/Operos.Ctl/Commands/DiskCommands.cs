using System.CommandLine;
using Operos.Ctl.Rendering;
using Operos.Proto;

namespace Operos.Ctl.Commands;

/// <summary><c>operosctl disks</c>: what each disk is and why, and what operators decide of it.</summary>
internal static class DiskCommands
{
    /// <summary>How a disk is named on the command line.</summary>
    private const string Called = "MACHINE/NAME such as w1/sda, or its identity or a unique start of it";

    public static Command Create()
    {
        var disks = new Command("disks", "List disks: what each is and why, what it is used for; subcommands show and change one")
        {
            List(),
            Show(),
            DiskWipes.Wipe(),
            Simple("exclude", "Keep a disk out, wherever it is put; it survives reboots", disk => new ExcludeDisk { Disk = disk }),
            Simple("reclaim", "Let a disk be used again that was kept out", disk => new ReclaimDisk { Disk = disk }),
            Locate(),
        };
        disks.Shows((result, token) => DiskPages.AskAsync(result, "", token), list => DiskTable.Render(list, DateTimeOffset.UtcNow));
        return disks;
    }

    public static Argument<string> DiskArgument() => new("disk") { Description = Called };

    private static Command List()
    {
        var machine = new Argument<string?>("machine")
        {
            Description = $"Its disks alone: {MachineCommands.Called}", Arity = ArgumentArity.ZeroOrOne,
        };
        var command = new Command("list", "List the disks of a machine, or of all") { machine };
        command.Shows((result, token) => DiskPages.AskAsync(result, result.GetValue(machine) ?? "", token),
            list => DiskTable.Render(list, DateTimeOffset.UtcNow));
        return command;
    }

    private static Command Show()
    {
        var disk = DiskArgument();
        var command = new Command("show", "Show all that is known of a disk") { disk };
        command.Shows<DiskReply>(result => new ShowDisk { Disk = result.GetRequiredValue(disk) },
            reply => DiskTable.Render(reply.Entry, DateTimeOffset.UtcNow));
        return command;
    }

    private static Command Locate()
    {
        var disk = DiskArgument();
        var time = DurationOption.Create("--seconds", "How long", TimeSpan.FromSeconds(30), TimeSpan.FromMinutes(10));
        var command = new Command("locate", "Make a disk's light blink") { disk, time };
        command.Does(result => new OrderLocate
            { Disk = result.GetRequiredValue(disk), Seconds = (int)result.GetValue(time).TotalSeconds });
        return command;
    }

    private static Command Simple(string name, string description, Func<string, Message> request)
    {
        var disk = DiskArgument();
        var command = new Command(name, description) { disk };
        command.Does(result => request(result.GetRequiredValue(disk)));
        return command;
    }
}
