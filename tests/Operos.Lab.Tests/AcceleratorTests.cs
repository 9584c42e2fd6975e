using System.Globalization;

namespace Operos.Lab.Tests;

/// <summary>When KVM is tried, and how long what was found holds. Whether it works real guests find: <see cref="KvmProbeTests"/>.</summary>
public sealed class AcceleratorTests : IDisposable
{
    /// <summary>Opens for reading and writing, as the real one would.</summary>
    private const string Opens = "/dev/null";
    private static readonly HostIdentity Host = new("2f0c7d6e-0001", "6.12.1", "QEMU emulator version 7.2.22", "Some CPU");
    private readonly string folder = Directory.CreateTempSubdirectory("operos-test-").FullName;
    private int probes;

    private AcceleratorRecords Records => new(Path.Combine(folder, "accelerator"));

    [Fact]
    public async Task A_host_is_probed_once_whatever_was_found()
    {
        foreach (var works in (bool[])[true, false])
        {
            var host = Host with { BootId = works.ToString() };
            var first = await DecideAsync(Opens, host, new Verdict(works, "as found"));
            var second = await DecideAsync(Opens, host, new Verdict(!works, "not asked"));
            Assert.Equal(new Verdict(works, "as found"), first);
            Assert.Equal(first, second);
        }
        Assert.Equal(2, probes);
    }

    [Theory]
    [InlineData("boot")]
    [InlineData("kernel")]
    [InlineData("qemu")]
    [InlineData("processor")]
    public async Task Another_boot_kernel_QEMU_or_processor_is_probed_anew(string changed)
    {
        await DecideAsync(Opens, Host, new Verdict(true, ""));
        var other = changed switch
        {
            "boot" => Host with { BootId = "2f0c7d6e-0002" },
            "kernel" => Host with { Kernel = "6.12.2" },
            "qemu" => Host with { Qemu = "QEMU emulator version 10.0.0" },
            _ => Host with { Processor = "Another CPU" },
        };
        Assert.False((await DecideAsync(Opens, other, new Verdict(false, "lies"))).Works);
        Assert.Equal(2, probes);
    }

    [Theory]
    [InlineData("/dev/no-such-device", "there is no /dev/no-such-device")]
    // Read-only in sysfs, for root too.
    [InlineData("/sys/kernel/uevent_seqnum", "permission denied on /sys/kernel/uevent_seqnum")]
    public async Task A_device_that_cannot_be_opened_is_told_and_not_probed(string device, string reason)
    {
        var verdict = await DecideAsync(device, Host, new Verdict(true, ""));
        Assert.Equal(new Verdict(false, reason), verdict);
        Assert.Equal($"kvm: not used: {reason}; guests are emulated", verdict.Line);
        Assert.Equal(0, probes);
        Assert.Null(Records.Read(Host));
    }

    [Fact]
    public async Task Without_a_release_nothing_is_recorded()
    {
        Assert.False((await DecideAsync(Opens, Host, null)).Works);
        Assert.True((await DecideAsync(Opens, Host, new Verdict(true, ""))).Works);
    }

    [Theory]
    [InlineData("")]
    [InlineData("{\"Host\":")]
    [InlineData("null")]
    public void A_record_that_is_damaged_is_none(string content)
    {
        Records.Write(Host, new Verdict(true, ""));
        File.WriteAllText(Assert.Single(Directory.EnumerateFiles(Path.Combine(folder, "accelerator"))), content);
        Assert.Null(Records.Read(Host));
        Records.Write(Host, new Verdict(true, "again"));
        Assert.Equal("again", Records.Read(Host)!.Reason);
    }

    [Fact]
    public async Task Two_that_write_at_once_leave_a_whole_record()
    {
        await Task.WhenAll(Enumerable.Range(0, 4).Select(writer => Task.Run(() =>
        {
            for (var i = 0; i < 100; i++)
            {
                Records.Write(Host, new Verdict(true, new string((char)('a' + writer), 2000)));
                Assert.Single(Records.Read(Host)!.Reason.Distinct());
            }
        })));
        Assert.Single(Directory.EnumerateFiles(Path.Combine(folder, "accelerator")));
    }

    [Fact]
    public void A_folder_that_cannot_be_made_costs_a_probe_each_time_and_nothing_else()
    {
        File.WriteAllText(Path.Combine(folder, "accelerator"), "a file");
        foreach (var records in (AcceleratorRecords[])[Records, new(null)])
        {
            records.Write(Host, new Verdict(true, ""));
            Assert.Null(records.Read(Host));
        }
    }

    [Fact]
    public async Task This_host_is_told_by_its_boot_kernel_QEMU_and_processor()
    {
        var host = await HostIdentity.ReadAsync(default);
        Assert.Equal(host, await HostIdentity.ReadAsync(default));
        Assert.True(Guid.TryParse(host.BootId, CultureInfo.InvariantCulture, out _));
        Assert.StartsWith("QEMU emulator version ", host.Qemu, StringComparison.Ordinal);
        Assert.NotEqual("unknown", host.Processor);
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);

    private Task<Verdict> DecideAsync(string device, HostIdentity host, Verdict? found)
    {
        return Accelerator.DecideAsync(device, () => Task.FromResult(host), Records, Probe);

        Task<Verdict?> Probe()
        {
            probes++;
            return Task.FromResult(found);
        }
    }
}
