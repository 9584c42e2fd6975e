using System.Globalization;

namespace Operos.TestRun;

/// <summary>What tests/run.sh was asked for; its usage text is there.</summary>
internal sealed record Arguments
{
    public string? Results { get; init; }
    public IReadOnlyList<string> Filter { get; init; } = [];

    /// <summary>Seconds that compiling took.</summary>
    public double Compiled { get; init; }

    /// <summary>Before CI's own limit, which ends without a count.</summary>
    public TimeSpan Limit { get; init; } = TimeSpan.FromMinutes(84);

    /// <summary>Of the long lists.</summary>
    public SoakPart Soak { get; init; }

    public bool Make { get; init; }
    public bool HasKubernetes { get; init; } = true;
    public bool HasCeph { get; init; } = true;
    public IReadOnlyList<string> Items { get; init; } = [];

    /// <exception cref="ArgumentException">They make no sense.</exception>
    public static Arguments Read(IReadOnlyList<string> words)
    {
        var arguments = new Arguments();
        for (var i = 0; i < words.Count; i++)
        {
            var option = words[i];
            string Value() => ++i < words.Count ? words[i] : throw new ArgumentException($"{option} needs a value");
            arguments = option switch
            {
                "--results" => arguments with { Results = Value() },
                "--filter" => arguments with { Filter = Value().Split(' ', StringSplitOptions.RemoveEmptyEntries) },
                "--compiled" => arguments with { Compiled = Number(option, Value()) },
                "--limit" => arguments with { Limit = TimeSpan.FromMinutes(Number(option, Value())) },
                "--soak" => arguments with { Soak = SoakPart.Of(Value()) },
                "--make" => arguments with { Make = true },
                "--without-kubernetes" => arguments with { HasKubernetes = false },
                "--without-ceph" => arguments with { HasCeph = false },
                _ when option.StartsWith('-') => throw new ArgumentException($"there is no option {option}"),
                _ => arguments with { Items = [.. arguments.Items, option] },
            };
        }
        return arguments.Items.Count > 0 ? arguments : throw new ArgumentException("nothing to run was named");
    }

    private static double Number(string option, string text) =>
        double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && number is > 0 and < 10_000
            ? number
            : throw new ArgumentException($"{option} needs a number above 0, not {text}");
}
