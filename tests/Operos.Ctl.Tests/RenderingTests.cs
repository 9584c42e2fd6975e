using System.Text;
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

    [Theory]
    [InlineData(0, "-")]
    [InlineData(999_000, "999 kB")]
    [InlineData(94_200_000, "94 MB")]
    [InlineData(16_000_000_000, "16.0 GB")]
    [InlineData(7_680_000_000_000, "7.7 TB")]
    public void Sizes(long bytes, string expected) => Assert.Equal(expected, Figures.Size(bytes));
}
