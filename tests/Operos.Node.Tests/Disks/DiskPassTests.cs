using System.Diagnostics;
using System.Globalization;
using System.Runtime.CompilerServices;
using Microsoft.Win32.SafeHandles;
using Operos.Lab;
using Operos.Linux;
using Operos.Proto;
using Operos.Storage.Classes;
using Operos.Storage.Layouts;
using Operos.Storage.Reports;
using Operos.Storage.Work;
using Operos.Worker.Disks;

namespace Operos.Node.Tests.Disks;

/// <summary>
/// What a machine does with its disks, on real block devices with partitions and file systems, in a process with mounts of its own.
/// </summary>
public sealed class DiskPassTests : IDisposable
{
    private const string Variable = "OPEROS_DISK_PASS", Said = "said";
    private const long Bytes = 12L << 30;
    private static readonly Guid One = new("6f1c2d5e-0000-4000-8000-000000000001"), Other = new("6f1c2d5e-0000-4000-8000-000000000002");
    private readonly TestFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task A_disk_of_another_machine_is_used_only_when_the_controller_says_that_it_is_here_alone()
    {
        var said = await InAsync("moved");
        Assert.Matches($"^loop[0-9]+: it was put to work by machine {One}, and is used here when the controller says that it is here "
            + "alone: both say that they have it$", said[0]);
        Assert.Equal([$"Open, 0 volumes, {One} Ready", $"Disk, 1 volumes, {Other} Ready"], said[1..]);
    }

    [Fact]
    public async Task Work_that_another_machine_was_cut_at_is_completed_only_when_the_controller_says_so()
    {
        var said = await InAsync("cut");
        // It was told of before its key was asked for.
        Assert.Equal("asked: unfinished-ours", said[0]);
        Assert.EndsWith("no key", said[1], StringComparison.Ordinal);
        Assert.EndsWith("both say that they have it", said[2], StringComparison.Ordinal);
        Assert.Equal([$"Open, 0 volumes, {One} Partitioned", $"Disk, 1 volumes, {Other} Ready"], said[3..]);
    }

    /// <summary>What OSDs take of the memory is known before the node begins.</summary>
    [Fact]
    public async Task What_is_there_is_mounted_its_OSDs_are_told_and_it_serves_a_node_before_another_disk_is_set_up() =>
        Assert.Equal(["mounted: True, OSDs: 1 and 1 to be, served after them: True", "OSDs: 2 and 0 to be",
            $"Disk, 2 volumes, {One} Ready"], await InAsync("second"));

    [Fact]
    public async Task Folders_that_an_agent_did_not_come_to_are_put_onto_the_disk_by_the_next_one() =>
        Assert.Equal([$"Open, 1 volumes, {One} Ready", $"Disk, 1 volumes, {One} Ready", "open: False"], await InAsync("folders"));

    [Fact]
    public async Task A_node_that_lost_its_disk_gets_no_other_below_it_in_this_boot() =>
        Assert.Equal([$"Ram, 1 volumes, {One} Ready", "were on a disk: True, again: False"], await InAsync("lost"));

    [Fact]
    public async Task Where_the_best_disk_takes_no_write_the_next_best_has_the_node_s_folders_in_the_same_pass()
    {
        var said = await InAsync("dying 64k");
        Assert.Matches("^loop[0-9]+: .*", said[0]);
        Assert.Equal(["Disk, 1 volumes"], said[1..]);
    }

    [Fact]
    public async Task Where_no_file_system_can_be_made_on_the_best_disk_the_next_best_has_the_node_s_folders_in_the_same_pass()
    {
        var said = await InAsync("dying 512k");
        Assert.Matches("^loop[0-9]+: no file system can be made on .*mkfs.ext4 ended with ", said[0]);
        Assert.Equal(["Disk, 1 volumes"], said[1..]);
    }

    [Fact]
    public async Task The_loss_of_a_node_s_disk_is_told_from_then_on_and_never_before_the_node_began() =>
        Assert.Equal(["lost: False", "lost: False", "lost: True", "lost: True"], await InAsync("gone"));

