using System.IO.Compression;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Operos.Csi.Protocol;
using Operos.Lab;

namespace Operos.Csi.Tests;

/// <summary>Our part of the kubelet's protocols, beside what the kubelet of the image was compiled with.</summary>
public sealed class ProtocolTests
{
    /// <summary>Go keeps the description of each protocol as gzip in the program: this is how such a one begins.</summary>
    private static readonly byte[] Begin = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0];
    private const int LongestDescription = 1 << 20;

    public static TheoryData<string> Protocols => new(Csi, Registration);
    private const string Csi = "csi.v1", Registration = "pluginregistration";

    [Theory, MemberData(nameof(Protocols))]
    public void All_that_we_say_has_the_kubelet_s_names_numbers_and_types(string package)
    {
        var own = (package == Csi ? CsiReflection.Descriptor : RegistrationReflection.Descriptor).ToProto();
        var build = new Build();
        Assert.SkipUnless(build.HasKubernetes, "the layers are without Kubernetes");
        var kubelet = Descriptions(build).Single(file => file.Package == package && file.Service.Count > 0);
        Assert.Equal(package, own.Package);
        foreach (var message in own.MessageType) Compare(message, kubelet.MessageType);
        foreach (var service in own.Service)
        {
            var other = kubelet.Service.Single(other => other.Name == service.Name);
            Assert.Equal(other.Method.Select(Text).Order(), service.Method.Select(Text).Order());
        }
    }

    private static void Compare(DescriptorProto own, IEnumerable<DescriptorProto> others)
    {
        var other = Assert.Single(others, other => other.Name == own.Name);
        foreach (var field in own.Field) Assert.Contains(Text(field), other.Field.Select(Text));
        foreach (var kind in own.EnumType)
            Assert.Equal(other.EnumType.Single(known => known.Name == kind.Name).Value.Select(value => (value.Name, value.Number)),
                kind.Value.Select(value => (value.Name, value.Number)));
        foreach (var inner in own.NestedType) Compare(inner, other.NestedType);
    }

    private static string Text(FieldDescriptorProto field) => $"{field.Label} {field.Type} {field.TypeName} {field.Name} = {field.Number}";

    private static string Text(MethodDescriptorProto method) => $"{method.Name}({method.InputType}) {method.OutputType}";

    private static List<FileDescriptorProto> Descriptions(Build build)
    {
        var program = File.ReadAllBytes(Path.Combine(build.Out, "images/roots/node/usr/bin/kubelet"));
        var found = new List<FileDescriptorProto>();
        for (var at = 0; program.AsSpan(at).IndexOf(Begin) is >= 0 and var next; at += next + 1)
        {
            try
            {
                using var packed = new GZipStream(new MemoryStream(program, at + next, Math.Min(LongestDescription,
                    program.Length - at - next)), CompressionMode.Decompress);
                var bytes = new byte[LongestDescription];
                // What follows it in the program is no gzip: only so much is read.
                var count = packed.Read(bytes);
                for (int more; count < bytes.Length && (more = packed.Read(bytes, count, bytes.Length - count)) > 0;) count += more;
                found.Add(FileDescriptorProto.Parser.ParseFrom(bytes.AsSpan(0, count)));
            }
            catch (Exception e) when (e is InvalidDataException or InvalidProtocolBufferException) { }
        }
        Assert.True(found.Count > 10, $"only {found.Count} descriptions were found in the kubelet");
        return found;
    }
}
