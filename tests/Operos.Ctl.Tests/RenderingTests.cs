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
        Id = "402fce53-3779-8c9f-ac73-4c34a31fc2bc", Name = "rack1-1", Kind = "worker", State = "up", Release = "1.0", Address = "10.77.0.129", Cpus = 2, MemoryBytes = 1_020_000_000, Disks = 1,
    };

    [Fact]
    public void The_list_is_aligned_and_ends_with_what_to_do_next()
    {
        var text = MachineCommands.RenderList(new MachineList { Machines = [Worker, Worker with { Name = null, State = "pending", Note = "operosctl machines approve 402fce53" }] });
        var lines = text.Split('\n');
        Assert.Equal("NAME     UUID                                  KIND    STATE    RELEASE  ADDRESS      CPUS  MEMORY  DISKS  SEEN", lines[0]);
        Assert.Equal("rack1-1  402fce53-3779-8c9f-ac73-4c34a31fc2bc  worker  up       1.0      10.77.0.129  2     1.0 GB  1      now", lines[1]);
        Assert.Equal("402fce53: operosctl machines approve 402fce53", lines[4]);
    }

    [Fact]
    public void An_empty_list_says_how_to_fill_it() => Assert.Contains("power one on", MachineCommands.RenderList(new MachineList { Machines = [] }), StringComparison.Ordinal);

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
            Inventory = new Inventory { System = new Identity { Vendor = "Acme", Product = "R1", Serial = "S1" }, Disks = [new Disk { Name = "vda", Bytes = 4_000_000_000, Serial = "D1" }] }.ToJson(),
            BootRecord = Encoding.UTF8.GetBytes(boot),
            Events = [new MachineEvent { UnixMs = Now.AddMinutes(-5).ToUnixTimeMilliseconds(), Text = "booted" }],
        }, Now);
        foreach (var expected in new[]
        {
            "name         rack1-1", "labels       rack=r1", "Acme R1, serial S1", "vda 4.0 GB solid state", "release 1.0, uefi, Secure Boot, kernel 6.12",
            "2 retries, 1 chunks refused, 0 restarts", "fetch     |                  ============|   2.00 s  94.2 MB", "5m ago",
        })
            Assert.Contains(expected, text, StringComparison.Ordinal);
    }

    [Fact]
    public void JSON_has_the_messages_own_names() =>
        Assert.Contains("\"id\": \"402fce53-3779-8c9f-ac73-4c34a31fc2bc\"", AnswerJson.Render(new MachineList { Machines = [Worker] }), StringComparison.Ordinal);

    [Theory]
    [InlineData(0, "-")]
    [InlineData(999_000, "999 kB")]
    [InlineData(94_200_000, "94 MB")]
    [InlineData(16_000_000_000, "16.0 GB")]
    [InlineData(7_680_000_000_000, "7.7 TB")]
    public void Sizes(long bytes, string expected) => Assert.Equal(expected, Figures.Size(bytes));
}
