using System.CommandLine;
using Operos.CommandLine;
using Operos.Ctl.Rendering;
using Operos.Linux;
using Operos.Proto;

namespace Operos.Ctl.Commands;

/// <summary><c>operosctl machines</c>: the list, one machine's story, admission, names and labels.</summary>
internal static class MachineCommands
{
    /// <summary>How a machine is named on the command line.</summary>
    public const string Called = "Name, UUID or a unique start of it, address, or MAC";

    public static Command Create()
    {
        var machines = new Command("machines", "List machines; subcommands show and change one")
        {
            List(),
            Show(),
            Approve(),
            Simple("reject", "Refuse a machine that waits", machine => new RejectMachine { Machine = machine }),
            Rename(),
            Label(),
            Resolve(),
            MachineOrders.Drain(),
            Simple("cordon", "Keep new pods from coming to a machine; those on it stay",
                machine => new CordonMachine { Machine = machine }),
            Simple("uncordon", "Let pods come to a machine again", machine => new UncordonMachine { Machine = machine }),
            MachineOrders.Remove(),
            MachineOrders.Reboot(),
        };
        Lists(machines);
        return machines;
    }

    internal static string RenderList(MachineList list)
    {
        if (list.Machines.Count == 0)
            return list.HasOthers ? "no machine fits; operosctl machines lists them all\n"
                : "no machines yet: power one on in the controller's network\n";
        var now = DateTimeOffset.UtcNow;
        var table = Table.Render(["NAME", "UUID", "KIND", "STATE", "RELEASE", "ADDRESS", "CPUS", "MEMORY", "DISKS", "SEEN"],
        [
            .. list.Machines.Select(machine => (IReadOnlyList<string>)
            [
                machine.Name ?? "-", machine.Id, machine.Kind, machine.State, machine.Release ?? "-", machine.Address ?? "-",
                $"{machine.Cpus}", Figures.Size(machine.MemoryBytes), $"{machine.Disks}",
                machine.State == "up" ? "now" : Figures.Age(machine.LastSeenUnixMs, now),
            ]),
        ]);
        static string Name(MachineSummary machine) => machine.Name ?? machine.Id[..Math.Min(8, machine.Id.Length)];
        var notes = list.Machines.Where(machine => machine.Note is not null)
            .Select(machine => Terminal.Line($"{Name(machine)}: {machine.Note}") + "\n").ToList();
        notes.AddRange(list.Machines.Where(machine => machine.Alarm is not null)
            .Select(machine => $"ALARM {Name(machine)}: {machine.Alarm}\n"));
        return notes.Count == 0 ? table : table + "\n" + string.Concat(notes);
    }

    private static Command List()
    {
        var command = new Command("list", "List machines");
        Lists(command);
        return command;
    }

    /// <summary>A command that lists machines, all or those that fit.</summary>
    private static void Lists(Command command)
    {
        var states = new ChoiceOption("--state", $"Only these, with commas: {string.Join(", ", MachineList.States)}", MachineList.States,
            isMany: true);
        var labels = new Option<string[]>("--label", "-l") { Description = "Only those with key, key=value, key!=value or !key" };
        labels.Validators.Add(result =>
        {
            foreach (var odd in Words([.. result.Tokens.Select(token => token.Value)]).Where(word => !IsSelector(word)))
                result.AddError($"--label: '{PrintableText.Line(odd)}' selects no label: key, key=value, key!=value or !key");
        });
        var kind = new ChoiceOption("--kind", "Only these", ["worker", "controller"]);
        var release = new Option<string?>("--release") { Description = "Only those that booted this release" };
        foreach (var option in (Option[])[states, labels, kind, release]) command.Options.Add(option);
        command.Shows<MachineList>(result => new ListMachines
        {
            States = result.GetValue(states) ?? [], Labels = Words(result.GetValue(labels)), Kind = result.GetValue(kind)?.FirstOrDefault(),
            Release = result.GetValue(release),
        }, RenderList);
    }

