using System.Net.Sockets;
using System.Text.Json;

namespace Operos.Node.Cni;

/// <summary>
/// Our CNI plugin (CNI specification 1.0.0), the last of the chain: on ADD it tells the agent which pod got which address and waits until
/// the agent says that the pod's policy is in force. Without an agent no pod starts.
/// </summary>
public static class CniPlugin
{
    /// <summary>The plugin's type: a program that is called by this name is the plugin.</summary>
    public const string Name = "operos";

    private const string CurrentVersion = "1.0.0";
    private static readonly string[] Versions = ["0.3.0", "0.3.1", "0.4.0", "1.0.0"];
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(10);

    /// <summary>Codes of the specification, section 5.</summary>
    private const int IncompatibleVersion = 1, InvalidEnvironment = 4, Malformed = 6, InvalidConfiguration = 7, TryAgainLater = 11;

    /// <summary>Whether the program was started as the plugin, by the path it was called with.</summary>
    public static bool IsCalledAs(string path) => Path.GetFileName(path) == Name;

    /// <param name="environment">Reads a variable; null where it is not set.</param>
    /// <returns>The exit code.</returns>
    public static async Task<int> RunAsync(Func<string, string?> environment, Stream input, Stream output,
        CancellationToken cancellationToken)
    {
        var version = CurrentVersion;
        try
        {
            using var configuration = await JsonDocument.ParseAsync(input, cancellationToken: cancellationToken).ConfigureAwait(false);
            if (configuration.RootElement.ValueKind != JsonValueKind.Object) throw new JsonException("the configuration is no object");
            version = Text(configuration.RootElement, "cniVersion")
                ?? throw new CniException(InvalidConfiguration, "the configuration names no cniVersion");
            var command = environment("CNI_COMMAND");
            if (command == "VERSION") await WriteVersionsAsync(output, version, cancellationToken).ConfigureAwait(false);
            else if (!Versions.Contains(version))
                throw new CniException(IncompatibleVersion, $"version {version} is not supported; {string.Join(", ", Versions)} are");
            else if (command is "ADD" or "DEL" or "CHECK")
                await ActAsync(command, configuration.RootElement, environment, output, cancellationToken).ConfigureAwait(false);
            else throw new CniException(InvalidEnvironment, $"CNI_COMMAND is '{command}'; ADD, DEL, CHECK or VERSION is expected");
            return 0;
        }
        catch (CniException e) { return await FailAsync(output, version, e.Code, e.Message).ConfigureAwait(false); }
        catch (Exception e) when (e is JsonException or FormatException) { return await FailAsync(
            output, version, Malformed, e.Message).ConfigureAwait(false); }
    }

    private static async Task ActAsync(string command, JsonElement configuration, Func<string, string?> environment, Stream output,
        CancellationToken cancellationToken)
    {
        var socket = Text(configuration, "socket") ?? throw new CniException(InvalidConfiguration, "the configuration names no socket");
        var result = configuration.TryGetProperty("prevResult", out var previous) && previous.ValueKind == JsonValueKind.Object
            ? previous : (JsonElement?)null;
        if (command != "DEL" && result is null)
            throw new CniException(InvalidConfiguration, "there is no prevResult: operos is no plugin to stand alone");
        var pod = ReadPod(environment, result);
        _ = AttachedPods.FilePath("", pod.ContainerId);
        var request = new GateRequest { Command = command, Pod = pod };
        try
        {
            if (await AskAsync(socket, request, cancellationToken).ConfigureAwait(false) is { } refusal)
                throw new CniException(TryAgainLater, refusal);
        }
        catch (Exception e) when (e is SocketException or IOException or OperationCanceledException)
        {
            if (command != "DEL")
                throw new CniException(TryAgainLater, e is OperationCanceledException
                ? $"the node's agent did not answer within {Deadline.TotalSeconds:0} s"
                : $"the node's agent is not there ({socket}: {e.Message})");
            // A pod can end without the agent, which reads these files when it starts.
            AttachedPods.Delete(Path.GetDirectoryName(socket)!, pod.ContainerId);
        }
        if (command == "ADD") await WriteAsync(output, writer => result!.Value.WriteTo(writer), cancellationToken).ConfigureAwait(false);
    }

