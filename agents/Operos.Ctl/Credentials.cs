using System.CommandLine;
using System.Diagnostics;
using System.Net;
using Operos.Authority;
using Operos.Proto;
using Operos.Proto.Connection;

namespace Operos.Ctl;

/// <summary>Where the operator's credentials are, and a connection that is opened with them.</summary>
internal static class Credentials
{
    internal const string Variable = "OPEROS_CONFIG";

    public static readonly Option<string?> Folder = new("--config")
    {
        Description = $"Folder with ca.crt, client.pem, endpoint (default: ${Variable}, ~/.config/operos, /etc/operos/operosctl)",
        Recursive = true,
    };
    public static readonly Option<string?> Endpoint = new("--endpoint")
        { Description = "The controller's ADDRESS:PORT, instead of the file endpoint's", Recursive = true };
    public static readonly Option<TimeSpan> Patience = DurationOption.Create("--timeout", "How long to wait for the controller",
        TimeSpan.FromSeconds(15), TimeSpan.FromHours(1), everywhere: true);

    /// <summary>For every command that asks the controller.</summary>
    public static IReadOnlyList<Option> All => [Folder, Endpoint, Patience];

    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(0.5);

    /// <summary>systemd starts a controller's agent that died again after two seconds; a busy machine takes a few more.</summary>
    private static readonly TimeSpan LongestRestart = TimeSpan.FromSeconds(10);

    private static readonly string Agent = $"operosctl/{typeof(Credentials).Assembly.GetName().Version?.ToString(3)}";

    /// <summary>Sends one request on a connection of its own.</summary>
    /// <param name="patience">More time for an answer than the operator's time-out, where the work itself takes long.</param>
    public static Task<TReply> AskAsync<TReply>(ParseResult result, Message request, CancellationToken cancellationToken,
        TimeSpan patience = default)
        where TReply : Message =>
        UseAsync(result, async (connection, _) => await connection.CallAsync<TReply>(request, cancellationToken), cancellationToken,
            patience);

    /// <summary>Does something on a connection of its own, and renews the credentials where that is due.</summary>
    public static async Task<T> UseAsync<T>(
        ParseResult result, Func<ControlConnection, CredentialFolder, Task<T>> use, CancellationToken cancellationToken,
            TimeSpan patience = default)
    {
        var folder = Find(result);
        var options = Options(result, folder);
        using var certificate = options.Certificate!;
        var life = CertificateLife.Of(certificate);
        try
        {
            await using var connection = await ConnectAsync(options with { CallTimeout = options.CallTimeout + patience },
                cancellationToken);
            try { return await use(connection, folder); }
            finally { await Renewal.TryAsync(folder, life, connection, cancellationToken); }
        }
        catch (IOException e) when (life.IsOver(DateTimeOffset.UtcNow) && e is not ControllerUnreachableException { HungUp: false })
        {
            throw new CredentialsExpiredException(
                $"the credentials in {folder.Path} expired on {life.Ends.UtcDateTime:yyyy-MM-dd HH:mm} UTC; an admin makes new ones "
                + "(operosctl operators renew NAME --out DIR), or whoever is root on the controller's console (operos-controller "
                    + "recover-admin)", e);
        }
    }

    /// <summary>Where the credentials are that the command line or the surroundings name.</summary>
    /// <exception cref="IOException">Nowhere.</exception>
    public static string FolderOf(ParseResult result) => Find(result).Path;

    /// <summary>The controller's address, as the command line or the folder has it.</summary>
    public static string EndpointOf(ParseResult result, CredentialFolder folder) => result.GetValue(Endpoint) ?? folder.Endpoint;

    /// <summary>
    /// Nothing has been asked yet: where the controller hung up it is asked again while the operator's time lasts, and where its agent does
    /// not run, or ends the connection at its first word, as long as a restart of it takes.
    /// </summary>
    private static async Task<ControlConnection> ConnectAsync(ControlClientOptions options, CancellationToken cancellationToken)
    {
        var clock = Stopwatch.StartNew();
        for (var refusals = 0; ; await Task.Delay(Pause, cancellationToken))
        {
            try { return await ControlConnection.ConnectAsync(options, cancellationToken); }
            catch (ControllerUnreachableException e) when (e.HungUp && clock.Elapsed + Pause < options.ConnectTimeout) { }
            catch (ControllerUnreachableException e) when (e.HasNoListener && clock.Elapsed + Pause < Least(LongestRestart)) { }
            catch (CertificateRefusedException) when (refusals++ == 0) { }
        }

        TimeSpan Least(TimeSpan patience) => patience < options.ConnectTimeout ? patience : options.ConnectTimeout;
    }

    private static CredentialFolder Find(ParseResult result) => new(
        result.GetValue(Folder) ?? Environment.GetEnvironmentVariable(Variable) ?? Candidates().FirstOrDefault(Directory.Exists)
        ?? throw new IOException(
            $"no credentials: give --config DIR or set {Variable}; {CredentialFolder.Source}"));

    private static ControlClientOptions Options(ParseResult result, CredentialFolder folder)
    {
        var endpoint = EndpointOf(result, folder);
        if (!IPEndPoint.TryParse(endpoint, out var address) || address.Port == 0) throw new IOException($"'{endpoint}' is no ADDRESS:PORT");
        return new ControlClientOptions
        {
            Endpoint = address,
            CertificateAuthority = folder.LoadAuthority(),
            Certificate = folder.LoadClient(),
            Agent = Agent,
            ConnectTimeout = result.GetValue(Patience),
            CallTimeout = result.GetValue(Patience),
        };
    }

    private static IEnumerable<string> Candidates() =>
        [Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".config/operos"), "/etc/operos/operosctl"];
}

/// <summary>The operator's own certificate counts no longer: its time is over.</summary>
internal sealed class CredentialsExpiredException(string message, Exception inner) : IOException(message, inner);
