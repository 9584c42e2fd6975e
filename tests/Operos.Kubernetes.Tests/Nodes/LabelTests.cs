using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Operos.Kubernetes;
using Operos.Lab;

namespace Operos.Kubernetes.Tests.Nodes;

/// <summary>Labels as we check them, and as the API server does.</summary>
[Collection(Cluster.Alone)]
public sealed partial class LabelTests(Cluster cluster, ITestOutputHelper output) : ClusterTest(cluster, output)
{
    private static readonly string Long = new('a', 63), TooLong = new('a', 64);

    private static readonly string[] Keys =
    [
        "", "a", "1", Long, TooLong, "A_b.c-9", "-a", "a-", ".a", "a_", "a b", "ä", "a:b", "a\n",
        "a/b", "a/", "/b", "a/b/c", "a.b/c", "A/b", "a_b/c", "a..b/c", "a.-b/c", "-a/b", "a./b", $"a/{Long}", $"a/{TooLong}", "a/-",
        "kubernetes.io/x",
        $"{TooLong}/a", $"{Prefix(253)}/a", $"{Prefix(254)}/a",
    ];

    private static readonly string[] Values =
        ["", "a", "9", Long, TooLong, "A_b.c-9", "-a", "a-", ".a", "a.", "_", "a b", " ", "a/b", "ä", "a\n", "a:b", "true"];

    [Fact]
    public async Task We_take_for_a_label_just_what_the_API_server_takes()
    {
        (string Key, string Value)[] labels = [.. Keys.Select(key => (key, "x")), .. Values.Select(value => ("x", value))];
        var objects = labels.Select((label, number) => new JsonObject
        {
            ["apiVersion"] = "v1", ["kind"] = "ConfigMap",
            ["metadata"] = new JsonObject { ["name"] = $"case-{number}", ["labels"] = new JsonObject { [label.Key] = label.Value } },
        });
        var list = new JsonObject { ["apiVersion"] = "v1", ["kind"] = "List", ["items"] = new JsonArray([.. objects]) };
        await File.WriteAllTextAsync(Cluster.PathOf("labels.json"), list.ToJsonString());
        // One that is refused keeps kubectl from none of the others, and makes it fail at its end.
        var told = await Cluster.RefusedAsync($"create --dry-run=server --validate=false -f {Cluster.PathOf("labels.json")}");
        var taken = Created().Matches(told).Select(match => int.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture)).ToHashSet();
        Assert.NotEmpty(taken);
        foreach (var (number, (key, value)) in labels.Index())
            Assert.True((LabelSyntax.IsKey(key) && LabelSyntax.IsValue(value)) == taken.Contains(number),
                $"'{key}={value}': the API server {(taken.Contains(number) ? "takes" : "refuses")} it\n{told}");
    }

    [Fact]
    public async Task Labels_that_are_none_in_an_old_record_keep_none_of_the_others_from_the_Node()
    {
        var id = await Cluster.IdOfAsync(Cluster.Two);
        // What an agent of a version that did not check them has left.
        await Cluster.Controller.RunAsync("systemctl", ["stop", "operos-controller.service"], default);
        var path = Path.Combine(Cluster.MachineRecords, id + ".json");
        var record = JsonNode.Parse(await File.ReadAllTextAsync(path))!;
        record["labels"] = new JsonObject
        {
            ["rack"] = "r7", ["bad key"] = "x", ["_"] = "x", ["shelf"] = "no value", ["example.com/row"] = "a.1",
        };
        await File.WriteAllTextAsync(path, record.ToJsonString());
        await Cluster.Controller.RunAsync("systemctl", ["start", "operos-controller.service"], default);
        await Cluster.UntilAsync("the labels that are some are on the Node", async () =>
            await LabelsAsync() is var labels && $"{labels["operos.io/rack"]} {labels["example.com/row"]}" == "r7 a.1");
        Assert.Null((await LabelsAsync())["operos.io/shelf"]);
        await Cluster.CtlAsync("machines", "label", id, "rack-", "bad key-", "_-", "shelf-", "example.com/row-");
        await Cluster.UntilAsync("they are gone again", async () => (await LabelsAsync())["operos.io/rack"] is null);
        await Cluster.WholeAsync();

        async Task<JsonObject> LabelsAsync() =>
            JsonNode.Parse(await Cluster.KubectlAsync($"get node {id} -o json"))!["metadata"]!["labels"]!.AsObject();
    }

    /// <summary>A DNS name of so many characters.</summary>
    private static string Prefix(int length) => string.Concat(Enumerable.Repeat(new string('b', 49) + ".", 6))[..length];

    [GeneratedRegex(@"configmap/case-(\d+) created")]
    private static partial Regex Created();
}
