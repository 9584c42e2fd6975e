using System.Text.Json;
using Operos.Ceph.Facts;

namespace Operos.Ceph.Tests;

/// <summary>What Ceph answers, and what is made of it in words.</summary>
public sealed class FactsReaderTests
{
    [Fact]
    public void What_a_cluster_says_is_read()
    {
        var facts = FactsReader.Read(default, Json("""
            {"health":{"status":"HEALTH_WARN","checks":{"OSD_DOWN":{"severity":"HEALTH_WARN","summary":{"message":"1 osds down","count":1},
            "muted":false},"MGR_MODULE_ERROR":{"severity":"HEALTH_ERR","summary":{"message":"10 mgr modules have failed"},"muted":false}}},
            "pgmap":{"pgs_by_state":[{"state_name":"active+clean","count":30},{"state_name":"active+undersized+degraded","count":2}],
            "bytes_used":5,"bytes_total":9,"degraded_objects":3,"degraded_total":12}}
            """), Json("""
            {"osds":[{"osd":0,"uuid":"11111111-1111-1111-1111-111111111111","up":1,"in":1},
            {"osd":1,"uuid":"22222222-2222-2222-2222-222222222222","up":0,"in":1}],
            "pools":[{"pool_name":"kube","size":2,"min_size":1,"pg_num":16,"pg_num_target":32,
                "application_metadata":{"rbd":{"operos-copies":"2","operos-min-size":"x"}}}]}
            """), Json("""
            {"nodes":[{"id":-1,"name":"default","type":"root","children":[-2]},{"id":-2,"name":"h1","type":"host","children":[0]},
            {"id":0,"name":"osd.0","type":"osd","device_class":"ssd"}],"stray":[{"id":1,"type":"osd"}]}
            """), Json("""{"nodes":[{"id":0,"kb":4,"kb_used":1}]}"""),
            Json("""{"pools":[{"name":"kube","stats":{"stored":7,"max_avail":2.5e3}}]}"""));
        Assert.Equal([new OsdFacts(0, Guid.Parse("11111111-1111-1111-1111-111111111111"), true, true, "h1", "ssd", 4096, 1024),
            new OsdFacts(1, Guid.Parse("22222222-2222-2222-2222-222222222222"), false, true, null, "", 0, 0)], facts.Osds);
        Assert.Equal([new PoolFacts("kube", 2, 1, 32, 7, 2500, true, new PoolOrder(2, null))], facts.Pools);
        Assert.Equal((32, 30, 3L, 12L, 9L, 5L),
            (facts.AllPlacementGroups, facts.CleanPlacementGroups, facts.Degraded, facts.Copies, facts.Bytes, facts.BytesUsed));
        Assert.True(facts.IsCounted);
        Assert.Equal([("h1", 4096L)], facts.HostsUp);
        Assert.Equal("1 osds down (OSD_DOWN): operosctl storage osd list says which, and why; its machine may be off",
            HealthWords.Say(Assert.Single(facts.Complaints, HealthWords.Matters)));
    }

    [Theory]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("""{"osds":[1,{}],"pools":[null,{"application_metadata":3}],"nodes":[{"type":"host","children":["x",1e99]}],"health":7}""")]
    [InlineData("""{"health":{"checks":{"X":3}},"pgmap":{"pgs_by_state":[{"count":"a"}],"bytes_used":1e300}}""")]
    public void What_is_missing_or_of_another_form_is_not_known_and_ends_nothing(string json)
    {
        var any = Json(json);
        Assert.NotNull(FactsReader.Read(default, any, any, any, any, any));
        Assert.NotNull(FactsReader.Read(default, default, default, default, default, default));
    }

    private static JsonElement Json(string text)
    {
        using var document = JsonDocument.Parse(text);
        return document.RootElement.Clone();
    }
}
