using CsCheck;
using Operos.Kubernetes;

namespace Operos.Controller.Tests;

/// <summary>Labels as we write them. (That we take for one just what the API server takes: <c>Operos.Kubernetes.Tests</c>.)</summary>
public sealed class LabelSyntaxTests
{
    private static readonly Gen<string> Values = Gen.Char["abcXYZ019-_."].Array[1, 63].Select(letters => new string(letters))
        .Where(LabelSyntax.IsValue);

    [Fact]
    public void Any_text_becomes_a_value() =>
        Gen.OneOf(Gen.String, Gen.String[Gen.Char[" -_./aZ0\0\n"], 0, 130]).Sample(text => LabelSyntax.IsValue(LabelSyntax.ToValue(text)));

    [Fact]
    public void What_is_a_value_stays_as_it_is() => Values.Sample(value => LabelSyntax.ToValue(value) == value);

    [Theory]
    [InlineData(null, "")]
    [InlineData("  ", "")]
    [InlineData("..", "")]
    [InlineData(" Acme R1 (2/U)", "Acme-R1--2-U")]
    public void Other_characters_become_dashes_and_none_is_first_or_last(string? text, string value) =>
        Assert.Equal(value, LabelSyntax.ToValue(text));
}