    /// <summary>Takes two looks at disks that do not answer, each of 25 s.</summary>
    [Fact]
    public async Task Disks_whose_reads_take_seconds_or_for_ever_are_told_and_keep_no_other_from_use()
    {
        string[] said;
        try { said = await InAsync("slow"); }
        finally { await SlowedReads.ClearAsync(Path.GetFileName(folder.Path)); }
        Assert.Equal(["doubtful: it did not answer within 25 s", "doubtful: reading it took longer than 20 s", "ours"],
            said[0].Split("; ").Order(StringComparer.Ordinal));
        // They are put to use when they answer.
        Assert.Equal([$"Disk, 3 volumes, {One} Ready"], said[1..]);
    }

    [Fact]
    public async Task Volumes_are_mounted_beside_one_that_is_damaged_one_without_a_key_and_one_that_no_key_opens()
    {
        var said = await InAsync("many");
        // What serves the node is told when all were tried.
        Assert.Equal(["asked for 1", "asked for 1", "served with 3 problems"], said[..3]);
        var problems = said[3].Split("; ");
        Assert.Equal(3, problems.Length);
        Assert.Single(problems, problem => problem.EndsWith(": no key", StringComparison.Ordinal));
        Assert.Single(problems, problem => problem.Contains("cannot be opened", StringComparison.Ordinal));
        Assert.Single(problems, problem => problem.Contains("cannot be mounted", StringComparison.Ordinal));
        Assert.Equal([$"Disk, 2 volumes, {One} Ready"], said[4..]);
    }

    /// <summary>What they may add to a machine's boot. Without encryption, for which a host may lack the device mapper.</summary>
    [Fact]
    public async Task Twelve_disks_are_looked_at_and_mounted_within_two_seconds()
    {
        var said = await InAsync("twelve");
        Assert.Equal($"Disk, 11 volumes, {One} Ready", said[0]);
        Console.WriteLine($"twelve disks were looked at and mounted in {said[1]} s");
        Assert.InRange(double.Parse(said[1], CultureInfo.InvariantCulture), 0, 2);
    }

    private static void Twelve(string root, Machine machine)
    {
        for (var number = 2; number <= 12; number++) machine.Add($"disk-{number}");
        machine.Pass(One);
        Machine.Detach(MountTable.Read().Below(root).Select(mount => mount.Where));
        var clock = Stopwatch.StartNew();
        machine.Look(One);
        var took = clock.Elapsed.TotalSeconds;
        machine.Say(machine.Text());
        machine.Say(took.ToString("0.00", CultureInfo.InvariantCulture));
    }

    /// <summary>Of five disks one's volumes are nothing any more, and two's begin as encrypted ones do.</summary>
    private static void Many(string root, Machine machine)
    {
        foreach (var name in (string[])["second", "third", "fourth", "fifth"]) machine.Add(name);
        machine.Pass(One);
        Machine.Detach(MountTable.Read().Below(root).Select(mount => mount.Where));
        var disks = machine.Own();
        Write(disks[1], new byte[64 << 10]);
        foreach (var encrypted in disks[2..4]) Write(encrypted, [.. "LUKS"u8, 0xBA, 0xBE, 0, 2]);
        var refused = disks[2].Record.Disk;
        machine.Say(machine.Pass(One, key: id => id == refused ? throw new StorageException("no key") : new byte[32], counts: true));

        static void Write(OwnDisk disk, byte[] bytes)
        {
            using var volumes = File.OpenWrite(disk.Partitions.Single(partition => partition.Use == PartitionUse.Volumes).Path);
            volumes.Write(bytes);
        }
    }

    /// <summary>One disk answers three times a second and one not at all, until they have been looked at.</summary>
    private static void Slow(string root, Machine machine)
    {
        var (slow, silent) = (machine.Add("slow"), machine.Add("silent"));
        using (var reads = new SlowedReads(Path.GetFileName(root)))
        {
            reads.Slow(slow, 3);
            reads.Silence(silent);
            machine.Say(string.Join("; ", machine.Look(One).Select(disk => disk.Class == "ours" ? disk.Class
                : $"{disk.Class}: {disk.Reasons[0]}")));
        }
        machine.Say(machine.Pass(One));
    }

    /// <summary>A kernel's list of devices that a test writes, of the device that is mounted.</summary>
    private static void Lose(string root, Machine machine)
    {
        var nodes = new DeviceNodes(Path.Combine(root, "kernel"));
        machine.Say($"lost: {machine.MountsOn(nodes).HasLostNodeDisk}");
        machine.Begin();
        // As the agent that begins next reads it.
        var listed = Path.Combine(root, "kernel/sys/dev/block", machine.Folders().Device!);
        var mounts = machine.MountsOn(nodes);
        Directory.CreateDirectory(listed);
        machine.Say($"lost: {mounts.HasLostNodeDisk}");
        Directory.Delete(listed);
        machine.Say($"lost: {mounts.HasLostNodeDisk}");
        Directory.CreateDirectory(listed);
        machine.Say($"lost: {mounts.HasLostNodeDisk}");
    }

