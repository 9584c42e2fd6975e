using System.Globalization;
using System.Text;
using Operos.Kubernetes.Objects;

namespace Operos.Policy.Policies;

/// <summary>What a requirement asks of a label (LabelSelectorRequirement in the API's reference).</summary>
internal enum SelectorOperator { In, NotIn, Exists, DoesNotExist }

/// <summary>One requirement; <c>matchLabels</c> are <see cref="SelectorOperator.In"/> with one value.</summary>
internal sealed record Requirement(string Key, SelectorOperator Operator, IReadOnlyList<string> Values)
{
    public bool Matches(IReadOnlyDictionary<string, string?> labels)
    {
        var has = labels.TryGetValue(Key, out var value);
        return Operator switch
        {
            SelectorOperator.In => has && Values.Contains(value ?? ""),
            // A label that is missing is not in the list either.
            SelectorOperator.NotIn => !has || !Values.Contains(value ?? ""),
            SelectorOperator.Exists => has,
            _ => !has,
        };
    }
}

/// <summary>A label selector; all requirements must hold, and one without any selects everything.</summary>
internal sealed class Selector
{
    private readonly IReadOnlyList<Requirement> requirements;

    private Selector(IReadOnlyList<Requirement> requirements)
    {
        this.requirements = requirements;
        Identity = Describe(requirements);
    }

    /// <summary>
    /// Equal for selectors that ask the same, whatever their order and form. Not for people: values in it are whatever somebody wrote.
    /// </summary>
    public string Identity { get; }

    public bool Matches(IReadOnlyDictionary<string, string?> labels)
    {
        foreach (var requirement in requirements)
            if (!requirement.Matches(labels)) return false;
        return true;
    }

    /// <returns>Null, with the reason, where a requirement is not valid.</returns>
    public static Selector? Read(LabelSelector selector, out string problem)
    {
        problem = "";
        var requirements = (selector.MatchLabels ?? []).Select(
            label => new Requirement(label.Key, SelectorOperator.In, [label.Value ?? ""])).ToList();
        foreach (var expression in selector.MatchExpressions ?? [])
        {
            var values = expression?.Values?.Select(value => value ?? "").Distinct().Order(StringComparer.Ordinal).ToList() ?? [];
            SelectorOperator? asked = expression?.Operator switch
            {
                "In" => SelectorOperator.In, "NotIn" => SelectorOperator.NotIn, "Exists" => SelectorOperator.Exists,
                "DoesNotExist" => SelectorOperator.DoesNotExist, _ => null,
            };
            if (asked is null || string.IsNullOrEmpty(expression?.Key))
                problem = $"the operator {PolicyProblem.Quote(expression?.Operator)} of key {PolicyProblem.Quote(expression?.Key)} is not "
                + $"valid";
            else if (asked is SelectorOperator.In or SelectorOperator.NotIn != values.Count > 0)
                problem = $"{asked} of key {PolicyProblem.Quote(expression!.Key)} has {values.Count} values";
            if (problem.Length > 0) return null;
            requirements.Add(new Requirement(expression!.Key!, asked!.Value, values));
        }
        return new Selector(requirements);
    }

    private static string Describe(IReadOnlyList<Requirement> requirements)
    {
        // Lengths before texts: no text can look like the border between two.
        static string Item(string text) => string.Create(CultureInfo.InvariantCulture, $"{text.Length}:{text}");
        var items = requirements.Select(requirement =>
            $"{Item(requirement.Key)}{requirement.Operator}{string.Concat(requirement.Values.Select(Item))};");
        return items.Distinct().Order(StringComparer.Ordinal).Aggregate(new StringBuilder(), (text, item) => text.Append(item)).ToString();
    }
}
