using Operos.Controller.Machines;
using Operos.Kubernetes;
using Operos.Linux;
using Operos.Proto;

namespace Operos.Controller.Operations;

/// <summary>Which machines a list is to hold.</summary>
internal sealed class MachineFilter
{
    private readonly ListMachines asked;
    private readonly List<(string Key, string? Value, bool Not)> labels;

    /// <exception cref="RefusedException">Something of it fits no machine that there could be.</exception>
    public MachineFilter(ListMachines asked)
    {
        this.asked = asked;
        labels = [.. (asked.Labels ?? []).Select(Parse)];
        if ((asked.States ?? []).FirstOrDefault(state => !MachineList.States.Contains(state)) is { } unknown)
            throw Refusal($"'{PrintableText.Line(unknown)}' is no state of a machine", string.Join(", ", MachineList.States));
        if (asked.Kind is { Length: > 0 } kind and not ("worker" or "controller"))
            throw Refusal($"'{PrintableText.Line(kind)}' is no kind of machine", "worker, controller");
    }

    public bool FitsLabels(MachineRecord record) => labels.TrueForAll(label =>
        (record.Labels.TryGetValue(label.Key, out var value) && (label.Value is null || value == label.Value)) != label.Not);

    public bool Fits(MachineSummary machine) => (asked.States is not { Count: > 0 } states || states.Contains(machine.State))
        && (string.IsNullOrEmpty(asked.Kind) || machine.Kind == asked.Kind)
        && (string.IsNullOrEmpty(asked.Release) || machine.Release == asked.Release);

    /// <summary>As Kubernetes' selectors say it: <c>key</c>, <c>key=value</c>, <c>key!=value</c>, <c>!key</c>.</summary>
    private static (string Key, string? Value, bool Not) Parse(string selector)
    {
        var not = selector.StartsWith('!');
        var (key, value) = (not ? selector[1..] : selector, (string?)null);
        if (selector.IndexOf('=', StringComparison.Ordinal) is var at && at > 0)
        {
            value = selector[(at + 1)..].TrimStart('=');
            key = selector[..at];
            if (key.EndsWith('!')) (key, not) = (key[..^1], true);
        }
        if (!LabelSyntax.IsKey(key) || (value is not null && !LabelSyntax.IsValue(value)))
            throw Refusal($"'{PrintableText.Line(selector)}' selects no label", "key, key=value, key!=value or !key");
        return (key, value, not);
    }

    private static RefusedException Refusal(string text, string hint) => new(RefusalKind.Invalid, text, hint);
}
