using System.CommandLine;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;
using Operos.Linux;
using Operos.Proto;

namespace Operos.Ctl.Commands;

/// <summary><c>operosctl kubeconfig</c>: makes a key here, has it certified, and writes what kubectl reads. The key goes nowhere else.</summary>
internal static class KubeconfigCommand
{
    private const string Administrators = "system:masters";

    public static Command Create()
    {
        var user = new Option<string?>("--user") { Description = "The user's name (default: admin, in the group system:masters)" };
        var groups = new Option<string[]>("--group") { Description = "A group of the user; may be given again", AllowMultipleArgumentsPerToken = false };
        var life = LifeOption.Create("How long it is valid, such as 30m, 8h, 7d; at most 30d", TimeSpan.FromHours(8));
        var file = new Option<string?>("--out") { Description = "The file to write, 0600 (default: standard output)" };
        var command = new Command("kubeconfig", "Issue a kubeconfig with a certificate of bounded life") { user, groups, life, file };
        command.SetAction(async (result, cancellationToken) =>
        {
            using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
            var name = result.GetValue(user);
            var request = new IssueApiCredentials
            {
                Csr = new CertificateRequest("CN=operosctl", key, HashAlgorithmName.SHA256).CreateSigningRequest(),
                User = name ?? "admin",
                Groups = result.GetValue(groups) is { Length: > 0 } given ? given : name is null ? [Administrators] : [],
                LifeSeconds = (long)result.GetValue(life).TotalSeconds,
            };
            var issued = await Credentials.AskAsync<ApiCredentials>(result, request, cancellationToken);
            var text = Write(issued, request.User, key);
            if (result.GetValue(file) is not { } path)
            {
                Console.Write(text);
                return;
            }
            AtomicFile.Write(path, Encoding.UTF8.GetBytes(text));
            Console.WriteLine($"{path}: {request.User}{(request.Groups.Count > 0 ? $" ({string.Join(", ", request.Groups)})" : "")} until {DateTimeOffset.FromUnixTimeMilliseconds(issued.ExpiresUnixMs).UtcDateTime:yyyy-MM-dd HH:mm} UTC; use it with kubectl --kubeconfig {path}");
        });
        return command;
    }

    /// <summary>JSON, which is YAML too: no name needs quoting rules.</summary>
    internal static string Write(ApiCredentials issued, string user, ECDsa key)
    {
        var certificate = PemEncoding.WriteString("CERTIFICATE", issued.Certificate);
        return new JsonObject
        {
            ["apiVersion"] = "v1",
            ["kind"] = "Config",
            ["current-context"] = "operos",
            ["clusters"] = new JsonArray(new JsonObject { ["name"] = "operos", ["cluster"] = new JsonObject { ["server"] = issued.ApiServer, ["certificate-authority-data"] = Base64(issued.Authority) } }),
            ["users"] = new JsonArray(new JsonObject { ["name"] = user, ["user"] = new JsonObject { ["client-certificate-data"] = Base64(certificate + "\n"), ["client-key-data"] = Base64(key.ExportPkcs8PrivateKeyPem() + "\n") } }),
            ["contexts"] = new JsonArray(new JsonObject { ["name"] = "operos", ["context"] = new JsonObject { ["cluster"] = "operos", ["user"] = user } }),
        }.ToJsonString(new System.Text.Json.JsonSerializerOptions { WriteIndented = true }) + "\n";
    }

    private static string Base64(string text) => Convert.ToBase64String(Encoding.UTF8.GetBytes(text));
}
