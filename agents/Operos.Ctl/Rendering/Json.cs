using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Operos.Proto;

namespace Operos.Ctl.Rendering;

/// <summary>Answers for scripts; the names are the messages' own, camelCase.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true,
    Converters = [typeof(RoleWords)])]
[JsonSerializable(typeof(MachineList))]
[JsonSerializable(typeof(MachineDetail))]
[JsonSerializable(typeof(DiskList))]
[JsonSerializable(typeof(DiskReply))]
[JsonSerializable(typeof(StorageReply))]
[JsonSerializable(typeof(OsdList))]
[JsonSerializable(typeof(VolumeList))]
[JsonSerializable(typeof(VolumeDetail))]
[JsonSerializable(typeof(LeaseList))]
[JsonSerializable(typeof(ReleaseList))]
[JsonSerializable(typeof(BootList))]
[JsonSerializable(typeof(StatusReply))]
[JsonSerializable(typeof(MachineExplanation))]
[JsonSerializable(typeof(OperatorList))]
[JsonSerializable(typeof(AuditList))]
[JsonSerializable(typeof(JobList))]
[JsonSerializable(typeof(JobReply))]
[JsonSerializable(typeof(EventList))]
[JsonSerializable(typeof(BackupReply))]
[JsonSerializable(typeof(BackupList))]
internal sealed partial class AnswerJson : JsonSerializerContext
{
    /// <summary>Nothing that is read here is nested deeper.</summary>
    private static readonly JsonDocumentOptions Shallow = new() { MaxDepth = 32 };

    public static string Render<T>(T answer) => answer is MachineDetail machine
        ? Render(machine) : JsonSerializer.Serialize(answer, (JsonTypeInfo<T>)Default.GetTypeInfo(typeof(T))!);

    /// <summary>What a machine sent as text of its own is there as an object, too.</summary>
    private static string Render(MachineDetail machine)
    {
        var node = JsonSerializer.SerializeToNode(machine, Default.MachineDetail)!.AsObject();
        node["hardware"] = Parse(machine.Inventory);
        node["boot"] = Parse(machine.BootRecord);
        return node.ToJsonString(new JsonSerializerOptions { WriteIndented = true });
    }

    private static JsonNode? Parse(byte[] text)
    {
        try { return text.Length == 0 ? null : JsonNode.Parse(text, documentOptions: Shallow); }
        catch (JsonException) { return null; }
    }

    /// <summary>Roles as they are typed.</summary>
    internal sealed class RoleWords() : JsonStringEnumConverter<OperatorRole>(JsonNamingPolicy.CamelCase);
}
