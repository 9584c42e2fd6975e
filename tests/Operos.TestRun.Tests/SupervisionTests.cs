using System.Text.RegularExpressions;

namespace Operos.TestRun.Tests;

/// <summary>Reads the code that is shipped: what keeps daemons running exists once.</summary>
public sealed partial class SupervisionTests
{
    [Fact]
    public void A_unit_s_last_words_are_asked_for_in_one_place() =>
        Assert.Equal(["Operos.Linux/Units/UnitJournal.cs"], FilesWith(Journal()));

    [Fact]
    public void Units_that_may_take_long_are_started_anew_by_the_one_supervisor_alone() =>
        Assert.Equal(["Operos.Linux/Supervision/UnitDaemon.cs", "Operos.Linux/Units/Systemd.cs"], FilesWith(Order()));

    private static IEnumerable<string> FilesWith(Regex code)
    {
        var agents = Path.Combine(Checkout.Folder, "agents");
        return Directory.EnumerateFiles(agents, "*.cs", SearchOption.AllDirectories).Select(path => Path.GetRelativePath(agents, path))
            .Where(path => path.Split('/')[1] is not ("bin" or "obj") && code.IsMatch(File.ReadAllText(Path.Combine(agents, path))))
            .Order(StringComparer.Ordinal);
    }

    [GeneratedRegex("\"journalctl\"")]
    private static partial Regex Journal();

    [GeneratedRegex(@"\bOrderRestartAsync\(")]
    private static partial Regex Order();
}
