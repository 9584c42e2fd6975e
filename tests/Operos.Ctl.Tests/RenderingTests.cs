using System.Text;
using System.Text.Json.Nodes;
using Operos.Ctl.Commands;
using Operos.Ctl.Rendering;
using Operos.Hardware.Inventories;
using Operos.Proto;

namespace Operos.Ctl.Tests;

/// <summary>What an operator reads.</summary>
public sealed class RenderingTests
{
    private static readonly DateTimeOffset Now = DateTimeOffset.UnixEpoch.AddDays(20_000);

    private static MachineSummary Worker => new()
    {
        Id = "402fce53-3779-8c9f-ac73-4c34a31fc2bc", Name = "rack1-1", Kind = "worker", State = "up", Release = "1.0",
        Address = "10.77.0.129", Cpus = 2, MemoryBytes = 1_020_000_000, Disks = 1,
    };

    [Fact]
    public void The_list_is_aligned_and_ends_with_what_to_do_next()
    {
        var text = MachineCommands.RenderList(new MachineList
            { Machines = [Worker, Worker with { Name = null, State = "pending", Note = "operosctl machines approve 402fce53" }] });
        var lines = text.Split('\n');
        Assert.Equal("NAME     UUID                                  KIND    STATE    RELEASE  ADDRESS      CPUS  MEMORY  DISKS  SEEN",
            lines[0]);
        Assert.Equal("rack1-1  402fce53-3779-8c9f-ac73-4c34a31fc2bc  worker  up       1.0      10.77.0.129  2     1.0 GB  1      now",
            lines[1]);
        Assert.Equal("402fce53: operosctl machines approve 402fce53", lines[4]);
    }

    [Fact]
    public void What_may_be_pulled_is_told_in_one_word_first_and_by_the_exit_code()
    {
        Assert.Equal("safe: disk w1/sda, with OSD 3\n", PullText.Render(new PullAnswer { Safe = true, What = "disk w1/sda", Osds = [3] }));
        Assert.Equal("NOT safe: rack r1 (w1, w2), with OSD 3, 4\n  a [2J\n  b\n  wait\n", PullText.Render(new PullAnswer { Safe = false,
            What = "rack r1 (w1, w2)", Osds = [3, 4], Reasons = ["a\u001b[2J", "b"], Wait = "wait" }));
    }

    [Fact]
    public void Storage_says_first_what_it_comes_to_then_what_is_wrong_and_osds_are_listed_with_their_disks()
    {
        var reply = new StorageReply
        {
            State = "warning", Text = "1 of 2 OSDs are up", Troubles = ["1 osds down (OSD_DOWN)\u001b[2J"],
            Osds = 2, OsdsUp = 1, OsdsIn = 2, Hosts = 1, PlacementGroups = 64, PlacementGroupsClean = 32, Degraded = 3, Copies = 12,
            Bytes = 2_000_000_000, BytesUsed = 5_000_000, AsOfUnixMs = Now.AddSeconds(-9).ToUnixTimeMilliseconds(),
            Daemons = [new ComponentStatus { Name = "ceph-mon", Healthy = true, Text = "healthy",
                SinceUnixMs = Now.ToUnixTimeMilliseconds() }],
            Pools = [new PoolState { Name = "kube", Size = 2, MinSize = 2, PlacementGroups = 64, Bytes = 1_000_000,
                BytesLeft = 900_000_000 }],
        };
        Assert.Equal("""
            storage      warning: 1 of 2 OSDs are up
                         1 osds down (OSD_DOWN) [2J
            ceph-mon     healthy, since 0s ago
            OSDs         2, 1 up, 2 in, on 1 machines that are up
            groups       64 placement groups, 32 complete; 3 of 12 copies are missing
            capacity     5 MB of 2.0 GB used, before copies
            pool kube    2 copies, works with 2; 1 MB stored, 900 MB left
            as of        9s ago

            """, StorageTable.Render(reply, Now));
        Assert.Equal("storage      off: none\n", StorageTable.Render(new StorageReply { State = "off", Text = "none" }, Now));
        Assert.Contains("\"state\": \"warning\"", AnswerJson.Render(reply), StringComparison.Ordinal);
        var osd = new OsdEntry { Id = 0, Partition = "p", MachineName = "w1", Disk = "wwn:1", State = "up", In = true, DeviceClass = "hdd",
            Bytes = 1_000_000_000, BytesUsed = 5_000_000, Text = "runs" };
        var list = new OsdList { Trouble = "old", Osds = [osd, osd with { Id = 1, State = "down", In = false, Text = "" },
            osd with { Id = -1, State = "starting", In = false, DeviceClass = "", Disk = null, Bytes = 0, BytesUsed = 0 }] };
        Assert.Equal("""
            OSD  MACHINE  DISK   STATE      CLASS  SIZE    USED
            0    w1       wwn:1  up         hdd    1.0 GB  5 MB  runs
            1    w1       wwn:1  down, out  hdd    1.0 GB  5 MB
            -    w1       -      starting   -      -       -     runs

            old

            """, StorageTable.Render(list));
        Assert.Contains("\"machineName\": \"w1\"", AnswerJson.Render(list), StringComparison.Ordinal);
    }

