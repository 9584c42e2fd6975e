using System.CommandLine;
using System.Diagnostics;
using System.Net;
using System.Security.Cryptography.X509Certificates;
using Operos.Proto;
using Operos.Proto.Connection;

namespace Operos.Ctl;

/// <summary>The operator's credentials: a folder with ca.crt, client.crt, client.key and endpoint.</summary>
internal static class Credentials
{
    private const string Variable = "OPEROS_CONFIG";

    public static readonly Option<string?> Folder = new("--config") { Description = $"Folder with ca.crt, client.crt, client.key, endpoint (default: ${Variable}, ~/.config/operos, /etc/operos/operosctl)", Recursive = true };
    public static readonly Option<string?> Endpoint = new("--endpoint") { Description = "The controller's ADDRESS:PORT, instead of the file endpoint's", Recursive = true };
    public static readonly Option<int> Seconds = new("--timeout") { Description = "Seconds to wait for the controller", DefaultValueFactory = _ => 15, Recursive = true };

    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);
    private static readonly string Agent = $"operosctl/{typeof(Credentials).Assembly.GetName().Version?.ToString(3)}";

    /// <summary>Sends one request on a connection of its own.</summary>
    /// <param name="patience">More time for an answer than the operator's time-out, where the work itself takes long.</param>
    public static async Task<TReply> AskAsync<TReply>(ParseResult result, Message request, CancellationToken cancellationToken, TimeSpan patience = default) where TReply : Message
    {
        var options = Load(result);
        await using var connection = await ConnectAsync(options with { CallTimeout = options.CallTimeout + patience }, cancellationToken);
        return await connection.CallAsync<TReply>(request, cancellationToken);
    }

    /// <summary>Nothing has been asked yet: where the controller hung up it is asked again while the operator's time lasts.</summary>
    private static async Task<ControlConnection> ConnectAsync(ControlClientOptions options, CancellationToken cancellationToken)
    {
        var clock = Stopwatch.StartNew();
        while (true)
        {
            try { return await ControlConnection.ConnectAsync(options, cancellationToken); }
            catch (ControllerUnreachableException e) when (e.HungUp && clock.Elapsed + Pause < options.ConnectTimeout) { await Task.Delay(Pause, cancellationToken); }
        }
    }

    private static ControlClientOptions Load(ParseResult result)
    {
        var folder = result.GetValue(Folder) ?? Environment.GetEnvironmentVariable(Variable) ?? Candidates().FirstOrDefault(Directory.Exists)
            ?? throw new IOException($"no credentials: give --config DIR or set {Variable}; the controller's setup writes them to its folder admin/");
        var endpoint = result.GetValue(Endpoint) ?? File.ReadAllText(Path.Combine(folder, "endpoint")).Trim();
        if (!IPEndPoint.TryParse(endpoint, out var address) || address.Port == 0) throw new IOException($"'{endpoint}' is no ADDRESS:PORT");
        return new ControlClientOptions
        {
            Endpoint = address,
            CertificateAuthority = X509CertificateLoader.LoadCertificateFromFile(Path.Combine(folder, "ca.crt")),
            Certificate = X509Certificate2.CreateFromPemFile(Path.Combine(folder, "client.crt"), Path.Combine(folder, "client.key")),
            Agent = Agent,
            ConnectTimeout = TimeSpan.FromSeconds(result.GetValue(Seconds)),
            CallTimeout = TimeSpan.FromSeconds(result.GetValue(Seconds)),
        };
    }

    private static IEnumerable<string> Candidates() =>
        [Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".config/operos"), "/etc/operos/operosctl"];
}
