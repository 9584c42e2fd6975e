using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Logging.Abstractions;
using Operos.Proto;
using Operos.Storage.Wipes;
using Operos.Worker.Configuration;
using Operos.Worker.Disks;
using Operos.Worker.Orders;

namespace Operos.Node.Tests.Disks;

/// <summary>Orders about disks as a worker takes and carries them out, on images.</summary>
public sealed class DiskOrderTests : IAsyncLifetime
{
    private static readonly Guid Machine = Guid.NewGuid();
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly TestFolder folder = new();
    private readonly ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly DiskBoard board = new();
    private readonly string foreign, blank;
    private readonly WorkerSettings settings;
    private readonly DiskOrders orders;
    private readonly SimulatedDisks disks;

    public DiskOrderTests()
    {
        (foreign, blank) = (Image("foreign.img"), Image("blank.img"));
        // A file system's superblock: ext4's magic where it stands.
        Write(foreign, 1024 + 56, [0x53, 0xEF]);
        var request = new CertificateRequest("CN=authority", key, HashAlgorithmName.SHA256);
        settings = new WorkerSettings
        {
            Control = new IPEndPoint(IPAddress.Loopback, 1), StateFolder = folder.Path, BootRecord = [], BootId = "boot", Apply = false,
            Authority = X509CertificateLoader.LoadCertificate(request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1),
                DateTimeOffset.UtcNow.AddDays(1)).RawData),
            Disks = [foreign, blank],
        };
        orders = new DiskOrders(settings, board, TimeProvider.System, NullLogger<DiskOrders>.Instance);
        disks = new SimulatedDisks(settings, board, NullLogger<SimulatedDisks>.Instance);
    }

    public async ValueTask InitializeAsync()
    {
        await orders.StartAsync(default);
        await disks.StartAsync(default);
        disks.Follow(new NodeConfiguration { Hostname = Machine.ToString() });
        await UntilAsync("the images are looked at", () => board.Disks is not null);
    }

    public async ValueTask DisposeAsync()
    {
        await disks.StopAsync(default);
        await orders.StopAsync(default);
        disks.Dispose();
        orders.Dispose();
        key.Dispose();
        settings.Authority.Dispose();
        folder.Dispose();
    }

    [Fact]
    public async Task A_foreign_disk_is_wiped_by_a_signed_order_is_blank_then_and_the_order_counts_once()
    {
        Assert.Equal(("foreign", "blank"), (Of(foreign).Class, Of(blank).Class));
        var order = Order(Of(foreign));
        Assert.Equal("the wipe has begun", Assert.IsType<Done>(Give(order)).Text);
        var wipe = await EndAsync(foreign, order.Id);
        Assert.True(wipe.State == DiskWipe.Finished, wipe.Text);
        Assert.Equal("blank", Of(foreign).Class);
        Assert.False(Start(foreign).AsSpan().ContainsAnyExcept((byte)0, (byte)0xFF));
        Assert.Contains("counts once", Assert.IsType<Fault>(Give(order)).Text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("osd.3 does not end")]
    public async Task What_runs_on_a_disk_ends_before_it_is_wiped_and_where_it_does_not_nothing_is_written(string? failure)
    {
        var before = Start(foreign);
        var ended = new List<(string Name, bool IsUntouched)>();
        board.EndUseAsync = (name, _) =>
        {
            ended.Add((name, Start(foreign).AsSpan().SequenceEqual(before)));
            return failure is null ? Task.CompletedTask : Task.FromException(new IOException(failure));
        };
        var order = Order(Of(foreign));
        Assert.IsType<Done>(Give(order));
        var wipe = await EndAsync(foreign, order.Id);
        Assert.Equal([(Path.GetFileName(foreign), true)], ended);
        Assert.Equal(failure is null ? DiskWipe.Finished : DiskWipe.Failed, wipe.State);
        if (failure is null) return;
        Assert.Contains(failure, wipe.Text, StringComparison.Ordinal);
        Assert.Equal(before, Start(foreign));
    }

    /// <summary>Somebody else works on disks for longer than an order counts.</summary>
    [Fact]
    public async Task An_order_that_was_taken_in_time_waits_for_its_turn_tells_for_what_and_is_carried_out()
    {
        WipeOrder order;
        using (await board.TakeTurnAsync(default))
        {
            board.Show([Of(foreign), Of(blank) with { Work = "is set up" }]);
            order = Order(Of(foreign)) with { Expires = DateTimeOffset.UtcNow.AddSeconds(9) };
            Assert.IsType<Done>(Give(order));
            Assert.Equal("it waits for what else is done to disks here (blank.img is set up)", Of(foreign).Wipe!.Text);
            await UntilAsync("it tells that it still waits", () => Of(foreign).Wipe!.Text.Contains(
                "(blank.img is set up), since 1", StringComparison.Ordinal) && DateTimeOffset.UtcNow > order.Expires);
        }
        var wipe = await EndAsync(foreign, order.Id);
        Assert.True(wipe.State == DiskWipe.Finished, wipe.Text);
        Assert.Equal("blank", Of(foreign).Class);
    }

    [Fact]
    public async Task What_differs_from_what_was_seen_when_the_order_comes_is_not_wiped()
    {
        var order = Order(Of(foreign));
        // Somebody writes something else there meanwhile.
        Write(foreign, 512, "EFI PART"u8);
        var before = Start(foreign);
        Assert.IsType<Done>(Give(order));
        var wipe = await EndAsync(foreign, order.Id);
        Assert.Equal(DiskWipe.Failed, wipe.State);
        Assert.Equal(before, Start(foreign));
    }

    [Fact]
    public void An_order_that_is_not_the_authority_s_for_this_machine_and_now_writes_nothing()
    {
        var before = Start(foreign);
        var disk = Of(foreign);
        using var other = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var order = Order(disk);
        var changed = order.ToBytes();
        changed[^1] ^= 1;
        foreach (var (answer, code, why) in ((Message, string, string)[])
        [
            (Give(order, by: other), FaultCode.Unauthorized, "not signed by the cluster's authority"),
            (Give(changed, order.Sign(key)), FaultCode.Unauthorized, "not signed"),
            (Give([], []), FaultCode.Unauthorized, "not signed"),
            (Give(new byte[100_000], new byte[100_000]), FaultCode.Unauthorized, "not signed"),
            (Give(order with { Machine = Guid.NewGuid() }), FaultCode.Conflict, "for another machine"),
            (orders.Answer(new WipeDisk { Order = order.ToBytes(), Signature = order.Sign(key) }, null), FaultCode.Conflict, "another"),
            (Give(order with { Issued = order.Issued.AddHours(-1), Expires = order.Issued.AddSeconds(-1) }), FaultCode.Conflict, "expired"),
            (Give(order with { Issued = order.Issued.AddHours(1), Expires = order.Issued.AddHours(2) }), FaultCode.Conflict, "future"),
            (Give(order with { Disk = "wwn:5000c500" }), FaultCode.NotFound, "no disk wwn:5000c500"),
        ])
        {
            var fault = Assert.IsType<Fault>(answer);
            Assert.Equal(code, fault.Code);
            Assert.Contains(why, fault.Text, StringComparison.Ordinal);
        }
        // A signature by the authority of something else than an order, such as a certificate, is none.
        var certificate = settings.Authority.RawData;
        var signature = key.SignData(certificate, HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence);
        Assert.IsType<Fault>(Give(certificate, signature));
        Assert.Null(Of(foreign).Wipe);
        Assert.Equal(before, Start(foreign));
    }

    [Fact]
    public void A_disk_that_is_being_wiped_is_not_wiped_beside_that()
    {
        board.Tell(Of(foreign).Name, new DiskWipe { Order = $"{Guid.NewGuid()}", State = DiskWipe.Running, Text = "it has begun" });
        Assert.Contains("is being wiped already", Assert.IsType<Fault>(Give(Order(Of(foreign)))).Text, StringComparison.Ordinal);
    }

    [Fact]
    public void Two_disks_of_one_identity_are_not_told_apart_by_an_order()
    {
        var twin = Of(blank) with { Identity = Of(foreign).Identity };
        board.Show([Of(foreign), twin]);
        Assert.Contains("2 disks here have the identity", Assert.IsType<Fault>(Give(Order(Of(foreign)))).Text, StringComparison.Ordinal);
        Assert.IsType<Fault>(orders.Answer(new LocateDisk { Disk = twin.Identity, Seconds = 1 }, $"{Machine}"));
    }

    [Fact]
    public async Task The_light_of_a_slot_blinks_for_its_time_and_ends_with_the_agent_and_a_disk_without_one_is_read()
    {
        var slot = Directory.CreateDirectory(Path.Combine(folder.Path, "sys/block/sda/device/enclosure_device:Slot 03")).FullName;
        await File.WriteAllTextAsync(Path.Combine(slot, "locate"), "0");
        var light = DiskLight.Of("sda", foreign, Path.Combine(folder.Path, "sys"));
        Assert.Equal("the light of its slot blinks", light.Words);
        using var end = new CancellationTokenSource();
        var blinking = light.BlinkAsync(TimeSpan.FromMinutes(5), end.Token);
        await UntilAsync("the light is on", () => File.ReadAllText(Path.Combine(slot, "locate")) == "1");
        await end.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => blinking);
        Assert.Equal("0", await File.ReadAllTextAsync(Path.Combine(slot, "locate")));

        var done = Assert.IsType<Done>(orders.Answer(new LocateDisk { Disk = Of(foreign).Identity, Seconds = 1 }, $"{Machine}"));
        Assert.StartsWith("for 1 s: its enclosure has no light", done.Text, StringComparison.Ordinal);
        foreach (var seconds in (int[])[0, -1, 601])
            Assert.IsType<Fault>(orders.Answer(new LocateDisk { Disk = Of(foreign).Identity, Seconds = seconds }, $"{Machine}"));
        Assert.IsType<Fault>(orders.Answer(new LocateDisk { Disk = "wwn:1", Seconds = 1 }, $"{Machine}"));
    }

    private DiskState Of(string image) => board.Disks!.Single(disk => disk.Name == Path.GetFileName(image));

    private static WipeOrder Order(DiskState disk) => new()
    {
        Id = Guid.NewGuid(), Machine = Machine, Disk = disk.Identity, Evidence = disk.Evidence, Issued = DateTimeOffset.UtcNow,
        Expires = DateTimeOffset.UtcNow.AddMinutes(2),
    };

    private Message Give(WipeOrder order, ECDsa? by = null) =>
        Give(order.ToBytes(), order.Sign(by ?? key));

    private Message Give(byte[] order, byte[] signature) =>
        orders.Answer(new WipeDisk { Order = order, Signature = signature }, $"{Machine}");

    private async Task<DiskWipe> EndAsync(string image, Guid order)
    {
        await UntilAsync("the wipe ends", () => Of(image).Wipe is { State: not DiskWipe.Running } wipe && wipe.Order == order.ToString());
        return Of(image).Wipe!;
    }

    private static async Task UntilAsync(string what, Func<bool> condition)
    {
        for (var waited = TimeSpan.Zero; !condition(); waited += TimeSpan.FromMilliseconds(50))
        {
            Assert.True(waited < Patience, $"not so within {Patience.TotalSeconds:0} s: {what}");
            await Task.Delay(50);
        }
    }

    private string Image(string name)
    {
        var path = Path.Combine(folder.Path, name);
        using var file = File.Create(path);
        file.SetLength(3L << 30);
        return path;
    }

    private static byte[] Start(string path)
    {
        using var file = File.OpenRead(path);
        var bytes = new byte[8 << 20];
        file.ReadExactly(bytes);
        return bytes;
    }

    private static void Write(string path, long at, ReadOnlySpan<byte> bytes)
    {
        using var file = File.OpenWrite(path);
        file.Position = at;
        file.Write(bytes);
    }
}