    private static void Act(string root, string what)
    {
        using var machine = new Machine(root);
        if (what.StartsWith("dying ", StringComparison.Ordinal))
        {
            machine.Add("dying", takes: what["dying ".Length..]);
            machine.Say(string.Join(", ", machine.Pass(One).Split(", ")[..2]));
            return;
        }
        if (what is "slow" or "twelve")
        {
            (what == "slow" ? (Action<string, Machine>)Slow : Twelve)(root, machine);
            return;
        }
        if (what == "many")
        {
            machine.Pass(One);
            Many(root, machine);
            return;
        }
        if (what == "cut") machine.Pass(One, key: _ => throw new StorageException("no key"), encrypt: true, tells: true);
        else machine.Pass(One);
        if (what == "second") machine.Add("second");
        if (what == "gone")
        {
            Lose(root, machine);
            return;
        }
        if (what is "folders" or "lost")
        {
            if (what == "lost") machine.Begin();
            Machine.Detach(machine.Paths.Folders.Select(folder => folder.Path));
            if (what == "lost") Machine.Detach([machine.Paths.Ephemeral]);
            else machine.Say(machine.Text());
            machine.Say(machine.Pass(One));
            machine.Say(what == "folders" ? $"open: {machine.Folders().AreOpen}"
                : $"were on a disk: {machine.Folders().WereOnDisk}, again: {MountTable.Read().At(machine.Paths.Ephemeral) is not null}");
        }
        else if (what == "second")
        {
            machine.Say(machine.Pass(One, progress: true));
        }
        else
        {
            Machine.Detach(MountTable.Read().Below(root).Select(mount => mount.Where));
            machine.Say(machine.Pass(Other, key: _ => throw new StorageException("both say that they have it"), tells: true));
            machine.Say(machine.Pass(Other));
        }
    }

    /// <summary>
    /// What a machine says. The test starts itself again in a namespace of its own, where it does what is to be done; it is judged in both.
    /// </summary>
    private async Task<string[]> InAsync(string what, [CallerMemberName] string test = "")
    {
        var root = Environment.GetEnvironmentVariable(Variable);
        if (root is not null)
        {
            await Task.Run(() => Act(root, what), TestContext.Current.CancellationToken);
        }
        else
        {
            root = folder.Path;
            var program = Environment.ProcessPath!;
            string[] self = program.EndsWith("dotnet", StringComparison.Ordinal)
                ? [program, typeof(DiskPassTests).Assembly.Location] : [program];
            await Shell.RunAsync("unshare", ["--mount", "--propagation", "private", "env", $"{Variable}={root}", .. self, "-noColor",
                "-method", $"*{nameof(DiskPassTests)}.{test}"], TestContext.Current.CancellationToken, patience: TimeSpan.FromMinutes(4));
        }
        return await File.ReadAllLinesAsync(Path.Combine(root, Said), TestContext.Current.CancellationToken);
    }

    /// <summary>Its disks go with it.</summary>
    private sealed class Machine : IDisposable
    {
        private readonly string root;
        private readonly List<(SafeFileHandle Handle, string Path)> disks = [];

        public Machine(string root)
        {
            this.root = root;
            Paths = new()
            {
                Ephemeral = Path.Combine(root, "ephemeral"), Volumes = Path.Combine(root, "volumes"),
                Folders = [.. new DiskPaths().Folders.Select(folder => folder with { Path = Path.Combine(root, folder.Name) })],
            };
            Add("disk");
        }

        public DiskPaths Paths { get; }

        public void Say(string text)
        {
            lock (disks) File.AppendAllText(Path.Combine(root, Said), $"{text}\n");
        }

        /// <summary>Its disks, all of them its own, in the order in which they were added.</summary>
        public List<OwnDisk> Own()
        {
            var verdicts = MachineDisks.LookAsync(PolicyOf(One), [.. disks.Select(disk => disk.Path)], default).GetAwaiter().GetResult();
            return [.. disks.Select(disk => OwnDisk.Read(verdicts.Single(verdict => verdict.Evidence.Facts.Path == disk.Path)))];
        }

