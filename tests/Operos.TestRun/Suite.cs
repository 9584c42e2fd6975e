namespace Operos.TestRun;

/// <summary>The suite: which items there are, in which order and beside which others they run, and how long each may take.</summary>
/// <param name="root">The checkout.</param>
/// <param name="make">Whether the release is made on the way, after what needs none.</param>
/// <param name="kubernetes">Whether the layers have Kubernetes.</param>
/// <param name="filter">What chooses tests in every project.</param>
/// <param name="soak">The part of the long lists that this run does.</param>
/// <param name="ceph">Whether the layers have Ceph.</param>
internal sealed class Suite(string root, bool make, bool kubernetes, IReadOnlyList<string> filter, SoakPart soak = default,
    bool ceph = true)
{
    private const string Release = "make release", Guests = "Operos.Qemu.Tests", Canary = Guests + " canary";
    private const string Policy = "Operos.Policy.Tests", ComponentBuild = "tests/kubernetes.sh", Lint = "tests/shellcheck.sh";
    private const string Daemons = "Operos.Net.Tests", ControlPlane = "Operos.Kubernetes.Tests", Nodes = "Operos.Node.Tests";
    private const string LongPolicy = Policy + " soak", Hardware = "Operos.Hardware.Tests", LongHardware = Hardware + " soak";
    private const string Cache = "tests/cache.sh", Storage = "Operos.Storage.Tests", LongStorage = Storage + " soak";
    private const string Ceph = "Operos.Ceph.Tests", Volumes = "Operos.Csi.Tests";
    private const string Reproducible = "tests/reproducible.sh", Lab = "Operos.Lab.Tests", Controller = "Operos.Controller.Tests";

    /// <summary>In minutes: about twice of what the item takes on two slow cores. tests/README.md has what each area may take.</summary>
    private static readonly Dictionary<string, double> Limits = new()
    {
        [Lint] = 3,
        ["Operos.Release.Tests"] = 4, ["Operos.Init.Tests"] = 4, [Hardware] = 4, ["Operos.Proto.Tests"] = 4,
        [Controller] = 7, ["Operos.Ctl.Tests"] = 4, [Lab] = 5, ["Operos.TestRun.Tests"] = 5,
        [Policy] = 5, [ComponentBuild] = 8, [Cache] = 12,
        // Once a month four minutes of them are a download of packages, and what these make.
        [Storage] = 10,
        [LongPolicy] = 3, [LongHardware] = 3, [LongStorage] = 3,
        [Release] = 40,
        [Canary] = 15,
        [Ceph] = 15, [Volumes] = 8, [Daemons] = 12, [ControlPlane] = 35, [Nodes] = 12, [Reproducible] = 50,
        [Guests] = 70,
    };

    private static readonly TimeSpan OtherLimit = TimeSpan.FromMinutes(10);

    /// <summary>
    /// What needs no release. The first sends packets and looks at the clock; the others fill what it leaves, what downloads before them.
    /// </summary>
    private static readonly string[] Units =
    [
        Policy, Storage, "Operos.TestRun.Tests", Hardware, Controller, "Operos.Release.Tests", "Operos.Init.Tests", "Operos.Proto.Tests",
        "Operos.Ctl.Tests", Cache, ComponentBuild,
    ];

    private static readonly HashSet<string> WithoutRelease = [Lint, .. Units];

    /// <summary>
    /// What is cheap and tells most stands first. Daemons and the native cluster mostly wait: guests take the CPU that they leave.
    /// </summary>
    public IReadOnlyList<Stage> All =>
    [
        new("lint", [Beside(Lint)]),
        new("units", [new Group([.. Beside(Units).Items, .. Soak(soak).Items])]),
        .. ReleaseStage,
        new("lab", [Beside(Nodes, Lab, Volumes)]),
        // Alone: its daemons have the disk write all the time, and who looks at the clock would wait for it.
        new("ceph", [Beside(Ceph)]),
        new("canary", [new Group(Find(Daemons), Canaries)]),
        new("machines", [new Group([Find(ControlPlane), OtherGuests, Find(Reproducible)])]),
    ];

    /// <summary>
    /// All without guests, without what waits out a minute of a real program, and without building the layers a second time. First what
    /// computes, then what mostly waits: all of it at once left real API servers without an answer for minutes.
    /// </summary>
    public IReadOnlyList<Stage> Quick =>
    [
        new("lint", [Beside(Lint)]),
        .. ReleaseStage,
        new("quick", [Beside([Nodes, Volumes, .. Units]), new Group(Impatient(Find(Ceph))),
            new Group(Find(Daemons), Impatient(Find(ControlPlane)))]),
    ];

    private Item Guest => Find(Guests);

    private Item Canaries => Guest with { Name = Canary, Limit = LimitOf(Canary), Filter = [.. filter, "-trait", "stage=canary"] };

    private Item OtherGuests => Guest with { Filter = [.. filter, "-trait-", "stage=canary"], Needs = [Release, Canary] };

    private Item Impatient(Item item) => item with { Filter = [.. filter, "-trait-", "stage=patient"] };

    private IReadOnlyList<Stage> ReleaseStage
    {
        get
        {
            string[] command = ["make", "--no-print-directory", "-C", root, "release"];
            var release = new Item { Name = Release, Command = command, Limit = LimitOf(Release), IsTest = false };
            return make ? [new("release", [new Group(release)])] : [];
        }
    }

    /// <summary>One part of each of the long lists.</summary>
    public Group Soak(SoakPart part) =>
        new(Soak(Policy, LongPolicy, part), Soak(Hardware, LongHardware, part), Soak(Storage, LongStorage, part));

    /// <param name="groups">Items, those beside each other with a + between them.</param>
    /// <exception cref="ArgumentException">There is no such item.</exception>
    public IReadOnlyList<Stage> Of(IReadOnlyList<string> groups)
    {
        var chosen = groups.Select(group => Beside(group.Split('+'))).ToList();
        var items = chosen.SelectMany(group => group.Items).ToList();
        if (items.FirstOrDefault(item => !File.Exists(item.Command[0])) is { } missing)
            throw new ArgumentException($"there is no {missing.Command[0]} for the item {missing.Name}");
        return [.. items.Any(item => item.Needs.Count > 0) ? ReleaseStage : [], new Stage("chosen", chosen)];
    }

    private Group Beside(params IReadOnlyList<string> names) => new([.. names.Select(Find)]);

    private Item Find(string name)
    {
        var isScript = name.EndsWith(".sh", StringComparison.Ordinal);
        return new Item
        {
            Name = name,
            IsProject = !isScript,
            Command = [isScript ? Path.Combine(root, name) : Path.Combine(root, "tests", name, "bin", "Release", "net10.0", name)],
            Limit = LimitOf(name),
            Filter = filter,
            Needs = WithoutRelease.Contains(name) ? [] : [Release],
            Skip = name == ControlPlane && !kubernetes ? "the layers are without Kubernetes"
                : name == Ceph && !ceph ? "the layers are without Ceph" : null,
        };
    }

    private Item Soak(string project, string name, SoakPart part) => Find(project) with
    {
        Name = name, Limit = LimitOf(name), Filter = [.. filter, "-explicit", "only", "-trait", "stage=soak"],
        Environment = new Dictionary<string, string> { [SoakPart.Variable] = $"{part}" },
    };

    private static TimeSpan LimitOf(string name) => Limits.TryGetValue(name, out var minutes) ? TimeSpan.FromMinutes(minutes) : OtherLimit;
}
