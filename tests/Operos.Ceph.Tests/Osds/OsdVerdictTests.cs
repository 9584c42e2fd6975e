using Operos.Ceph.Osds;
using Operos.Node.Tests;

namespace Operos.Ceph.Tests.Osds;

/// <summary>Whether an OSD is made or started on what a partition holds.</summary>
public sealed class OsdVerdictTests
{
    private static readonly Guid Other = new("6f1c2d5e-0000-4000-8000-000000000009");

    [Fact]
    public void What_ceph_osd_wrote_is_read()
    {
        var label = OsdLabel.Read(OsdLabels.Real());
        Assert.Equal((OsdLabels.Osd, OsdLabels.Bytes, $"{OsdLabels.Fsid}", "0", true),
            (label.Osd, label.Bytes, label.Fsid, label.Id, label.IsReady));
        Assert.Equal("ceph osd volume v026", label.Values["magic"]);
    }

    [Fact]
    public void A_label_that_is_damaged_anywhere_is_told_and_never_taken_for_one()
    {
        var real = OsdLabels.Real();
        var length = Array.FindLastIndex(real, value => value != 0) + 1;
        // The UUID as text is behind the checksum's back for nobody: it counts too.
        for (var at = 0; at < length; at++)
        {
            var damaged = (byte[])real.Clone();
            damaged[at] ^= 0x41;
            if (OsdLabel.Begins(damaged)) Assert.Throws<InvalidDataException>(() => OsdLabel.Read(damaged));
        }
        for (var cut = 0; cut < length; cut++)
        {
            var part = real[..cut];
            if (OsdLabel.Begins(part)) Assert.Throws<InvalidDataException>(() => OsdLabel.Read(part));
        }
    }

    [Fact]
    public void Counts_and_lengths_that_lead_out_of_the_label_are_refused_though_its_checksum_is_right()
    {
        var (random, read, refused) = (new Random(20261129), 0, 0);
        for (var round = 0; round < 2000; round++)
        {
            // A body of noise, or of a real one with a length turned into another.
            var label = OsdLabels.Of(Other, 1, ("whoami", new string('7', random.Next(64))));
            var end = 66 + BitConverter.ToInt32(label, 62);
            for (var change = random.Next(1, 4); change > 0; change--) label[random.Next(66, end)] = (byte)random.Next(256);
            var crc = label[..end].Aggregate(uint.MaxValue, System.Numerics.BitOperations.Crc32C);
            BitConverter.GetBytes(crc).CopyTo(label, end);
            try
            {
                OsdLabel.Read(label);
                read++;
            }
            catch (InvalidDataException) { refused++; }
        }
        Assert.True(read > 100 && refused > 100, $"{read} were read, {refused} refused");
    }

    [Fact]
    public void An_OSD_is_made_where_it_is_blank_or_its_own_making_was_cut_and_nowhere_else()
    {
        Assert.Equal(OsdWork.Make, Of(new OsdPartition(Other, 1)).Work);
        Assert.Equal((OsdWork.Leave, "it is not blank, and no OSD: XFS at 0"), Told(new OsdPartition(Other, 1) { Contents = "XFS at 0" }));
        Assert.Equal((OsdWork.Leave, "torn"), Told(new OsdPartition(Other, 1) { Damage = "torn" }));
        // As a kill leaves it: the label with its UUID comes first, the cluster and the number later, that it is ready last.
        Assert.Equal((OsdWork.Make, "its making was cut"), Told(Labelled(OsdLabels.Osd)));
        Assert.Equal((OsdWork.Make, "its making was cut"), Told(Labelled(OsdLabels.Osd, ("ceph_fsid", $"{OsdLabels.Fsid}"),
            ("mkfs_done", "yes"), ("whoami", "3"))));
        Assert.Equal(OsdWork.Leave, Told(Labelled(Other)).Work);
        Assert.Equal(OsdWork.Leave, Told(Labelled(OsdLabels.Osd, ("ceph_fsid", $"{Other}"))).Work);
        Assert.Equal(OsdWork.Leave, Told(Labelled(OsdLabels.Osd, ("whoami", "4"))).Work);
    }