    [Fact]
    public void A_volume_is_shown_with_its_claim_and_the_machine_that_has_it()
    {
        var free = new VolumeEntry { Volume = "pvc-2", Image = "pvc-2", Claim = "default/new", Phase = "Pending", Bytes = 4_194_304,
            Text = "no room\u001b[2J" };
        var used = new VolumeEntry { Volume = "pvc-1", Image = "pvc-1", Claim = "default/data", Phase = "Bound", Bytes = 1_000_000_000,
            Machine = "u", MachineName = "w1", SinceUnixMs = Now.AddSeconds(-9).ToUnixTimeMilliseconds(), Addresses = ["10.0.0.7:0/1"] };
        var list = new VolumeList { Volumes = [used, free], Trouble = "old" };
        Assert.Equal("""
            VOLUME  CLAIM         STATE    SIZE    MACHINE  SINCE
            pvc-1   default/data  Bound    1.0 GB  w1       9s ago
            pvc-2   default/new   Pending  4 MB    -        -       no room [2J

            old

            """, VolumeTable.Render(list, Now));
        Assert.Equal("no volumes\n", VolumeTable.Render(new VolumeList { Volumes = [] }, Now));
        Assert.Equal("""
            volume   pvc-1
            claim    default/data
            state    Bound
            size     1.0 GB
            image    pvc-1
            machine  w1, since 9s ago
            client   10.0.0.7:0/1
            open at  10.0.0.7:0/1

            """, VolumeTable.Render(new VolumeDetail { Volume = used, Watchers = ["10.0.0.7:0/1"] }, Now));
        Assert.Contains("machine  none\ntrouble  its image is not there\n",
            VolumeTable.Render(new VolumeDetail { Volume = free, Trouble = "its image is not there" }, Now), StringComparison.Ordinal);
        Assert.Contains("\"machineName\": \"w1\"", AnswerJson.Render(list), StringComparison.Ordinal);
    }

