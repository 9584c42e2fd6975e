using System.Collections.Concurrent;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Operos.Proto;
using Operos.Proto.Connection;

namespace Operos.Node.Tests.Cluster;

/// <summary>The controller's side of the control protocol for workers: admits everybody until told otherwise, and signs what nodes ask for.</summary>
internal sealed class AdmittingController(TestAuthority cluster, TestAuthority kubernetes) : IAsyncDisposable
{
    private readonly CancellationTokenSource stop = new();
    private readonly ConcurrentDictionary<string, IReadOnlyList<NodeStep>> steps = new();
    private Task running = Task.CompletedTask;

    public bool Admits { get; set; } = true;

    /// <summary>The life of nodes' certificates.</summary>
    public TimeSpan Life { get; set; } = TimeSpan.FromHours(1);

    public static string NodeName(string address) => $"10000000-0000-4000-8000-{int.Parse(address.Split('.')[3], System.Globalization.CultureInfo.InvariantCulture):d12}";

    public IReadOnlyList<NodeStep> Steps(string address) => steps.GetValueOrDefault(NodeName(address), []);

    public string Describe(string address) => string.Join('\n', Steps(address).Select(step => $"{step.Name} {step.Done} {step.Text}"));

    public void Start(Socket listener)
    {
        var pem = cluster.Issue($"CN={ControlTls.ServerName}", "10.77.0.1", ControlTls.ServerName);
        var server = X509Certificate2.CreateFromPem(pem, pem);
        running = Task.Run(async () =>
        {
            using var owned = listener;
            while (true) _ = ServeAsync(await listener.AcceptAsync(stop.Token), server);
        });
    }

    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync();
        await running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        stop.Dispose();
    }

    private async Task ServeAsync(Socket client, X509Certificate2 server)
    {
        var address = ((IPEndPoint)client.RemoteEndPoint!).Address.ToString();
        try
        {
            await using var stream = new SslStream(new NetworkStream(client, ownsSocket: true));
            await stream.AuthenticateAsServerAsync(new SslServerAuthenticationOptions { ServerCertificate = server, EnabledSslProtocols = SslProtocols.Tls13, ClientCertificateRequired = true, RemoteCertificateValidationCallback = (_, _, _, _) => true }, stop.Token);
            await using var connection = ControlConnection.Over(stream, TimeSpan.FromSeconds(15), ControlConnection.MaxFrame, (message, _) => ValueTask.FromResult(Answer(message, address)));
            await connection.Completion;
        }
        catch (Exception e) when (e is IOException or AuthenticationException or OperationCanceledException) { }
    }

    private Message Answer(Message message, string address)
    {
        var name = NodeName(address);
        if (message is Hello) return new HelloReply { ProtocolVersion = ControlConnection.ProtocolVersion, Agent = "test/1", UnixTimeMs = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds() };
        if (!Admits) return message is Enrol ? new EnrolReply { Admission = Admission.Rejected, MachineId = name, Text = "removed", RetryAfterSeconds = 2 } : new Fault { Code = FaultCode.Unauthorized, Text = "removed" };
        switch (message)
        {
            case Enrol enrol: return new EnrolReply { Admission = Admission.Admitted, MachineId = name, Text = "admitted", Certificate = cluster.SignAs($"OU=worker, CN={name}", enrol.Csr, TimeSpan.FromDays(1)), Configuration = Configuration(name) };
            case Heartbeat beat:
                steps[name] = beat.Steps;
                return new HeartbeatReply { Configuration = Configuration(name), UnixTimeMs = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds() };
            case IssueNodeCertificates issue:
                return new NodeCertificates { Certificates = issue.Requests.ToDictionary(pair => pair.Key, pair => kubernetes.SignFor(pair.Key, pair.Value, name, IPAddress.Parse(address), Life)) };
            default: return new Fault { Code = FaultCode.BadRequest, Text = message.GetType().Name };
        }
    }

    private NodeConfiguration Configuration(string name) => new() { Hostname = name, HeartbeatSeconds = 1, Kubernetes = Settings.Node(kubernetes.Pem).Cluster };
}