    [Fact]
    public void An_OSD_is_started_where_cluster_UUID_and_number_agree()
    {
        var ready = new OsdPartition(OsdLabels.Osd, OsdLabels.Bytes) { Label = OsdLabel.Read(OsdLabels.Real()) };
        Assert.Equal(OsdWork.Start, OsdVerdict.Of(ready, OsdLabels.Fsid, null).Work);
        Assert.Equal(OsdWork.Start, OsdVerdict.Of(ready, OsdLabels.Fsid, 0).Work);
        Assert.Equal(OsdWork.Leave, OsdVerdict.Of(ready, OsdLabels.Fsid, 1).Work);
        Assert.Equal(OsdWork.Leave, OsdVerdict.Of(ready, Other, 0).Work);
        Assert.Equal(OsdWork.Leave, OsdVerdict.Of(ready with { Id = Other }, OsdLabels.Fsid, 0).Work);
        Assert.Equal(OsdWork.Leave, OsdVerdict.Of(ready with { Bytes = OsdLabels.Bytes - 1 }, OsdLabels.Fsid, 0).Work);
        Assert.Equal(OsdWork.Start, OsdVerdict.Of(ready with { Bytes = OsdLabels.Bytes * 2 }, OsdLabels.Fsid, 0).Work);
    }

    [Fact]
    public void What_a_stranger_wrote_into_a_label_is_told_fit_for_a_terminal()
    {
        var (work, text) = Told(Labelled(OsdLabels.Osd, ("ceph_fsid", "\u001b[2J" + new string('x', 500))));
        Assert.Equal(OsdWork.Leave, work);
        Assert.DoesNotContain('\u001b', text);
        Assert.True(text.Length < 200, text);
    }

    [Fact]
    public void One_that_ends_again_and_again_rests_ever_longer_and_one_that_lived_begins_anew()
    {
        var time = new TestClock();
        var crashes = CrashLoop.OfDaemon(time);
        var rests = new List<double>();
        for (var i = 0; i < 12; i++)
        {
            crashes.Started();
            time.Ahead += TimeSpan.FromSeconds(20);
            rests.Add(crashes.Ended().TotalSeconds);
        }
        Assert.Equal([1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300], rests);
        crashes.Started();
        time.Ahead += TimeSpan.FromMinutes(11);
        Assert.Equal(1, crashes.Ended().TotalSeconds);
    }

    [Theory]
    [InlineData(256, 1, 4096, null)]
    [InlineData(8, 1, 3276, null)]
    [InlineData(8, 3, 1092, null)]
    [InlineData(8, 12, 896, 64L)]
    [InlineData(2, 1, 896, 563L)]
    [InlineData(1, 4, 896, 64L)]
    public void OSDs_take_what_their_machine_can_give(int gibibytes, int osds, long target, long? cache)
    {
        var memory = OsdMemory.Of((long)gibibytes << 30, osds);
        Assert.Equal((target, cache), (memory.Target >> 20, memory.Cache >> 20));
        Assert.Equal(cache is not null, memory.Arguments.Contains("--bluestore-cache-autotune=false"));
        Assert.Equal(cache is not null, memory.Words.Contains($"{cache} MiB", StringComparison.Ordinal) && memory.Words.Length > 0);
    }

    private static OsdVerdict Of(OsdPartition found) => OsdVerdict.Of(found, OsdLabels.Fsid, 3);

    private static (OsdWork Work, string Text) Told(OsdPartition found)
    {
        var (work, text) = Of(found);
        return (work, text);
    }

    private static OsdPartition Labelled(Guid osd, params (string, string)[] values) =>
        new(OsdLabels.Osd, OsdLabels.Bytes) { Label = OsdLabel.Read(OsdLabels.Of(osd, OsdLabels.Bytes, values)) };
}
