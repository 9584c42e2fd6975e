using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Operos.Linux;
using Operos.Proto;

namespace Operos.Ctl.Commands;

/// <summary>
/// What kubectl asks operosctl for where a kubeconfig holds no certificate (client.authentication.k8s.io/v1beta1, which each Kubernetes
/// from 1.20 on knows). It is kept beside the operator's own credentials until a third of its life is left.
/// </summary>
/// <param name="folder">The operator's credentials.</param>
internal sealed class ExecCredential(string folder, IssueApiCredentials request, string path)
{
    private const string Version = "client.authentication.k8s.io/v1beta1", Expiry = "expirationTimestamp";

    public static ExecCredential Of(string folder, IssueApiCredentials request)
    {
        var asked = string.Join('\n', request.Groups.Prepend(request.User).Append($"{request.LifeSeconds}"));
        var name = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(asked)).AsSpan(0, 8));
        return new ExecCredential(folder, request, Path.Combine(folder, $"kubernetes-{name}.json"));
    }

    /// <summary>How a kubeconfig tells kubectl to ask for it.</summary>
    public JsonObject Command()
    {
        string[] words =
        [
            "kubeconfig", "--credential", "--user", request.User, .. request.Groups.SelectMany(group => (string[])["--group", group]),
            "--life", $"{request.LifeSeconds}s", "--config", Path.GetFullPath(folder),
        ];
        return new JsonObject
        {
            ["exec"] = new JsonObject
            {
                ["apiVersion"] = Version,
                ["command"] = Environment.ProcessPath,
                ["args"] = new JsonArray([.. words.Select(word => JsonValue.Create(word))]),
                ["interactiveMode"] = "Never",
            },
        };
    }

    /// <summary>What is kept and has a third of its life left; null where there is nothing of the kind.</summary>
    public string? ReadFresh(DateTimeOffset now)
    {
        try
        {
            var text = File.ReadAllText(path);
            var end = JsonNode.Parse(text)?["status"]?[Expiry]?.GetValue<DateTimeOffset>();
            return end - now > TimeSpan.FromSeconds(request.LifeSeconds / 3.0) ? text : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException or FormatException
            or InvalidOperationException)
        {
            return null;
        }
    }

    /// <summary>Keeps it where that can be done, for the next call.</summary>
    public string Keep(ApiCredentials issued, ECDsa key)
    {
        var ends = DateTimeOffset.FromUnixTimeMilliseconds(issued.ExpiresUnixMs).UtcDateTime;
        var text = new JsonObject
        {
            ["apiVersion"] = Version,
            ["kind"] = "ExecCredential",
            ["status"] = new JsonObject
            {
                [Expiry] = ends.ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture),
                ["clientCertificateData"] = PemEncoding.WriteString("CERTIFICATE", issued.Certificate) + "\n",
                ["clientKeyData"] = key.ExportPkcs8PrivateKeyPem() + "\n",
            },
        }.ToJsonString();
        try { AtomicFile.Write(path, Encoding.UTF8.GetBytes(text)); }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or LinuxException) { /* the next call asks again */ }
        return text;
    }
}
