using System.Net;
using Microsoft.Extensions.Logging.Abstractions;
using Operos.Names;

namespace Operos.Controller.Tests;

public sealed class KeptNamesTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("operos-kept-names-").FullName;

    private string Path => System.IO.Path.Combine(folder, "names.json");

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public async Task What_was_told_last_is_there_for_the_next_agent()
    {
        var before = Told();
        before.SetComplete();
        await KeepAsync(before);
        var after = Load();
        Assert.Equal(before.Snapshot.Services, after.Snapshot.Services);
        Assert.Equal(before.Snapshot.Endpoints, after.Snapshot.Endpoints);
        Assert.Equal(before.Snapshot.Pods, after.Snapshot.Pods);
        Assert.False(after.IsComplete);
    }

    [Fact]
    public async Task Half_of_the_names_are_not_kept()
    {
        await KeepAsync(Told());
        Assert.False(File.Exists(Path));
    }

    [Fact]
    public async Task A_kind_that_was_told_is_as_told_and_one_that_nobody_will_tell_is_forgotten()
    {
        var before = Told();
        before.SetComplete();
        await KeepAsync(before);
        var after = new ClusterNames();
        after.Services.Replace([]);
        new KeptNamesFile(folder, after, NullLogger.Instance).Load();
        Assert.Empty(after.Snapshot.Services);
        Assert.NotEmpty(after.Snapshot.Pods);
        after.SetComplete();
        Assert.Empty(after.Snapshot.Pods);
        Assert.Empty(after.Snapshot.Endpoints);
    }

    [Fact]
    public async Task Endpoints_of_before_do_not_stand_beside_what_slices_tell()
    {
        var before = Told();
        before.SetComplete();
        await KeepAsync(before);
        var after = Load();
        after.ReplaceEndpoints([Group("10.10.1.6")], bySlices: true);
        Assert.Equal("10.10.1.6", $"{Assert.Single(Assert.Single(after.Snapshot.Endpoints).Addresses).Address}");
    }

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("null")]
    [InlineData("""{"format":1,"services":null}""")]
    [InlineData("""{"format":1,"endpoints":[{"namespace":"shop","service":"db"}],"services":[{"namespace":"shop","name":"web"}]}""")]
    [InlineData("""{"format":1,"services":[{"namespace":null,"name":"web"}]}""")]
    [InlineData("""{"format":1,"services":[null,{"namespace":"shop","name":"a\nb"},{"namespace":"shop","name":"a.b"}]}""")]
    [InlineData("""{"format":1,"services":[{"namespace":"shop","name":"web","clusterAddresses":["1.2.3.4\nx"]}]}""")]
    [InlineData("""{"format":1,"services":[{"namespace":"shop","name":"web","clusterAddresses":["fe80::1%eth0"]}]}""")]
    [InlineData("""{"format":1,"services":[{"namespace":"shop","name":"web","ports":[{"name":"a b","protocol":"tcp","number":1}]}]}""")]
    [InlineData("""{"format":1,"services":[{"namespace":"shop","name":"web","externalName":"x. A 1.2.3.4"}]}""")]
    [InlineData("""{"format":2,"services":[{"namespace":"shop","name":"web"}]}""")]
    public void A_file_that_is_not_ours_to_read_is_as_none(string text)
    {
        File.WriteAllText(Path, text);
        Assert.Empty(Load().Snapshot.Services);
    }

    [Fact]
    public async Task A_newer_version_s_file_stays()
    {
        const string newer = """{"format":2,"zones":[]}""";
        File.WriteAllText(Path, newer);
        var names = Told();
        names.SetComplete();
        await KeepAsync(names);
        Assert.Equal(newer, File.ReadAllText(Path));
    }

    private ClusterNames Load()
    {
        var names = new ClusterNames();
        new KeptNamesFile(folder, names, NullLogger.Instance).Load();
        return names;
    }

    /// <summary>As an agent does that ends.</summary>
    private async Task KeepAsync(ClusterNames names)
    {
        using var stop = new CancellationTokenSource();
        var running = new KeptNamesFile(folder, names, NullLogger.Instance).RunAsync(stop.Token);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);
    }

    private static ClusterNames Told()
    {
        var names = new ClusterNames();
        names.Services.Replace([
            new ServiceNames { Namespace = "shop", Name = "web", ClusterAddresses = [IPAddress.Parse("10.11.0.20"),
                IPAddress.Parse("fd00:11::20")], Ports = [new NamedPort("http", "tcp", 80)] },
            new ServiceNames { Namespace = "shop", Name = "db", Headless = true, PublishNotReady = true },
            new ServiceNames { Namespace = "shop", Name = "ext", ExternalName = "www.example.com" }]);
        names.ReplaceEndpoints([Group("10.10.1.5")], bySlices: false);
        names.Pods.Replace([new PodAddresses("shop", IPAddress.Parse("10.10.6.7"), null)]);
        return names;
    }

    private static EndpointGroup Group(string address) => new("shop", "db",
        [new EndpointAddress(IPAddress.Parse(address), "one", Ready: true)], [new NamedPort("sql", "tcp", 5432)]);
}