    private static async Task<string?> AskAsync(string path, GateRequest request, CancellationToken cancellationToken)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(Deadline);
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), deadline.Token).ConfigureAwait(false);
        await using var stream = new NetworkStream(socket);
        await stream.WriteAsync(GateLine.Write(JsonSerializer.SerializeToUtf8Bytes(request, CniJson.Default.GateRequest)),
            deadline.Token).ConfigureAwait(false);
        var line = await GateLine.ReadAsync(stream, 64 * 1024, deadline.Token).ConfigureAwait(false);
        return JsonSerializer.Deserialize(line, CniJson.Default.GateReply)?.Error;
    }

    private static AttachedPod ReadPod(Func<string, string?> environment, JsonElement? result)
    {
        var arguments = (environment("CNI_ARGS") ?? "").Split(';').Select(pair => pair.Split('=', 2)).Where(pair => pair.Length == 2)
            .GroupBy(pair => pair[0], pair => pair[1]).ToDictionary(group => group.Key, group => group.Last());
        return new AttachedPod
        {
            ContainerId = environment("CNI_CONTAINERID") is { Length: > 0 } id
                ? id : throw new CniException(InvalidEnvironment, "CNI_CONTAINERID is not set"),
            Namespace = arguments.GetValueOrDefault("K8S_POD_NAMESPACE", ""),
            Name = arguments.GetValueOrDefault("K8S_POD_NAME", ""),
            Uid = arguments.GetValueOrDefault("K8S_POD_UID", ""),
            Addresses = [.. Items(result, "ips").Select(ip => Text(ip, "address")).OfType<string>()
                .Select(address => address.Split('/')[0])],
            HostInterface = Items(result, "interfaces").Where(nic => string.IsNullOrEmpty(Text(nic, "sandbox")))
                .Select(nic => Text(nic, "name")).FirstOrDefault(name => name is not null) ?? "",
        };
    }

    private static IEnumerable<JsonElement> Items(JsonElement? result, string name) =>
        result is { } value && value.TryGetProperty(name, out var items) && items.ValueKind == JsonValueKind.Array ? items.EnumerateArray()
            .Where(item => item.ValueKind == JsonValueKind.Object) : [];

    private static string? Text(JsonElement value, string name) =>
        value.TryGetProperty(name, out var text) && text.ValueKind == JsonValueKind.String ? text.GetString() : null;

    private static Task WriteVersionsAsync(Stream output, string version, CancellationToken cancellationToken) =>
        WriteAsync(output, writer =>
    {
        writer.WriteStartObject();
        writer.WriteString("cniVersion", version);
        writer.WriteStartArray("supportedVersions");
        foreach (var supported in Versions) writer.WriteStringValue(supported);
        writer.WriteEndArray();
        writer.WriteEndObject();
    }, cancellationToken);

    private static async Task<int> FailAsync(Stream output, string version, int code, string message)
    {
        await WriteAsync(output, writer => JsonSerializer.Serialize(
            writer, new CniError { CniVersion = version, Code = code, Message = message }, CniJson.Default.CniError),
            CancellationToken.None).ConfigureAwait(false);
        return 1;
    }

    private static async Task WriteAsync(Stream output, Action<Utf8JsonWriter> write, CancellationToken cancellationToken)
    {
        await using var writer = new Utf8JsonWriter(output);
        write(writer);
        await writer.FlushAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>A failure with its code of the specification.</summary>
    private sealed class CniException(int code, string message) : Exception(message)
    {
        public int Code { get; } = code;
    }
}
