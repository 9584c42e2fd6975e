namespace Operos.TestRun;

/// <summary>The suite: which items there are, in which order and beside which others they run, and how long each may take.</summary>
/// <param name="root">The checkout.</param>
/// <param name="make">Whether the release is made on the way, after what needs none.</param>
/// <param name="kubernetes">Whether the layers have Kubernetes.</param>
/// <param name="filter">What chooses tests in every project.</param>
internal sealed class Suite(string root, bool make, bool kubernetes, IReadOnlyList<string> filter)
{
    private const string Release = "make release";
    private const string ControlPlane = "Operos.Kubernetes.Tests", Nodes = "Operos.Node.Tests";
    private static readonly TimeSpan Otherwise = TimeSpan.FromMinutes(10);

    /// <summary>In minutes: about twice of what the item takes on two slow cores. tests/README.md has what each area may take.</summary>
    private static readonly Dictionary<string, double> Limits = new()
    {
        ["tests/shellcheck.sh"] = 3,
        ["Operos.Release.Tests"] = 4, ["Operos.Init.Tests"] = 4, ["Operos.Hardware.Tests"] = 4, ["Operos.Proto.Tests"] = 4,
        ["Operos.Controller.Tests"] = 4, ["Operos.Ctl.Tests"] = 4, ["Operos.Lab.Tests"] = 4, ["Operos.TestRun.Tests"] = 4,
        ["Operos.Policy.Tests"] = 5, ["tests/kubernetes.sh"] = 8,
        [Release] = 40,
        ["Operos.Net.Tests"] = 10, [ControlPlane] = 12, [Nodes] = 12, ["tests/reproducible.sh"] = 20,
        ["Operos.Qemu.Tests"] = 45,
    };

    private static readonly IReadOnlyList<string> Units =
        ["Operos.Release.Tests", "Operos.Init.Tests", "Operos.Hardware.Tests", "Operos.Proto.Tests", "Operos.Controller.Tests", "Operos.Ctl.Tests", "Operos.Lab.Tests", "Operos.TestRun.Tests"];

    /// <summary>What is cheap and tells most stands first.</summary>
    public IReadOnlyList<Stage> All =>
    [
        new("lint", [Beside("tests/shellcheck.sh")]),
        // Of these, the second of the last group mostly waits.
        new("units", [.. Units.Select(name => Beside(name)), Beside("Operos.Policy.Tests", "tests/kubernetes.sh")]),
        .. ReleaseStage,
        new("services", [Beside(["Operos.Net.Tests", .. Cluster, "tests/reproducible.sh"])]),
        new("machines", [Beside("Operos.Qemu.Tests")]),
    ];

    /// <summary>All without guests, and without building the layers a second time.</summary>
    public IReadOnlyList<Stage> Quick =>
        [.. All.Where(stage => stage.Name != "machines").Select(stage => stage.Name == "services" ? new Stage(stage.Name, [Beside(["Operos.Net.Tests", .. Cluster])]) : stage)];

    private string[] Cluster => kubernetes ? [ControlPlane, Nodes] : [];

    private IReadOnlyList<Stage> ReleaseStage => make ? [new("release", [new Group(new Item { Name = Release, Command = ["make", "--no-print-directory", "release"], Limit = LimitOf(Release), IsTest = false })])] : [];

    /// <param name="groups">Items, those beside each other with a + between them.</param>
    /// <exception cref="ArgumentException">There is no such item.</exception>
    public IReadOnlyList<Stage> Of(IReadOnlyList<string> groups)
    {
        var chosen = groups.Select(group => Beside(group.Split('+'))).ToList();
        if (chosen.SelectMany(group => group.Items).FirstOrDefault(item => !File.Exists(item.Command[^1])) is { } missing)
            throw new ArgumentException($"there is no {missing.Command[^1]} for the item {missing.Name}");
        return [.. chosen.Any(group => group.Items.Any(item => item.Needs.Count > 0)) ? ReleaseStage : [], new Stage("chosen", chosen)];
    }

    private Group Beside(params IReadOnlyList<string> names) => new([.. names.Select(Find)]);

    private Item Find(string name) => new()
    {
        Name = name,
        IsProject = !name.EndsWith(".sh", StringComparison.Ordinal),
        Command = [name.EndsWith(".sh", StringComparison.Ordinal) ? Path.Combine(root, name) : Path.Combine(root, "tests", name, "bin", "Release", "net10.0", name)],
        Limit = LimitOf(name),
        Filter = filter,
        Needs = Units.Contains(name) || name is "tests/shellcheck.sh" or "tests/kubernetes.sh" or "Operos.Policy.Tests" ? [] : [Release],
    };

    private static TimeSpan LimitOf(string name) => Limits.TryGetValue(name, out var minutes) ? TimeSpan.FromMinutes(minutes) : Otherwise;
}
