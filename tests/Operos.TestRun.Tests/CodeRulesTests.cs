using System.Text.RegularExpressions;

namespace Operos.TestRun.Tests;

/// <summary>Reads the code: what is done in one way is done in that way alone.</summary>
public sealed partial class CodeRulesTests
{
    [Fact]
    public void Agents_ask_systemd_over_the_bus_and_start_no_program_for_it()
    {
        Assert.Matches(Systemctl(), "Process.Start(\"systemctl\", [\"reboot\"])");
        Assert.Matches(Systemctl(), "Process.Start(\"/bin/sh\", [\"-c\", \"systemctl reboot\"])");
        Assert.DoesNotMatch(Systemctl(), "is operos-worker.service running? (systemctl status operos-worker)");
        Assert.Empty(Breaking(Systemctl(), "agents"));
    }

    [Fact]
    public void Permissions_of_files_stand_in_one_place()
    {
        Assert.Matches(Permissions(), "Directory.CreateDirectory(path, UnixFileMode.UserRead);");
        Assert.Matches(Permissions(), "Mount(\"tmpfs\", \"/run\", \"tmpfs\", flags, \"mode=0755\");");
        Assert.Equal(["agents/Operos.Linux/FileModes.cs"], Breaking(Permissions(), "agents"));
    }

    [Fact]
    public void A_lock_is_named_for_what_it_guards()
    {
        Assert.Matches(NamelessLock(), "private readonly Lock gate = new();");
        Assert.Matches(NamelessLock(), "private static readonly SemaphoreSlim Sync = new(1);");
        Assert.DoesNotMatch(NamelessLock(), "private readonly Lock recordsLock = new();");
        Assert.Empty(Breaking(NamelessLock(), "agents", "proto", "tests"));
    }

    [Fact]
    public void The_cluster_s_id_on_disks_is_made_in_one_place()
    {
        Assert.Matches(ClusterId(), "Convert.ToHexStringLower(SHA256.HashData(settings.Authority.RawData))");
        Assert.Equal(["agents/Operos.Storage/Classes/DiskPolicy.cs"],
            Breaking(ClusterId(), "agents/Operos.Storage", "agents/Operos.Worker", "proto"));
    }

    /// <summary>The files in which the pattern is found, but for this one.</summary>
    private static IEnumerable<string> Breaking(Regex pattern, params IReadOnlyList<string> folders)
    {
        var sources = folders.SelectMany(folder =>
            Directory.EnumerateFiles(Path.Combine(Checkout.Folder, folder), "*.cs", SearchOption.AllDirectories))
            .Select(path => Path.GetRelativePath(Checkout.Folder, path))
            .Where(path => !path.Split('/').Any(part => part is "bin" or "obj") && Path.GetFileName(path) != "CodeRulesTests.cs").ToList();
        Assert.True(sources.Count > 100, $"only {sources.Count} files were found");
        return sources.Where(path => pattern.IsMatch(File.ReadAllText(Path.Combine(Checkout.Folder, path)))).Order(StringComparer.Ordinal);
    }

    [GeneratedRegex(@"""systemctl\b")]
    private static partial Regex Systemctl();

    [GeneratedRegex(@"\bUnixFileMode\.[A-Z]|\bmode=0?[0-7]{3}\b")]
    private static partial Regex Permissions();

    [GeneratedRegex(@"SHA256\.HashData\([^;]*RawData")]
    private static partial Regex ClusterId();

    [GeneratedRegex(@"\b(?:Lock|SemaphoreSlim|object) (?:gate|sync|mutex|locker|padlock|lockObject)\b", RegexOptions.IgnoreCase)]
    private static partial Regex NamelessLock();
}
