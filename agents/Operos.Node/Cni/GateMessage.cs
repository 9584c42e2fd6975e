using System.Text.Json;
using System.Text.Json.Serialization;

namespace Operos.Node.Cni;

/// <summary>What the plugin asks the agent: one line of JSON on the socket.</summary>
internal sealed record GateRequest
{
    /// <summary><c>ADD</c>, <c>DEL</c> or <c>CHECK</c>.</summary>
    public required string Command { get; init; }
    public required AttachedPod Pod { get; init; }
}

/// <summary>The agent's answer, one line.</summary>
internal sealed record GateReply
{
    /// <summary>Why not; null for done.</summary>
    public string? Error { get; init; }
}

/// <summary>A plugin's failure (CNI specification, section 5, "Error").</summary>
internal sealed record CniError
{
    [JsonPropertyName("cniVersion")] public required string CniVersion { get; init; }
    [JsonPropertyName("code")] public required int Code { get; init; }
    [JsonPropertyName("msg")] public required string Message { get; init; }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(AttachedPod))]
[JsonSerializable(typeof(GateRequest))]
[JsonSerializable(typeof(GateReply))]
[JsonSerializable(typeof(CniError))]
internal sealed partial class CniJson : JsonSerializerContext;
