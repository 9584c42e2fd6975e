using Operos.Controller.Machines;
using Operos.Kubernetes;
using Operos.Linux;
using Operos.Proto;

namespace Operos.Controller.Operations;

/// <summary>Every machine, in a line each.</summary>
internal sealed class MachineListing(MachineRegistry machines, MachineViews views) : Reading<ListMachines>("machines list")
{
    protected override Message Read(ListMachines input, Caller caller)
    {
        var filter = new MachineFilter(input);
        var all = machines.All;
        List<MachineSummary> fitting =
        [
            .. all.Where(filter.FitsLabels).Select(views.Summarise).Where(filter.Fits)
                .OrderBy(machine => machine.Kind, StringComparer.Ordinal)
                .ThenBy(machine => machine.Name ?? machine.Id, StringComparer.Ordinal),
        ];
        return new MachineList { Machines = fitting, HasOthers = fitting.Count < all.Count };
    }
}

/// <summary>All that is known of one machine.</summary>
internal sealed class MachineDescription(MachineRegistry machines, MachineViews views) : Reading<ShowMachine>("machines show")
{
    protected override Message Read(ShowMachine input, Caller caller) => views.Describe(machines.Find(input.Machine));
}

/// <summary>Lets a machine in that waits.</summary>
internal sealed class MachineApproval(MachineRegistry machines) : Operation<ApproveMachine>("machines approve", OperatorRole.Operator)
{
    protected override IEnumerable<(string Name, string? Value)> Record(ApproveMachine input) => [("machine", input.Machine)];

    protected override Task<Message> RunAsync(ApproveMachine input, Caller caller, CancellationToken cancellationToken)
    {
        var record = machines.Find(input.Machine);
        if (record.Standing == MachineStanding.Admitted) return Outcome.Of(record, "is admitted already");
        if (record.Standing == MachineStanding.Ambiguous)
            throw new RefusedException(RefusalKind.Conflict, $"{record.Id} is ambiguous: {record.Reason}",
                MachineViews.ResolveCommand(record));
        var after = record.Standing == MachineStanding.Rejected ? "a minute or two" : "seconds";
        return Outcome.Of(machines.Update(record.Id,
            waits => waits with { ResolvedAs = "new", Standing = MachineStanding.Pending }, "approved"),
            $"is approved; it joins when it asks next, within {after}");
    }
}

/// <summary>Keeps a machine out that waits.</summary>
internal sealed class MachineRejection(MachineRegistry machines) : Operation<RejectMachine>("machines reject", OperatorRole.Operator)
{
    protected override IEnumerable<(string Name, string? Value)> Record(RejectMachine input) => [("machine", input.Machine)];

    protected override Task<Message> RunAsync(RejectMachine input, Caller caller, CancellationToken cancellationToken)
    {
        var record = machines.Find(input.Machine);
        if (record.Standing == MachineStanding.Admitted)
            throw new RefusedException(RefusalKind.Conflict, $"{record.Id} is admitted", $"operosctl machines remove {record.Id}");
        return Outcome.Of(machines.Update(record.Id,
            waits => waits with { Standing = MachineStanding.Rejected, ResolvedAs = null }, "rejected"), "is rejected");
    }
}

/// <summary>Gives a machine a name beside its UUID, or takes it away.</summary>
internal sealed class MachineRenaming(MachineRegistry machines) : Operation<RenameMachine>("machines rename", OperatorRole.Operator)
{
    protected override IEnumerable<(string Name, string? Value)> Record(RenameMachine input) =>
        [("machine", input.Machine), ("name", input.Name)];

    protected override Task<Message> RunAsync(RenameMachine input, Caller caller, CancellationToken cancellationToken) =>
        Outcome.Of(machines.Rename(machines.Find(input.Machine).Id, input.Name),
            input.Name.Length == 0 ? "has no name now" : $"is named {input.Name}");
}

/// <summary>Sets and removes labels, all of them or none.</summary>
internal sealed class MachineLabelling(MachineRegistry machines) : Operation<LabelMachine>("machines label", OperatorRole.Operator)
{
    private const int MostLabels = 64;

    protected override IEnumerable<(string Name, string? Value)> Record(LabelMachine input) =>
    [
        ("machine", input.Machine),
        ("set", input.Set is { Count: > 0 } set ? string.Join(' ', set.Select(label => $"{label.Key}={label.Value}")) : null),
        ("remove", input.Remove is { Count: > 0 } keys ? string.Join(' ', keys) : null),
    ];

    protected override Task<Message> RunAsync(LabelMachine input, Caller caller, CancellationToken cancellationToken)
    {
        var record = machines.Find(input.Machine);
        var bad = input.Set.Where(label => !LabelSyntax.IsKey(label.Key) || !LabelSyntax.IsValue(label.Value))
            .Select(label => $"'{label.Key}={label.Value}'").ToList();
        var names = PrintableText.Line(string.Join(", ", bad), MachineWords.LongestText);
        if (bad.Count > 0)
            throw new RefusedException(RefusalKind.Invalid,
                $"nothing was changed: {(bad.Count == 1 ? "this is no label" : "these are no labels")}: {names}", LabelSyntax.Words);
        var labels = record.Labels.Where(label => !input.Remove.Contains(label.Key)).ToDictionary();
        foreach (var (key, value) in input.Set) labels[key] = value;
        if (labels.Count > MostLabels) throw new RefusedException(RefusalKind.Invalid, $"over {MostLabels} labels");
        var all = labels.Count == 0 ? "none" : string.Join(", ", labels.Select(label => $"{label.Key}={label.Value}"));
        var happened = PrintableText.Line($"labels: {all}", MachineWords.LongestText);
        var absent = input.Remove.Where(key => !record.Labels.ContainsKey(key)).ToList();
        return Outcome.Of(machines.Update(record.Id, known => known with { Labels = labels }, happened),
            $"has {labels.Count} label{(labels.Count == 1 ? "" : "s")}"
            + (absent.Count == 0 ? "" : $"; it had no {PrintableText.Line(string.Join(", ", absent), MachineWords.LongestText)}"));
    }
}

/// <summary>What was done, as an operator is told it.</summary>
internal static class Outcome
{
    public static Task<Message> Of(MachineRecord record, string text) => Task.FromResult<Message>(Done(record, text));

    public static Done Done(MachineRecord record, string text) => new() { Text = $"{record.Name ?? record.Id} {text}" };
}
