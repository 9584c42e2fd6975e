using System.CommandLine;
using Operos.Ctl.Rendering;
using Operos.Proto;

namespace Operos.Ctl.Commands;

/// <summary><c>operosctl machines</c>: the list, one machine's story, admission, names and labels.</summary>
internal static class MachineCommands
{
    public static Command Create()
    {
        var machines = new Command("machines", "List machines; subcommands show and change one")
        {
            List(),
            Show(),
            Simple("approve", "Admit a machine that waits", machine => new ApproveMachine { Machine = machine }),
            Simple("reject", "Refuse a machine that waits", machine => new RejectMachine { Machine = machine }),
            Rename(),
            Label(),
            Resolve(),
            Remove(),
            Simple("reboot", "Shut a worker down cleanly and start it again", machine => new RebootMachine { Machine = machine }),
        };
        machines.Shows<MachineList>(_ => new ListMachines(), RenderList);
        return machines;
    }

    internal static string RenderList(MachineList list)
    {
        if (list.Machines.Count == 0) return "no machines yet: power one on in the controller's network\n";
        var now = DateTimeOffset.UtcNow;
        var table = Table.Render(["NAME", "UUID", "KIND", "STATE", "RELEASE", "ADDRESS", "CPUS", "MEMORY", "DISKS", "SEEN"],
        [
            .. list.Machines.Select(machine => (IReadOnlyList<string>)
            [
                machine.Name ?? "-", machine.Id, machine.Kind, machine.State, machine.Release ?? "-", machine.Address ?? "-", $"{machine.Cpus}", Figures.Size(machine.MemoryBytes), $"{machine.Disks}",
                machine.State == "up" ? "now" : Figures.Age(machine.LastSeenUnixMs, now),
            ]),
        ]);
        static string Name(MachineSummary machine) => machine.Name ?? machine.Id[..Math.Min(8, machine.Id.Length)];
        var notes = list.Machines.Where(machine => machine.Note is not null).Select(machine => Terminal.Line($"{Name(machine)}: {machine.Note}") + "\n").ToList();
        notes.AddRange(list.Machines.Where(machine => machine.Alarm is not null).Select(machine => $"ALARM {Name(machine)}: {machine.Alarm}\n"));
        return notes.Count == 0 ? table : table + "\n" + string.Concat(notes);
    }

    private static Command List()
    {
        var command = new Command("list", "List machines");
        command.Shows<MachineList>(_ => new ListMachines(), RenderList);
        return command;
    }

    private static Command Show()
    {
        var machine = MachineArgument();
        var command = new Command("show", "Tell a machine's story: state, hardware, last boot, events") { machine };
        command.Shows<MachineDetail>(result => new ShowMachine { Machine = result.GetRequiredValue(machine) }, detail => MachineStory.Render(detail, DateTimeOffset.UtcNow));
        return command;
    }

    private static Command Simple(string name, string description, Func<string, Message> request)
    {
        var machine = MachineArgument();
        var command = new Command(name, description) { machine };
        command.Does(result => request(result.GetRequiredValue(machine)));
        return command;
    }

    private static Command Rename()
    {
        var machine = MachineArgument();
        var name = new Argument<string>("name") { Description = "The new name; \"\" takes it away" };
        var command = new Command("rename", "Give a machine a name beside its UUID") { machine, name };
        command.Does(result => new RenameMachine { Machine = result.GetRequiredValue(machine), Name = result.GetRequiredValue(name) });
        return command;
    }

    private static Command Label()
    {
        var machine = MachineArgument();
        var labels = new Argument<string[]>("labels") { Description = "key=value sets, key- removes", Arity = ArgumentArity.OneOrMore };
        labels.Validators.Add(result =>
        {
            foreach (var token in result.Tokens)
                if (token.Value.IndexOf('=', StringComparison.Ordinal) < 1 && !(token.Value.Length > 1 && token.Value.EndsWith('-'))) result.AddError($"'{token.Value}' is neither key=value nor key-");
        });
        var command = new Command("label", "Set and remove labels") { machine, labels };
        command.Does(result =>
        {
            var words = result.GetRequiredValue(labels);
            return new LabelMachine
            {
                Machine = result.GetRequiredValue(machine),
                Set = words.Where(word => word.Contains('=', StringComparison.Ordinal)).Select(word => word.Split('=', 2)).ToDictionary(pair => pair[0], pair => pair[1]),
                Remove = [.. words.Where(word => !word.Contains('=', StringComparison.Ordinal)).Select(word => word[..^1])],
            };
        });
        return command;
    }

    private static Command Resolve()
    {
        var machine = new Argument<string>("machine") { Description = "UUID, a unique start of it, name, or a claim's id" };
        var target = new Option<string>("--as") { Description = "The machine that it is, or new", Required = true };
        var command = new Command("resolve", "Say who an ambiguous machine or a claim is; a machine as itself: that all is well with it") { machine, target };
        command.Does(result => new ResolveMachine { Machine = result.GetRequiredValue(machine), As = result.GetRequiredValue(target) });
        return command;
    }

    private static Command Remove()
    {
        var machine = MachineArgument();
        var yes = new Option<bool>("--yes") { Description = "Do not ask" };
        var seconds = new Option<int>("--drain-seconds") { Description = "How long its pods may take to leave", DefaultValueFactory = _ => 60 };
        var force = new Option<bool>("--force") { Description = "Remove it though its pods would not leave, or without the API server" };
        var command = new Command("remove", "Drain and forget a machine; it must be admitted again") { machine, yes, seconds, force };
        command.SetAction(async (result, cancellationToken) =>
        {
            var name = result.GetRequiredValue(machine);
            if (!result.GetValue(yes))
            {
                if (Console.IsInputRedirected) throw new IOException($"removing {name} wants to be confirmed: add --yes");
                Console.Write($"Remove {name}? Its pods will be evicted and its certificate will no longer count. [y/N] ");
                if (Console.ReadLine()?.Trim().ToLowerInvariant() is not ("y" or "yes")) return;
            }
            var request = new RemoveMachine { Machine = name, DrainSeconds = result.GetValue(seconds), Force = result.GetValue(force) };
            var done = await Credentials.AskAsync<Done>(result, request, cancellationToken, TimeSpan.FromSeconds(request.DrainSeconds));
            Console.WriteLine(Terminal.Page(done.Text));
        });
        return command;
    }

    private static Argument<string> MachineArgument() => new("machine") { Description = "UUID, a unique start of it, or name" };
}