        /// <param name="takes">So much may be written to it, which is larger than the others then; null for all of it.</param>
        /// <returns>Its device.</returns>
        public string Add(string name, string? takes = null)
        {
            var file = Path.Combine(root, name);
            if (takes is not null)
            {
                file = Path.Combine(Directory.CreateDirectory(file + ".ram").FullName, name);
                Mounts.Mount("tmpfs", file[..^(name.Length + 1)], "tmpfs", Mounts.MountFlags.None, $"size={takes}");
            }
            using (var image = File.Create(file)) image.SetLength(takes is null ? Bytes : Bytes + (2L << 30));
            disks.Add((LoopDevice.Attach(file, FileAccess.ReadWrite, 512, partitions: true, out var device), device));
            return device;
        }

        /// <summary>As an agent that begins finds them.</summary>
        public NodeFolders Folders() => new(Paths, Path.Combine(root, "node-folders"));

        public void Begin() => Folders().Close();

        public DiskMounts MountsOn(DeviceNodes nodes) => new(Paths, Folders(), nodes);

        public static void Detach(IEnumerable<string> places)
        {
            foreach (var place in places.ToList()) Operos.Linux.Mounts.Detach(place);
        }

        public string Pass(Guid machine, Func<Guid, byte[]>? key = null, bool encrypt = false, bool tells = false, bool progress = false,
            bool counts = false)
        {
            Look(machine, key, encrypt, tells, progress, counts);
            return Text();
        }

        /// <summary>What is told of its disks after a pass.</summary>
        public IReadOnlyList<DiskState> Look(Guid machine, Func<Guid, byte[]>? key = null, bool encrypt = false, bool tells = false,
            bool progress = false, bool counts = false)
        {
            var folders = Folders();
            var (nodes, board) = (new DeviceNodes(), new DiskBoard());
            var tools = new DiskTools(new DiskMounts(Paths, folders, nodes), folders, nodes, board, Path.Combine(root, "used"),
                [.. disks.Select(disk => disk.Path)]);
            Task<IReadOnlyDictionary<Guid, byte[]>> KeysOf(IReadOnlyList<DiskState> states, IReadOnlyList<Guid> ids,
                CancellationToken cancellationToken)
            {
                if (counts) Say($"asked for {ids.Count}");
                foreach (var id in ids.Where(_ => encrypt)) Say($"asked: {states.Single(state => state.RecordDisk == $"{id}").Class}");
                IReadOnlyDictionary<Guid, byte[]> given = ids.ToDictionary(id => id, id => key?.Invoke(id) ?? new byte[32]);
                return Task.FromResult(given);
            }
            var served = false;
            var osds = "";
            var pass = new DiskPass(tools, PolicyOf(machine), new StorageConfiguration { Encrypt = encrypt }, KeysOf, step =>
            {
                if (progress && step.Contains("claiming", StringComparison.Ordinal))
                    Say($"mounted: {Volumes() == 1}, OSDs: {osds}, served after them: {served}");
            })
            {
                OsdsFound = (found, planned) => osds = $"{found.Count} and {planned} to be",
                Served = failed =>
                {
                    served = osds.Length > 0;
                    if (counts) Say($"served with {failed.Count} problems");
                },
            };
            pass.RunAsync(default).GetAwaiter().GetResult();
            if (progress) Say($"OSDs: {osds}");
            var problems = pass.Problems.ToList();
            if (tells || problems.Count > 0) Say(string.Join("; ", problems));
            return board.Disks!;
        }

        /// <summary>How it stands: where a node's folders are, what is mounted, and whose the disks are.</summary>
        public string Text()
        {
            var records = MachineDisks.LookAsync(PolicyOf(One), [.. disks.Select(disk => disk.Path)], default).GetAwaiter().GetResult()
                .Select(disk => $"{disk.Record?.Machine} {disk.Record?.Work}").Distinct();
            return $"{Folders().Place}, {Volumes()} volumes, {string.Join(", ", records)}";
        }

        private int Volumes() => MountTable.Read().Below(Paths.Volumes).Count();

        private static DiskPolicy PolicyOf(Guid machine) => new() { Cluster = new string('5', 64), Machine = machine, TakesFiles = true };

        public void Dispose()
        {
            foreach (var (handle, _) in disks) handle.Dispose();
        }
    }
}
