using System.Globalization;
using System.Text.RegularExpressions;
using Operos.Init.Fetch;

namespace Operos.Init.Tests;

/// <summary>What the console is told while layers are fetched or verified.</summary>
public sealed class FetchProgressTests
{
    private static readonly TimeSpan BetweenLines = TimeSpan.FromMilliseconds(1100);

    /// <summary>Each thread counts and then reports: another may have counted more and reported before.</summary>
    [Fact]
    public void A_percentage_of_several_threads_never_runs_backwards()
    {
        var (before, console) = (Console.Out, new StringWriter());
        Console.SetOut(console);
        try
        {
            var progress = new FetchProgress("verify", "4 layers", 100);
            foreach (var bytes in (long[])[60, 40, 55, 80])
            {
                Thread.Sleep(BetweenLines);
                progress.Report(bytes, "");
            }
        }
        finally { Console.SetOut(before); }
        var shares = Regex.Matches(console.ToString(), "verify: 4 layers .* ([0-9]+) %").Select(match =>
            int.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture)).ToList();
        Assert.Equal(80, shares[^1]);
        Assert.Equal(shares.Order(), shares);
        Assert.Equal(60, shares[0]);
    }
}
