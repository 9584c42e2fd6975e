using System.CommandLine;
using Operos.Linux;

namespace Operos.CommandLine;

/// <summary>An option that takes one of a few words, or, given again or with commas, several.</summary>
public sealed class ChoiceOption : Option<string[]>
{
    /// <param name="isMany">Whether several may be given.</param>
    public ChoiceOption(string name, string description, IReadOnlyList<string> choices, bool isMany = false) : base(name)
    {
        (Description, Choices) = (description, choices);
        Arity = isMany ? ArgumentArity.OneOrMore : ArgumentArity.ExactlyOne;
        AllowMultipleArgumentsPerToken = false;
        CustomParser = result =>
        {
            string[] words = [.. result.Tokens.SelectMany(token => isMany
                ? token.Value.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries) : [token.Value])];
            foreach (var odd in words.Where(word => !choices.Contains(word)))
                result.AddError($"{name}: '{PrintableText.Line(odd)}' is none of {string.Join(", ", choices)}");
            return words;
        };
        CompletionSources.Add([.. choices]);
    }

    public IReadOnlyList<string> Choices { get; }
}
