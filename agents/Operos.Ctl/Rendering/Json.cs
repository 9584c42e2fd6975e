using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Operos.Proto;

namespace Operos.Ctl.Rendering;

/// <summary>Answers for scripts; the names are the messages' own, camelCase.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true, UseStringEnumConverter = true)]
[JsonSerializable(typeof(MachineList))]
[JsonSerializable(typeof(MachineDetail))]
[JsonSerializable(typeof(LeaseList))]
[JsonSerializable(typeof(ReleaseList))]
[JsonSerializable(typeof(BootList))]
[JsonSerializable(typeof(StatusReply))]
[JsonSerializable(typeof(MachineExplanation))]
[JsonSerializable(typeof(OperatorList))]
[JsonSerializable(typeof(AuditList))]
[JsonSerializable(typeof(JobList))]
[JsonSerializable(typeof(JobReply))]
internal sealed partial class AnswerJson : JsonSerializerContext
{
    public static string Render<T>(T answer) => JsonSerializer.Serialize(answer, (JsonTypeInfo<T>)Default.GetTypeInfo(typeof(T))!);
}