    [Fact]
    public void The_list_of_disks_says_what_each_is_and_why_what_it_is_used_for_and_the_way_out()
    {
        var (disk, id) = (new DiskState
        {
            Name = "nvme0n1", Identity = "wwn:eui.1", Class = "ours", Bytes = 960_000_000_000, Transport = "nvme", Model = "PM9A3",
            Reasons = ["put to work here"], LogicalSector = 512, Evidence = "ab",
            Uses = [new DiskUse { Use = "osd", Bytes = 480_000_000_000, Encrypted = true, UsedBytes = 48_000_000_000, MountedAt = "/e" },
                new DiskUse { Use = "cache", Bytes = 2_000_000_000 }],
        }, Worker.Id);
        var entry = new DiskEntry { Machine = id, MachineName = "w1", Disk = disk, AsOfUnixMs = Now.ToUnixTimeMilliseconds(), Up = true };
        var foreign = entry with
        {
            Disk = disk with { Name = "sdb", Class = "foreign", Rotational = true, Transport = "sata", Model = null, Uses = [],
                Reasons = ["it holds NTFS", "\u001b[2JGPT"], Failure = null },
            WayOut = "if nothing on it is needed: operosctl disks wipe w1/sdb",
        };
        var away = entry with { Machine = "2", MachineName = "w2", Up = false, Excluded = "by anna since 2026-01-01 12:00 UTC",
            AsOfUnixMs = Now.AddMinutes(-5).ToUnixTimeMilliseconds(), Disk = disk with { Name = "sda", Failure = "mkfs failed" } };
        Assert.Equal("""
            DISK        SIZE      KIND             MODEL  STATE           USED FOR                                WHY
            w1/nvme0n1  960.0 GB  nvme             PM9A3  ours            osd 480.0 GB (10 % full), cache 2.0 GB  put to work here
            w1/sdb      960.0 GB  sata rotational  -      foreign         -                                       it holds NTFS; [2JGPT
            w2/sda      960.0 GB  nvme             PM9A3  ours, kept out  osd 480.0 GB (10 % full), cache 2.0 GB  put to work here

            w2 is down: its disks are as it told them 5m ago
            w1/sdb: if nothing on it is needed: operosctl disks wipe w1/sdb
            w2/sda: kept out by anna since 2026-01-01 12:00 UTC
            w2/sda: mkfs failed
            w3 has not told its disks

            """, DiskTable.Render(new DiskList { Disks = [entry, foreign, away], Silent = ["w3 has not told its disks"] }, Now));
        var shown = DiskTable.Render(entry, Now);
        foreach (var line in (string[])["disk         w1/nvme0n1", $"machine      w1 ({id})", "identity     wwn:eui.1", "evidence     ab",
            "used for     osd 480.0 GB (10 % full), encrypted, at /e"])
            Assert.Contains(line + "\n", shown, StringComparison.Ordinal);
        Assert.Contains("\"name\": \"nvme0n1\"", AnswerJson.Render(new DiskList { Disks = [entry] }), StringComparison.Ordinal);
        Assert.Contains("when they join", DiskTable.Render(new DiskList { Disks = [] }, Now), StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_shown_of_a_disk_says_when_it_was_told_also_where_its_machine_is_up()
    {
        var entry = new DiskEntry
        {
            Machine = Worker.Id, MachineName = "w1", AsOfUnixMs = Now.AddMinutes(-5).ToUnixTimeMilliseconds(), Up = true,
            Disk = new DiskState { Name = "sda", Identity = "wwn:1", Class = "blank" },
        };
        Assert.Contains("as of        told 5m ago; the machine is up and tells what changes\n", DiskTable.Render(entry, Now),
            StringComparison.Ordinal);
        Assert.Contains("as of        told 5m ago; the machine is down\n", DiskTable.Render(entry with { Up = false }, Now),
            StringComparison.Ordinal);
    }

    [Fact]
    public void An_empty_list_says_how_to_fill_it() =>
        Assert.Contains("power one on", MachineCommands.RenderList(new MachineList { Machines = [] }), StringComparison.Ordinal);

    [Fact]
    public void A_machine_s_story_tells_state_hardware_boot_and_events()
    {
        var boot = """
            {"format":1,"bootId":"b","release":"1.0","kernelRelease":"6.12","kind":"worker","firmware":"uefi","secureBoot":true,
             "network":{"interface":"eth0","mac":"52:54:00:00:00:01","address":"10.77.0.129/24","source":"dhcp"},
             "phases":[{"name":"modules","startMs":2000,"endMs":3000},{"name":"fetch","startMs":3000,"endMs":5000,"detail":"94.2 MB"}],
             "layers":[{"name":"base","bytes":84000000,"source":"http://x","durationMs":1}],"retries":2,"refusedChunks":1,"restarts":0}
            """;
        var text = MachineStory.Render(new MachineDetail
        {
            Summary = Worker,
            Labels = new Dictionary<string, string> { ["rack"] = "r1" },
            Inventory = new Inventory { System = new Identity { Vendor = "Acme", Product = "R1", Serial = "S1" },
                Disks = [new Disk { Name = "vda", Bytes = 4_000_000_000, Serial = "D1" }] }.ToJson(),
            BootRecord = Encoding.UTF8.GetBytes(boot),
            Events = [new MachineEvent { UnixMs = Now.AddMinutes(-5).ToUnixTimeMilliseconds(), Text = "booted" }],
        }, Now);
        foreach (var expected in new[]
        {
            "name         rack1-1", "labels       rack=r1", "Acme R1, serial S1", "vda 4.0 GB solid state",
            "release 1.0, uefi, Secure Boot, kernel 6.12",
            "2 retries, 1 chunks refused, 0 restarts", "fetch     |                  ============|   2.00 s  94.2 MB", "5m ago",
        })
            Assert.Contains(expected, text, StringComparison.Ordinal);
    }

    [Fact]
    public void No_answer_makes_a_terminal_do_anything_but_show_it()
    {
        const string escape = "\u001b]0;owned\u0007\u001b[2J\u202e\u009b1m\r\nUP";
        var endless = escape + new string('M', 100_000);
        var summary = Worker with { Name = escape, State = escape, Release = escape, Address = escape, Model = endless, Note = endless,
            LastSeenUnixMs = long.MaxValue, BootedUnixMs = long.MaxValue };
        var steps = new[] { new NodeStep { Name = escape, Done = false, Text = endless, SinceUnixMs = long.MaxValue } };
        var inventory = new Inventory
        {
            System = new Identity { Product = endless }, Disks = [new Disk { Model = escape }],
            Cpus = [.. Enumerable.Range(0, 500).Select(number => new Cpu { Model = number + escape })],
        };
        var boot = $$"""
            {"format":1,"bootId":"b","release":"{{new string('r', 9000)}}","kernelRelease":"k","kind":"k","firmware":"\u001b[2J f",
            "phases":[{"name":"p","startMs":-9223372036854775808,"endMs":9223372036854775807}],
            "layers":[{"name":"l","bytes":9223372036854775807,"source":"s","durationMs":1},
            {"name":"l","bytes":9223372036854775807,"source":"s","durationMs":1}]}
            """;
        string[] pages =
        [
            MachineCommands.RenderList(new MachineList { Machines = [summary] }),
            MachineStory.Render(new MachineDetail
            {
                Summary = summary, SystemState = escape, Labels = new Dictionary<string, string> { [escape] = endless },
                Inventory = inventory.ToJson(), BootRecord = Encoding.UTF8.GetBytes(boot),
                Events = [new MachineEvent { UnixMs = long.MinValue, Text = endless }], CertificateExpiresUnixMs = long.MaxValue,
            }, Now),
            ClusterCommands.RenderExplanation(new MachineExplanation { Id = "i", Steps = steps, Text = endless }),
            ClusterCommands.RenderStatus(new StatusReply
            {
                Version = "v", StartedUnixMs = 1, Admission = "auto",
                Components = [new ComponentStatus { Name = escape, Healthy = false, Text = endless }],
                Nodes = [new NodeSummary { Id = "i", Ready = false, Text = endless, Version = escape }],
                PodsNotRunning = [new PodTrouble { Namespace = "n", Name = escape, Text = endless }],
                Clocks = [new ClockSkew { Id = "i", Name = endless, AheadMs = long.MinValue },
                    new ClockSkew { Id = escape, AheadMs = long.MaxValue }],
            }),
            ClusterCommands.RenderLeases(new LeaseList { Mode = "full",
                Leases = [new Lease { Mac = "m", Address = "a", Hostname = endless, ExpiresUnixMs = long.MaxValue }] }),
        ];
        foreach (var page in pages)
        {
            Assert.DoesNotContain(page, c => (char.IsControl(c) && c != '\n') || c == '\u202e');
            Assert.DoesNotContain(page.Split('\n'), line => line.StartsWith("UP", StringComparison.Ordinal) || line.Length > 3000);
        }
        Assert.Equal("a?]0;b\nc", Terminal.Page("a\u001b]0;b\nc"));
    }

    [Fact]
    public void Clocks_that_agree_are_one_line_and_those_that_do_not_are_named()
    {
        static ClockSkew Clock(string name, long ahead) => new() { Id = $"id-{name}", Name = name, AheadMs = ahead };
        Assert.Equal("", ClockTable.Render([]));
        Assert.Equal("\nclocks of 2 machines are within 17 ms\n", ClockTable.Render([Clock("a", -17), Clock("b", 3)]));
        var lines = ClockTable.Render([Clock("a", 7_200_000), Clock("b", -2_500), Clock("c", 3)]).Split('\n');
        Assert.Equal("a        id-a  2h ahead", lines[3]);
        Assert.Equal("b        id-b  2.5 s behind", lines[4]);
        Assert.Equal(["", ""], [lines[0], lines[5]]);
    }

    [Fact]
    public void An_audit_record_is_a_line_whatever_its_words_are_and_one_without_an_outcome_says_so()
    {
        var record = new AuditRecord
        {
            Id = "1", UnixMs = Now.ToUnixTimeMilliseconds(), User = "bob", Role = "operator", From = "192.0.2.7",
            Operation = "machines rename", Arguments = new Dictionary<string, string> { ["name"] = "a\u001b[2J\nb" },
        };
        var text = AuditCommand.Render(new AuditList { Records = [record, record with { Outcome = "done" }], DamagedLines = 1 });
        var lines = text.Split('\n');
        Assert.Equal("2024-10-04 00:00:00  bob  operator  192.0.2.7  unknown  machines rename name=a [2J b", lines[1]);
        Assert.Contains("  done     machines rename", lines[2], StringComparison.Ordinal);
        Assert.StartsWith("1 lines of the log are damaged", lines[3], StringComparison.Ordinal);
    }

    [Fact]
    public void Lines_of_a_newer_version_in_the_audit_log_are_told_with_what_to_do() =>
        Assert.Equal("nothing was asked for\n2 lines of the log were written by a newer version of the controller, and are not shown: "
            + "run that version to see them\n", AuditCommand.Render(new AuditList { Records = [], NewerLines = 2 }));

    [Fact]
    public void A_job_that_was_not_done_says_what_to_do_next()
    {
        var job = new JobSummary
        {
            Id = "0badcafe", Kind = "drain", Machine = Worker.Id, Name = "rack1-1", By = "bob", State = "cancelled",
            Text = "cancelled by eve", Hint = "operosctl machines uncordon rack1-1",
        };
        Assert.EndsWith("cancelled: cancelled by eve\nnext: operosctl machines uncordon rack1-1\n",
            JobCommands.RenderJob(new JobReply { Job = job }), StringComparison.Ordinal);
        Assert.Contains("0badcafe  drain  rack1-1  bob  -      cancelled  cancelled by eve",
            JobCommands.RenderList(new JobList { Jobs = [job] }), StringComparison.Ordinal);
    }

    [Fact]
    public void JSON_has_the_messages_own_names() =>
        Assert.Contains("\"id\": \"402fce53-3779-8c9f-ac73-4c34a31fc2bc\"", AnswerJson.Render(new MachineList { Machines = [Worker] }),
            StringComparison.Ordinal);

    [Fact]
    public void JSON_has_what_a_machine_is_made_of_as_an_object_and_roles_as_they_are_typed()
    {
        var shown = JsonNode.Parse(AnswerJson.Render(new MachineDetail
        {
            Summary = Worker, Inventory = Encoding.UTF8.GetBytes("""{"logicalCpus":4}"""), BootRecord = "{{{"u8.ToArray(),
        }))!;
        Assert.Equal(4, (int)shown["hardware"]!["logicalCpus"]!);
        Assert.Null(shown["boot"]);
        Assert.Equal("{\"logicalCpus\":4}", Encoding.UTF8.GetString(Convert.FromBase64String((string)shown["inventory"]!)));
        Assert.Contains("\"role\": \"admin\"", AnswerJson.Render(new OperatorList
        {
            Operators = [new OperatorSummary { Name = "ada", Role = OperatorRole.Admin }],
        }), StringComparison.Ordinal);
    }

    [Fact]
    public void Credentials_that_expired_are_not_said_to_be_renewed_by_use()
    {
        OperatorSummary Known(int seconds) => new()
        {
            Name = "opa", Role = OperatorRole.Viewer, ExpiresSoon = true, ExpiresUnixMs = Now.AddSeconds(seconds).ToUnixTimeMilliseconds(),
        };
        Assert.EndsWith("\nopa: expires in 29s; using it renews it, or operosctl operators renew opa --out DIR\n",
            OperatorCommands.RenderList(new OperatorList { Operators = [Known(29)] }, Now), StringComparison.Ordinal);
        Assert.EndsWith("\nopa: expired 29s ago, so using it renews nothing; an admin makes new ones: operosctl operators renew opa --out "
            + "DIR, or ends it: operosctl operators revoke opa\n",
            OperatorCommands.RenderList(new OperatorList { Operators = [Known(-29)] }, Now), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0, "-")]
    [InlineData(999_000, "999 kB")]
    [InlineData(94_200_000, "94 MB")]
    [InlineData(16_000_000_000, "16.0 GB")]
    [InlineData(7_680_000_000_000, "7.7 TB")]
    public void Sizes(long bytes, string expected) => Assert.Equal(expected, Figures.Size(bytes));
}
