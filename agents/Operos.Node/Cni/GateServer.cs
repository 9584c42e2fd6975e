using System.Net.Sockets;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using Operos.Linux;

namespace Operos.Node.Cni;

/// <summary>The agent's side of the CNI plugin: a socket that only root reaches, for its folder is root's alone.</summary>
public sealed class GateServer(NodePaths paths, AttachedPods pods, IPodGate gate, ILogger<GateServer> logger)
{
    private const int MaxLine = 64 * 1024, MaxConcurrent = 64;
    // Shorter than the 10 s that the plugin waits: it hears what keeps the pod back, and the pod is forgotten.
    private static readonly TimeSpan RequestTimeout = TimeSpan.FromSeconds(8);

    /// <summary>Serves until cancelled.</summary>
    /// <exception cref="NodeException">The socket cannot be made.</exception>
    /// <param name="listening">Called when a plugin can be answered.</param>
    public async Task RunAsync(Action listening, CancellationToken cancellationToken)
    {
        using var listener = Listen(paths.GateSocket);
        listening();
        using var slots = new SemaphoreSlim(MaxConcurrent, MaxConcurrent);
        var requests = new List<Task>();
        try
        {
            while (true)
            {
                await slots.WaitAsync(cancellationToken).ConfigureAwait(false);
                var client = await listener.AcceptAsync(cancellationToken).ConfigureAwait(false);
                requests.RemoveAll(request => request.IsCompleted);
                requests.Add(ServeAsync(client, slots, cancellationToken));
            }
        }
        finally
        {
            File.Delete(paths.GateSocket);
            await Task.WhenAll(requests).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private static Socket Listen(string path)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!, FileModes.PrivateFolder);
        // An agent that was killed leaves its socket's file, and bind(2) refuses a name that exists.
        File.Delete(path);
        var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            listener.Bind(new UnixDomainSocketEndPoint(path));
            listener.Listen(MaxConcurrent);
            return listener;
        }
        catch (SocketException e)
        {
            listener.Dispose();
            throw new NodeException($"the socket {path} cannot be made: {e.Message}", e);
        }
    }

    private async Task ServeAsync(Socket client, SemaphoreSlim slots, CancellationToken cancellationToken)
    {
        try
        {
            using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            deadline.CancelAfter(RequestTimeout);
            await using var stream = new NetworkStream(client, ownsSocket: true);
            var line = await GateLine.ReadAsync(stream, MaxLine, deadline.Token).ConfigureAwait(false);
            var reply = await AnswerAsync(line, deadline.Token).ConfigureAwait(false);
            // Not bound by the deadline that the answer may be about: a line fits into the socket's buffer.
            await stream.WriteAsync(GateLine.Write(JsonSerializer.SerializeToUtf8Bytes(reply, CniJson.Default.GateReply)),
                cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or OperationCanceledException)
        {
            logger.PluginWentAway(e.Message);
        }
        finally { slots.Release(); }
    }

    private async Task<GateReply> AnswerAsync(byte[] line, CancellationToken cancellationToken)
    {
        try
        {
            var request = JsonSerializer.Deserialize(line, CniJson.Default.GateRequest) ?? throw new FormatException("empty");
            switch (request.Command)
            {
                case "ADD": await AddAsync(request.Pod, cancellationToken).ConfigureAwait(false); break;
                case "DEL": await RemoveAsync(request.Pod.ContainerId, cancellationToken).ConfigureAwait(false); break;
                case "CHECK": Check(request.Pod); break;
                default: throw new FormatException($"there is no command '{request.Command}'");
            }
            return new GateReply();
        }
        catch (OperationCanceledException) { return new GateReply { Error = "the pod's policy is not in force yet" }; }
        catch (Exception e) when (e is NodeException or FormatException or JsonException or IOException)
        {
            logger.PodHeldBack(e.Message);
            return new GateReply { Error = e.Message };
        }
    }

    private async Task AddAsync(AttachedPod pod, CancellationToken cancellationToken)
    {
        foreach (var gone in pods.Add(pod)) await gate.ReleaseAsync(gone, cancellationToken).ConfigureAwait(false);
        try { await gate.AdmitAsync(pod, cancellationToken).ConfigureAwait(false); }
        catch
        {
            pods.Remove(pod.ContainerId);
            throw;
        }
        logger.PodAdmitted(pod.Namespace, pod.Name, string.Join(' ', pod.Addresses));
    }

    private async Task RemoveAsync(string containerId, CancellationToken cancellationToken)
    {
        // Not known: a second DEL, which the runtime may send, or one before ADD came here.
        if (pods.Find(containerId) is { } pod) await gate.ReleaseAsync(pod, cancellationToken).ConfigureAwait(false);
        pods.Remove(containerId);
    }

    private void Check(AttachedPod pod)
    {
        if (pods.Find(pod.ContainerId) is not { } known) throw new NodeException($"sandbox {pod.ContainerId} is not known to the agent");
        if (!known.Addresses.SequenceEqual(pod.Addresses))
            throw new NodeException(
            $"sandbox {pod.ContainerId} has {string.Join(' ', pod.Addresses)}, the agent knows {string.Join(' ', known.Addresses)}");
    }
}
