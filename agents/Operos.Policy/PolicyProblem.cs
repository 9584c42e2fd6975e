namespace Operos.Policy;

/// <summary>Something in an object that was refused, and that an operator should know of.</summary>
/// <param name="Subject">Such as <c>networkpolicy shop/allow-web</c>.</param>
/// <param name="Field">The path of the field, such as <c>spec.ingress[0].from[1].ipBlock.cidr</c>.</param>
/// <param name="Text">Why, and what follows from it.</param>
public sealed record PolicyProblem(string Subject, string Field, string Text)
{
    private const int LongestQuote = 64;

    public override string ToString() => $"{Subject}: {Field}: {Text}";

    /// <summary>What somebody wrote, safe to print: bounded and without control characters.</summary>
    internal static string Quote(string? text)
    {
        if (text is null) return "nothing";
        var shown = text.Length > LongestQuote ? text[..LongestQuote] + "..." : text;
        return $"'{string.Concat(shown.Select(c => char.IsControl(c) || char.IsSurrogate(c) ? '?' : c))}'";
    }
}
