using System.Globalization;
using System.Text.RegularExpressions;

namespace Operos.TestRun.Tests;

/// <summary>
/// Reads the code that is shipped: what an agent logs is told apart by its event id, which an operator may search for for years.
/// </summary>
public sealed partial class LogEventTests
{
    /// <summary>Whose ids these are. A folder of the controller has a range of its own: the innermost that a file lies in counts.</summary>
    private static readonly (string Folder, int First, int Last)[] Ranges =
    [
        ("Operos.Controller", 1600, 1649), ("Operos.Controller/Control", 1000, 1099), ("Operos.Controller/Connections", 1000, 1099),
        ("Operos.Controller/Operations", 1100, 1199), ("Operos.Controller/Audit", 1100, 1199), ("Operos.Controller/Jobs", 1100, 1199),
        ("Operos.Controller/Operators", 1200, 1249), ("Operos.Controller/Machines", 1250, 1299), ("Operos.Controller/Dhcp", 1300, 1399),
        ("Operos.Controller/Cluster", 1400, 1499), ("Operos.Controller/Boot", 1500, 1549), ("Operos.Controller/Setup", 1550, 1599),
        ("Operos.Controller/Backups", 1650, 1699), ("Operos.Controller/Disks", 1700, 1749),
        ("Operos.Controller/Storage", 1750, 1799),
        ("Operos.Names", 2000, 2099), ("Operos.ControlPlane", 2100, 2199), ("Operos.Node", 3000, 3199), ("Operos.Policy", 3200, 3299),
        ("Operos.Worker", 3300, 3399), ("Operos.Linux", 4000, 4099), ("Operos.Kubernetes", 4100, 4199), ("Operos.Boot", 4200, 4299),
        ("Operos.Authority", 4300, 4349), ("Operos.Ceph", 4350, 4399), ("Operos.Csi", 4400, 4449),
    ];

    [Fact]
    public void Every_event_has_an_id_of_its_own_in_the_range_of_its_project()
    {
        var events = Events();
        Assert.True(events.Count > 50, $"only {events.Count} log messages were found");
        Assert.Empty(Wrong(events));
    }

    [Fact]
    public void No_message_is_logged_without_an_event()
    {
        Assert.Matches(WithoutEvent(), "logger.LogError(e, \"{What} failed\", what);");
        Assert.Matches(WithoutEvent(), "log.Log(known ? LogLevel.Information : LogLevel.Debug, \"{What}\", what);");
        Assert.Empty(Sources().Where(source => WithoutEvent().IsMatch(source.Code)).Select(source => source.Path));
    }

    [Theory]
    [InlineData("Operos.Node/Log.cs", "[LoggerMessage(EventId = 3001, Level = LogLevel.Error, Message = \"{What}\")]", null)]
    [InlineData("Operos.Node/Cni/Log.cs", "[LoggerMessage(EventId = 4201, Level = LogLevel.Error, Message = \"{What}\")]",
        "Operos.Node/Cni/Log.cs: event 4201 is not in 3000-3199")]
    [InlineData("Operos.Controller/Boot/Log.cs", "[LoggerMessage(EventId = 1600, Level = LogLevel.Error, Message = \"{What}\")]",
        "Operos.Controller/Boot/Log.cs: event 1600 is not in 1500-1549")]
    [InlineData("Operos.Node/Log.cs", "[LoggerMessage(Level = LogLevel.Error, Message = \"{What}\")]",
        "Operos.Node/Log.cs: a message has no EventId = N")]
    [InlineData("Operos.Other/Log.cs", "[LoggerMessage(EventId = 1, Level = LogLevel.Error, Message = \"{What}\")]",
        "Operos.Other/Log.cs: its project has no range of ids yet")]
    public void An_id_in_a_foreign_range_is_told(string path, string code, string? problem) =>
        Assert.Equal(problem is null ? [] : [problem], Wrong([.. Read(path, code)]));

    [Fact]
    public void An_id_that_is_given_twice_is_told()
    {
        const string code = "[LoggerMessage(EventId = 3001, Level = LogLevel.Error, Message = \"{What}\")]";
        var problem = Assert.Single(Wrong([.. Read("Operos.Node/Log.cs", code), .. Read("Operos.Node/Cni/Log.cs", code)]));
        Assert.Equal("event 3001 is in Operos.Node/Log.cs, Operos.Node/Cni/Log.cs", problem);
    }

    private static IEnumerable<string> Wrong(IReadOnlyList<(string Path, int? Id)> events)
    {
        foreach (var (path, id) in events)
        {
            var (folder, first, last) = Ranges.Where(range => path.StartsWith(range.Folder + '/', StringComparison.Ordinal))
                .OrderByDescending(range => range.Folder.Length).FirstOrDefault();
            if (folder is null) yield return $"{path}: its project has no range of ids yet";
            else if (id is null) yield return $"{path}: a message has no EventId = N";
            else if (id < first || id > last) yield return $"{path}: event {id} is not in {first}-{last}";
        }
        foreach (var same in events.Where(known => known.Id is not null).GroupBy(known => known.Id).Where(group => group.Count() > 1))
            yield return $"event {same.Key} is in {string.Join(", ", same.Select(known => known.Path))}";
    }

    private static List<(string Path, int? Id)> Events() => [.. Sources().SelectMany(source => Read(source.Path, source.Code))];

    private static IEnumerable<(string Path, string Code)> Sources()
    {
        var agents = Path.Combine(Checkout.Folder, "agents");
        return Directory.EnumerateFiles(agents, "*.cs", SearchOption.AllDirectories).Select(path => Path.GetRelativePath(agents, path))
            .Where(path => path.Split('/')[1] is not ("bin" or "obj")).Order(StringComparer.Ordinal)
            .Select(path => (path, File.ReadAllText(Path.Combine(agents, path))));
    }

    private static IEnumerable<(string Path, int? Id)> Read(string path, string code) => Message().Matches(code)
        .Select(match => (path, EventId().Match(match.Value) is { Success: true } id
            ? int.Parse(id.Groups[1].Value, CultureInfo.InvariantCulture) : (int?)null));

    /// <summary>The attribute up to its text, in which anything may stand.</summary>
    [GeneratedRegex(@"\[LoggerMessage\b[^""\]]*")]
    private static partial Regex Message();

    [GeneratedRegex(@"\blog(?:ger)?\.Log(?:Trace|Debug|Information|Warning|Error|Critical)?\(", RegexOptions.IgnoreCase)]
    private static partial Regex WithoutEvent();

    [GeneratedRegex(@"\bEventId = (\d+)\b")]
    private static partial Regex EventId();
}
