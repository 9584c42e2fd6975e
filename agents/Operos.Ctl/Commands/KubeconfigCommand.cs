using System.CommandLine;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;
using Operos.Linux;
using Operos.Proto;

namespace Operos.Ctl.Commands;

/// <summary>
/// <c>operosctl kubeconfig</c>: makes a key here, has it certified, and writes what kubectl reads. The key goes nowhere else.
/// </summary>
internal static class KubeconfigCommand
{
    private const string Administrators = "system:masters";

    /// <summary>So long what was issued outlives a revocation of whoever asked for it.</summary>
    private static readonly TimeSpan RenewingLife = TimeSpan.FromHours(1);

    public static Command Create()
    {
        var user = new Option<string?>("--user") { Description = "The user's name (default: admin, in the group system:masters)" };
        var groups = new Option<string[]>("--group") { Description = "A group of the user; may be given again",
            AllowMultipleArgumentsPerToken = false };
        var life = DurationOption.Create("--life", "How long it is valid, such as 30m or 8h; at most 24h", TimeSpan.FromHours(8));
        var file = new Option<string?>("--out") { Description = "The file to write, 0600 (default: standard output)" };
        var renewing = new Option<bool>("--renewing")
        {
            Description = "Write no certificate, but how kubectl gets one of an hour (or --life) from operosctl whenever it needs one",
        };
        var credential = new Option<bool>("--credential")
        {
            Description = "Print a credential for kubectl, as a renewing kubeconfig asks", Hidden = true,
        };
        var command = new Command("kubeconfig", "Issue a kubeconfig with a certificate of bounded life")
        {
            user, groups, life, file, renewing, credential,
        };
        command.SetAction(async (result, cancellationToken) =>
        {
            using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
            var name = result.GetValue(user);
            var (renews, prints) = (result.GetValue(renewing), result.GetValue(credential));
            var lives = renews && result.GetResult(life) is null or { Implicit: true } ? RenewingLife : result.GetValue(life);
            var request = new IssueApiCredentials
            {
                Csr = new CertificateRequest("CN=operosctl", key, HashAlgorithmName.SHA256).CreateSigningRequest(),
                User = name ?? "admin",
                Groups = result.GetValue(groups) is { Length: > 0 } given ? given : name is null ? [Administrators] : [],
                LifeSeconds = (long)lives.TotalSeconds,
            };
            var kept = ExecCredential.Of(Credentials.FolderOf(result), request);
            if (prints && kept.ReadFresh(DateTimeOffset.UtcNow) is { } fresh)
            {
                Console.WriteLine(fresh);
                return;
            }
            var issued = await Credentials.AskAsync<ApiCredentials>(result, request, cancellationToken);
            if (prints)
            {
                Console.WriteLine(kept.Keep(issued, key));
                return;
            }
            var text = Write(issued, request.User, renews ? kept.Command() : WithKey(issued, key));
            if (result.GetValue(file) is not { } path)
            {
                Console.Write(text);
                return;
            }
            AtomicFile.Write(path, Encoding.UTF8.GetBytes(text));
            var until = renews ? "as long as operosctl's credentials count"
                : $"until {DateTimeOffset.FromUnixTimeMilliseconds(issued.ExpiresUnixMs).UtcDateTime:yyyy-MM-dd HH:mm} UTC";
            var holder = $"{request.User}{(request.Groups.Count > 0 ? $" ({string.Join(", ", request.Groups)})" : "")}";
            Console.WriteLine($"{path}: {holder} {until}; use it with kubectl --kubeconfig {path}");
        });
        return command;
    }

    /// <summary>JSON, which is YAML too: no name needs quoting rules.</summary>
    internal static string Write(ApiCredentials issued, string user, JsonObject credentials) =>
        new JsonObject
        {
            ["apiVersion"] = "v1",
            ["kind"] = "Config",
            ["current-context"] = "operos",
            ["clusters"] = new JsonArray(new JsonObject { ["name"] = "operos",
                ["cluster"] = new JsonObject { ["server"] = issued.ApiServer,
                ["certificate-authority-data"] = Base64(issued.Authority) } }),
            ["users"] = new JsonArray(new JsonObject { ["name"] = user, ["user"] = credentials }),
            ["contexts"] = new JsonArray(new JsonObject { ["name"] = "operos",
                ["context"] = new JsonObject { ["cluster"] = "operos", ["user"] = user } }),
        }.ToJsonString(new System.Text.Json.JsonSerializerOptions { WriteIndented = true }) + "\n";

    internal static JsonObject WithKey(ApiCredentials issued, ECDsa key) => new()
    {
        ["client-certificate-data"] = Base64(PemEncoding.WriteString("CERTIFICATE", issued.Certificate) + "\n"),
        ["client-key-data"] = Base64(key.ExportPkcs8PrivateKeyPem() + "\n"),
    };

    private static string Base64(string text) => Convert.ToBase64String(Encoding.UTF8.GetBytes(text));
}
