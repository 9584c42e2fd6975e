using System.Net;
using CsCheck;

namespace Operos.Ceph.Tests;

/// <summary>Keys, addresses and files as Ceph's own programs read them.</summary>
public sealed class CephKeyTests
{
    [Fact]
    public void A_secret_is_the_key_that_cephs_tools_print()
    {
        var key = CephKey.Of([.. Enumerable.Range(1, 16).Select(number => (byte)number)]);
        Assert.Equal("AQAAAAAAAAAAABAAAQIDBAUGBwgJCgsMDQ4PEA==", key.Text);
        Assert.DoesNotContain("AQ", key.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Every_secret_is_read_again_and_one_that_ceph_authtool_made()
    {
        Gen.Byte.Array[16].Sample(secret => Assert.Equal(CephKey.Of(secret).Text, CephKey.Parse(CephKey.Of(secret).Text)!.Text));
        Assert.Equal("AQB5IAxrBEKFLxAA5x/FmSG1/TraepgPAK4pBg==", CephKey.Parse("AQB5IAxrBEKFLxAA5x/FmSG1/TraepgPAK4pBg==")!.Text);
        Assert.NotEqual(CephKey.Make().Text, CephKey.Make().Text);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("AQAAAAAAAAAAABAAAQIDBAUGBwgJCgsMDQ4PEA")]
    [InlineData("AgAAAAAAAAAAABAAAQIDBAUGBwgJCgsMDQ4PEA==")]
    [InlineData("AQAAAAAAAAAAABEAAQIDBAUGBwgJCgsMDQ4PEA==")]
    [InlineData("AQAAAAAAAAAAABAAAQIDBAUGBwgJCgsMDQ4PEBE=")]
    [InlineData("AQAAAAAAAAAAABAAAQIDBAUGBwgJCgsMDQ4P\n===")]
    public void What_is_no_key_is_none(string? text) => Assert.Null(CephKey.Parse(text));

    [Theory]
    [InlineData("10.0.0.1:3300", true)]
    [InlineData("10.0.0.1", false)]
    [InlineData("1:3300", false)]
    [InlineData("[::1]:3300", false)]
    [InlineData("10.0.0.1:3300\nmon_host = evil", false)]
    public void A_monitor_is_an_address_and_a_port(string address, bool isOne) =>
        Assert.Equal(isOne, MonitorMap.Read(Guid.NewGuid(), [address]) is not null);

    [Fact]
    public void A_configuration_speaks_msgr2_alone_and_encrypted_between_daemons()
    {
        var map = MonitorMap.Of(Guid.Parse("6f1c1b1e-0f6e-4a63-9a0d-1a2b3c4d5e6f"), IPAddress.Parse("10.0.0.1"));
        var text = CephConfiguration.Osd(map, "/run/operos/ceph/osd/3", Guid.Parse("11111111-2222-3333-4444-555555555555"), "r1", 1);
        foreach (var line in (string[])["fsid = 6f1c1b1e-0f6e-4a63-9a0d-1a2b3c4d5e6f", "mon_host = [v2:10.0.0.1:3300/0]",
            "ms_bind_msgr1 = false", "ms_cluster_mode = secure", "auth_allow_insecure_global_id_reclaim = false",
            "crush_location = root=default rack=rack-r1 host=11111111-2222-3333-4444-555555555555", "osd_memory_target = 939524096",
            "osd_class_dir = /usr/lib/x86_64-linux-gnu/rados-classes"])
            Assert.Contains($"\n{line}\n", text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("row-1.rack_2", "rack-row-1.rack_2")]
    [InlineData("default", "rack-default")]
    [InlineData("r1\nkeyring = /evil", null)]
    [InlineData("a b", null)]
    [InlineData("", null)]
    [InlineData(null, null)]
    public void A_label_that_is_no_name_of_crush_gets_into_no_file(string? label, string? name) =>
        Assert.Equal(name, CephConfiguration.CrushName(label));
}
