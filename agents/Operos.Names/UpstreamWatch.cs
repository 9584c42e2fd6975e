using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;

namespace Operos.Names;

/// <summary>
/// The servers that are asked for names outside the cluster: who they are now, and whether one of them asks us in turn. Each is asked for a
/// name that nobody but this name server knows: who has its answer got it from here, so that a question that neither knows would go round
/// until it is given up.
/// </summary>
/// <param name="find">The servers that there are, beside those that are this name server itself.</param>
internal sealed class UpstreamWatch(Func<UpstreamServers> find, string secretName, Func<SocketType, Socket> open, ILogger logger)
{
    public static readonly TimeSpan Pause = TimeSpan.FromSeconds(10);
    private const int Txt = 16, In = 1, Domain = 53;
    private volatile View view = new(new([], []), [], [], [], DateTimeOffset.UtcNow);

    /// <param name="Looping">Those that ask us in turn.</param>
    /// <param name="Silent">Those that did not answer.</param>
    /// <param name="Failing">Those that answered that they cannot tell, as one does whose own servers are away.</param>
    private sealed record View(UpstreamServers Found, IReadOnlyList<IPAddress> Looping, IReadOnlyList<IPAddress> Silent,
        IReadOnlyList<IPAddress> Failing, DateTimeOffset Since)
    {
        /// <summary>One that loops is better than none: what it knows itself it answers.</summary>
        public IReadOnlyList<IPAddress> Asked => Found.Servers.Except(Looping).ToList() is { Count: > 0 } sound ? sound : Found.Servers;
    }

    /// <summary>Those to ask.</summary>
    public IReadOnlyList<IPAddress> Asked => view.Asked;

    /// <summary>How names outside the cluster are answered, in words.</summary>
    public (bool Healthy, string Text, DateTimeOffset Since) Status
    {
        get
        {
            var (servers, looping, silent, failing, since) = view;
            const string next = "name others as dns.upstream in controller.toml";
            var ourselves = servers.Ourselves.Count == 0 ? ""
                : $"{Words(servers.Ourselves)} {(servers.Ourselves.Count == 1 ? "is" : "are")} this name server itself";
            if (servers.Servers.Count == 0)
                return ourselves.Length == 0 ? (true, "the cluster's names only", since)
                    : (false, $"other names are not answered: {ourselves}; {next}", since);
            var loops = looping.Count == 0 ? "" : $"{Words(looping)} {(looping.Count == 1 ? "asks" : "ask")} this name server in turn";
            if (looping.Count == servers.Servers.Count) return (false, $"other names are not answered: {loops} (a loop); {next}", since);
            var text = $"others from {Words(view.Asked)}";
            if (silent.Count > 0) text += silent.Count == view.Asked.Count
                ? ", of which none answers" : $", of which {Words(silent)} {(silent.Count == 1 ? "does" : "do")} not answer";
            if (failing.Count > 0)
                text += $"; {Words(failing)} {(failing.Count == 1 ? "answers" : "answer")} that names cannot be found now";
            foreach (var left in new[] { loops, ourselves }.Where(left => left.Length > 0)) text += $"; not asked: {left}";
            return (true, text, since);
        }
    }

    /// <summary>Looks who they are: before unbound's configuration is written.</summary>
    public void Find()
    {
        if (find() is var found && !found.IsSame(view.Found))
            view = new View(found, [.. view.Looping.Intersect(found.Servers)], [], [], DateTimeOffset.UtcNow);
    }

    /// <summary>Looks who they are and asks each; whether others are to be asked now.</summary>
    public async Task<bool> LookAsync(CancellationToken cancellationToken)
    {
        var before = Asked;
        Find();
        var found = view.Found;
        var servers = found.Servers;
        var answers = await Task.WhenAll(servers.Select(server => AskAsync(server, cancellationToken))).ConfigureAwait(false);
        // Others were found meanwhile: they are asked next time.
        if (!found.IsSame(view.Found)) return false;
        // A question that was lost says nothing of a loop.
        var looping = servers.Where((server, index) => answers[index] is { } answer
            ? DnsQuestion.HasText(answer, SecretName.Text) : view.Looping.Contains(server)).ToList();
        foreach (var server in looping.Except(view.Looping)) logger.ResolverLoops($"{server}");
        foreach (var server in view.Looping.Except(looping)) logger.ResolverLoopsNoMore($"{server}");
        view = new View(found, looping, [.. servers.Where((_, index) => answers[index] is null)],
            [.. servers.Where((_, index) => answers[index] is { } answer && DnsQuestion.IsFailure(answer))],
            looping.SequenceEqual(view.Looping) ? view.Since : DateTimeOffset.UtcNow);
        if (Asked.SequenceEqual(before)) return false;
        logger.UpstreamChanged(Words(Asked));
        return true;
    }

    /// <summary>What it says to the name that only we have an answer for; null where it does not answer.</summary>
    private async Task<byte[]?> AskAsync(IPAddress server, CancellationToken cancellationToken)
    {
        var question = new DnsQuestion(new IPEndPoint(server, Domain), open, recursive: true);
        return (await question.AskAsync(secretName, Txt, In, cancellationToken).ConfigureAwait(false))?.Message;
    }

    private static string Words(IReadOnlyList<IPAddress> servers) => string.Join(", ", servers);
}
