using System.Net;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Operos.Names;

/// <summary>The cluster's names as the API server told them last, as they are kept on disk. The machines' are in the registry.</summary>
internal sealed record KeptNames
{
    public const int CurrentFormat = 1;

    public int Format { get; init; } = CurrentFormat;
    // What a file does not hold is null: the reader sets every property that has no other way to be set.
    public IReadOnlyList<ServiceNames>? Services { get; init; }
    public IReadOnlyList<EndpointGroup>? Endpoints { get; init; }
    public IReadOnlyList<PodAddresses>? Pods { get; init; }

    public static KeptNames Of(NameSnapshot names) => new() { Services = names.Services, Endpoints = names.Endpoints, Pods = names.Pods };

    /// <summary>What passes as what the API would tell: who can write the file cannot write a zone.</summary>
    public NameSnapshot Read() => new(
        [.. (Services ?? []).Where(IsSound)], [.. (Endpoints ?? []).Where(IsSound)],
        [.. (Pods ?? []).Where(pod => pod is not null && DnsName.IsLabel(pod.Namespace))], []);

    private static bool IsSound(ServiceNames? service) =>
        service is { ClusterAddresses: not null, Ports: not null } && DnsName.IsLabel(service.Name) && DnsName.IsLabel(service.Namespace)
        && (service.ExternalName is null || DnsName.IsName(service.ExternalName))
        && service.ClusterAddresses.All(address => address is not null) && service.Ports.All(IsSound);

    private static bool IsSound(EndpointGroup? group) =>
        group is { Addresses: not null, Ports: not null } && DnsName.IsLabel(group.Namespace) && DnsName.IsLabel(group.Service)
        && group.Ports.All(IsSound) && group.Addresses.All(endpoint => endpoint?.Address is not null
            && (endpoint.Hostname is null || DnsName.IsLabel(endpoint.Hostname)));

    private static bool IsSound(NamedPort? port) =>
        port is not null && DnsName.IsLabel(port.Name) && port.Protocol is "tcp" or "udp" or "sctp";
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, RespectNullableAnnotations = true,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, Converters = new[] { typeof(AddressConverter) })]
[JsonSerializable(typeof(KeptNames))]
internal sealed partial class NamesJson : JsonSerializerContext;

/// <summary>An address as text.</summary>
internal sealed class AddressConverter : JsonConverter<IPAddress>
{
    public override IPAddress Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        reader.TokenType == JsonTokenType.String && reader.GetString() is { } text && !text.Contains('%', StringComparison.Ordinal)
            && IPAddress.TryParse(text, out var address) ? address : throw new JsonException("an address is expected");

    public override void Write(Utf8JsonWriter writer, IPAddress value, JsonSerializerOptions options) =>
        writer.WriteStringValue(value.ToString());
}