    /// <summary>Whether a key stands where one must; what a key and a value may be, the controller says.</summary>
    private static bool IsSelector(string word)
    {
        var key = word.Split('=', 2)[0];
        if (key.Length < word.Length) key = key.TrimEnd('!');
        else if (key.StartsWith('!')) key = key[1..];
        return key.Length > 0 && key.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.' or '/');
    }

    /// <summary>What was given several times, or once with commas.</summary>
    private static IReadOnlyList<string> Words(string[]? given) =>
        [.. (given ?? []).SelectMany(words => words.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))];

    private static Command Show()
    {
        var machine = MachineArgument();
        var command = new Command("show", "Tell a machine's story: state, hardware, last boot, events") { machine };
        command.Shows<MachineDetail>(result =>
            new ShowMachine { Machine = result.GetRequiredValue(machine) }, detail => MachineStory.Render(detail, DateTimeOffset.UtcNow));
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
        var labels = new Argument<string[]>("labels")
        {
            Description = "key=value sets, key- removes; the Node has them as operos.io/key", Arity = ArgumentArity.OneOrMore,
        };
        labels.Validators.Add(result =>
        {
            foreach (var token in result.Tokens)
                if (token.Value.IndexOf('=', StringComparison.Ordinal) < 1 && !(token.Value.Length > 1 && token.Value.EndsWith('-')))
                    result.AddError($"'{token.Value}' is neither key=value nor key-");
        });
        var command = new Command("label", "Set and remove labels") { machine, labels };
        command.Does(result =>
        {
            var words = result.GetRequiredValue(labels);
            return new LabelMachine
            {
                Machine = result.GetRequiredValue(machine),
                Set = words.Where(word => word.Contains('=', StringComparison.Ordinal)).Select(word => word.Split('=', 2))
                    .ToDictionary(pair => pair[0], pair => pair[1]),
                Remove = [.. words.Where(word => !word.Contains('=', StringComparison.Ordinal)).Select(word => word[..^1])],
            };
        });
        return command;
    }

    private static Command Resolve()
    {
        var machine = new Argument<string?>("machine")
        {
            Description = Called + "; or a claim's id", Arity = ArgumentArity.ZeroOrOne,
        };
        var target = new Option<string?>("--as") { Description = "The machine that it is, or new" };
        var returned = new Option<bool>("--returned")
        {
            Description = "All that came back by a boot that nobody ordered, as after a power cut, where nothing else is in doubt",
        };
        var yes = Confirmation.Create();
        var command = new Command("resolve", "Say who an ambiguous machine or a claim is; a machine as itself: that all is well with it")
        {
            machine, target, returned, yes,
        };
        command.Validators.Add(result =>
        {
            var one = result.GetValue(machine) is not null && result.GetValue(target) is not null;
            if (one == result.GetValue(returned)) result.AddError("give a machine and --as, or --returned");
        });
        command.SetAction((result, cancellationToken) => result.GetValue(returned)
            ? ManyMachines.ActAsync(result, yes, "Are all of these the machines that they say they are?",
                found => found.Returned is { } settled ? new ResolveMachine { Machine = settled, As = found.Id } : null, cancellationToken)
            : Query.DoAsync(
                result, new ResolveMachine { Machine = result.GetValue(machine)!, As = result.GetValue(target)! }, cancellationToken));
        return command;
    }

    private static Command Approve()
    {
        var machine = new Argument<string?>("machine")
        {
            Description = Called, Arity = ArgumentArity.ZeroOrOne,
        };
        var all = new Option<bool>("--all") { Description = "All that wait to join" };
        var yes = Confirmation.Create();
        var command = new Command("approve", "Admit a machine that waits") { machine, all, yes };
        command.Validators.Add(result =>
        {
            if (result.GetValue(machine) is not null == result.GetValue(all)) result.AddError("give a machine, or --all");
        });
        command.SetAction((result, cancellationToken) => result.GetValue(all)
            ? ManyMachines.ActAsync(result, yes, "Admit all of these?",
                found => found.State == "pending" ? new ApproveMachine { Machine = found.Id } : null, cancellationToken)
            : Query.DoAsync(result, new ApproveMachine { Machine = result.GetValue(machine)! }, cancellationToken));
        return command;
    }

    public static Argument<string> MachineArgument() => new("machine") { Description = Called };
}
