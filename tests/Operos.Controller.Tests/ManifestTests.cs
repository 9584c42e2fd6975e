using System.Text.Json.Nodes;
using CsCheck;
using Operos.ControlPlane;
using Operos.ControlPlane.Objects;
using Operos.Controller.Cluster;
using Operos.Kubernetes;

namespace Operos.Controller.Tests;

/// <summary>Manifests as an operator writes them, and what becomes of objects that are in none any more.</summary>
public sealed class ManifestTests
{
    [Fact]
    public void A_manifest_s_scalars_are_what_Kubernetes_takes_them_for()
    {
        var value = Manifest.Parse("""
            # a comment
            apiVersion: v1
            kind: ConfigMap
            metadata: {name: x}
            data:
              {a: 1, b: "1", c: true, d: 'true', e: null, f: ~, g: 1.5, h: 0x10, i: 0777, j: yes, k: 1.2.3, l: -4,
              m: "", n: !!str 5, o: 1e3, p: 10.77.0.1, q: 2026-01-01, r: .5, s: Infinity, t: NaN, u: 1_000, w: 99999999999999999999}
            """).Single()["data"]!.AsObject();
        var expected = """{"a":1,"b":"1","c":true,"d":"true","e":null,"f":null,"g":1.5,"h":16,"i":511,"j":"yes","k":"1.2.3","l":-4"""
            + ""","m":"","n":"5","o":1000,"p":"10.77.0.1","q":"2026-01-01","r":0.5,"s":"Infinity","t":"NaN","u":"1_000","w":1E+20}""";
        Assert.Equal(expected, value.ToJsonString().Replace("\\u002B", "+", StringComparison.Ordinal));
    }

    [Fact]
    public void Lists_and_documents_are_taken_apart_and_empty_ones_passed_over() =>
        Assert.Equal(["ConfigMap a", "Pod x/b", "Node c"], Manifest.Parse("""
            ---
            ---
            apiVersion: v1
            kind: List
            items:
            - { apiVersion: v1, kind: ConfigMap, metadata: { name: a } }
            - { apiVersion: v1, kind: Pod, metadata: { name: b, namespace: x } }
            ---
            { "apiVersion": "v1", "kind": "Node", "metadata": { "name": "c" } }
            """).Select(value => ObjectName.Of(value).ToString()));

    [Theory]
    [InlineData("a: [")]
    [InlineData("just text")]
    [InlineData("- a\n- b")]
    [InlineData("apiVersion: v1\nkind: Pod")]
    [InlineData("apiVersion: v1\nmetadata: {name: x}")]
    [InlineData("apiVersion: 1\nkind: Pod\nmetadata: {name: x}")]
    [InlineData("kind: Pod\nmetadata: []")]
    [InlineData("{a: &x [1,2,3,4,5,6,7,8,9], b: &y [*x,*x,*x,*x,*x,*x,*x,*x,*x], c: &z [*y,*y,*y,*y,*y,*y,*y,*y,*y], d: &u "
        + "[*z,*z,*z,*z,*z,*z,*z,*z,*z], e: &v [*u,*u,*u,*u,*u,*u,*u,*u,*u], f: [*v,*v,*v,*v,*v,*v,*v,*v,*v]}")]
    public void What_is_no_manifest_is_refused_in_words(string text) =>
        Assert.NotEmpty(Assert.Throws<FormatException>(() => Manifest.Parse(text)).Message);

    [Fact]
    public void Any_text_is_a_manifest_or_a_format_error() =>
        Gen.String[Gen.Char["ab:-[]{}\"'&*!|>#%@ \n\t0~."], 0, 60].Sample(text =>
        {
            try { Manifest.Parse(text); }
            catch (FormatException) { }
        }, iter: 3000);

    [Fact]
    public void What_is_wanted_no_more_is_pruned_last_things_first()
    {
        Applied Item(string kind, string name, string space = "", string version = "v1") =>
            new("f.yaml", new ObjectName(version, kind, space, name));
        Applied[] before = [Item("Namespace", "n"), Item("Pod", "p", "n"), Item("Pod", "kept", "default"),
            Item("Deployment", "moved", "n", "apps/v1beta1"), Item("ConfigMap", "c", "n")];
        Applied[] wanted = [Item("Pod", "kept"), Item("Deployment", "moved", "n", "apps/v1"), Item("ConfigMap", "c", "other")];
        Assert.Equal(["Pod n/p", "ConfigMap n/c", "Namespace n"], AddOns.Prune(before, wanted).Select(entry => entry.Name.ToString()));
    }
}
