using System.Net;
using System.Text.Json;
using CsCheck;
using Operos.Kubernetes;
using Operos.Node.Configuration;
using Operos.Node.Network;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace Operos.Node.Tests;

/// <summary>What is written for Kubernetes' programs, with values that YAML has another meaning for.</summary>
public sealed class YamlTextTests
{
    /// <summary>
    /// What readers of YAML 1.1 or 1.2 take for a flag, nothing, a number, a time or a merge; what is syntax; what cannot be printed.
    /// </summary>
    private static readonly string[] Odd =
    [
        "n", "N", "y", "on", "Off", "yes", "No", "TRUE", "~", "null", "NULL", "", "1e3", "1E+3", "0x10", "0o17", "017", "0b11", "1_000",
        "12:30:45", "190:20:30.15", "2026-11-28", "2026-11-28T10:00:00Z", ".inf", "-.INF", ".NaN", "+1", "-0", "1.", ".5", "=", "<<",
        "!!int x", "&a", "*a", "- x", "? x", "a: b", "a #b", "'", "\"", "\\", "%x", "@x", "`x", "|", ">-", "[", "{a}", "---", "...",
        "a\nb", "\t", "\u0000", "\u0007", "\u007f", "\u0085x", "\u00a0", "\u2028", "\ufeff", "\uffff", "\u00e4", "\U0001f600", " x ",
    ];

    private static readonly Gen<string> Any = Gen.OneOf(
        Gen.Int[0, Odd.Length - 1].Select(number => Odd[number]), Gen.String, Gen.Char.Array[0, 20].Select(text => new string(text)));

    public static TheoryData<string> OddTexts => new(Odd);

    /// <summary>For every reader the same: no value stands there plain.</summary>
    [Theory]
    [MemberData(nameof(OddTexts))]
    public void A_node_s_files_hold_a_text_as_a_text_whatever_it_is(string odd)
    {
        var (usual, strange) = (Files("usual"), Files(odd));
        foreach (var (file, (text, count)) in strange)
        {
            var scalars = Scalars(text);
            Assert.Equal(Plain(Scalars(usual[file].Text)), Plain(scalars));
            Assert.Equal(count, scalars.Count(scalar => scalar.Style == ScalarStyle.DoubleQuoted && scalar.Value == odd));
        }
    }

    [Fact]
    public void Whatever_is_quoted_is_read_as_it_was()
    {
        Any.Sample(text =>
        {
            var quoted = YamlText.Quote(text);
            // What is no UTF-16 cannot be written: a half of a pair becomes U+FFFD.
            var readable = string.Concat(text.EnumerateRunes());
            Assert.Equal(readable, Assert.Single(Scalars($"- {quoted}\n")).Value);
            Assert.Equal(readable, Assert.Single(Scalars($"{{ {quoted}: [] }}\n")).Value);
            Assert.Equal(readable, JsonSerializer.Deserialize<string>(quoted));
        }, iter: 5000);
    }

    [Fact]
    public void A_text_within_a_scalar_is_an_error_and_a_number_is_none()
    {
        var (text, number) = ("on", 5);
        Assert.Throws<InvalidOperationException>(() => YamlText.Write($"a: x{text}\n"));
        Assert.Throws<InvalidOperationException>(() => YamlText.Write($"a: {text}x\n"));
        Assert.Throws<InvalidOperationException>(() => YamlText.Write($"a: \"{text}\"\n"));
        Assert.Throws<InvalidOperationException>(() => YamlText.Write($"a: {text}{text}\n"));
        Assert.Equal("{ \"on\": [\"on\", \"on\"], b: 5Mi }", YamlText.Write($$"""{ {{text}}: [{{text}}, {{text}}], b: {{number}}Mi }"""));
    }

    /// <summary>Each file with how often the value stands in it.</summary>
    private static Dictionary<string, (string Text, int Count)> Files(string value)
    {
        var cluster = Settings.Node().Cluster with { ClusterDomain = value, DnsAddress = value, PodNetwork = value };
        var settings = Settings.Node() with { Name = value, Cluster = cluster, Taints = [new NodeTaint(value, value, value)] };
        var facts = Settings.Facts("1.34.1") with { ResolvConf = value };
        return new()
        {
            ["kubelet"] = (KubeletConfiguration.Write(settings, facts, new NodePaths()), 6),
            ["kube-proxy"] = (KubeProxyConfiguration.Write(settings, facts, new NodePaths()), 2),
            ["kubeconfig"] = (Kubeconfig.Write(value, value, value), 4),
            ["CNI"] = (CniConfiguration.Write(IPNetwork.Parse("10.10.1.0/24"), 1500, value, value), 2),
        };
    }

    private static List<YamlScalarNode> Scalars(string yaml)
    {
        var stream = new YamlStream();
        stream.Load(new StringReader(yaml));
        return [.. stream.Documents.Single().AllNodes.OfType<YamlScalarNode>()];
    }

    private static IEnumerable<string> Plain(IEnumerable<YamlScalarNode> scalars) =>
        scalars.Where(scalar => scalar.Style == ScalarStyle.Plain).Select(scalar => scalar.Value!);
}
