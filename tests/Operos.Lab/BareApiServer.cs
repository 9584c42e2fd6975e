using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Operos.Kubernetes;

namespace Operos.Lab;

/// <summary>
/// A real etcd and a real kube-apiserver of the release, alone and natively, on ports of this host's loopback: up in seconds, for what is
/// between an agent and the API server. Whoever shows the client certificate may do everything.
/// </summary>
public sealed class BareApiServer : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);
    private readonly LabFolder folder;
    private readonly Build build = new();
    private readonly int etcdPort = FreePort(), peerPort = FreePort();
    private Process? etcd, server;

    private BareApiServer(LabFolder folder) => this.folder = folder;

    public int Port { get; } = FreePort();

    /// <summary>How an agent reaches it; by another port where something stands between.</summary>
    public ApiAccess AccessBy(int port) => new()
    {
        Server = new($"https://127.0.0.1:{port}"), AuthorityFile = folder["ca.crt"], CertificateFile = folder["client.pem"],
            KeyFile = folder["client.pem"],
        Agent = "operos-test",
    };

    public static async Task<BareApiServer> StartAsync(LabFolder folder)
    {
        var bare = new BareApiServer(folder);
        try
        {
            bare.WriteKeys();
            bare.StartEtcd();
            await bare.StartAsync();
            return bare;
        }
        catch
        {
            bare.Dispose();
            throw;
        }
    }

    /// <summary>Starts the API server and waits until it is ready.</summary>
    public async Task StartAsync()
    {
        server = Start("kube-apiserver", Path.Combine(build.Out, "images/roots/controller/usr/bin/kube-apiserver"),
            $"--etcd-servers=http://127.0.0.1:{etcdPort}", $"--secure-port={Port}", "--bind-address=127.0.0.1",
                "--advertise-address=192.0.2.1",
            "--endpoint-reconciler-type=none", "--anonymous-auth=false", "--authorization-mode=AlwaysAllow",
                "--disable-admission-plugins=ServiceAccount",
            $"--tls-cert-file={folder["server.pem"]}", $"--tls-private-key-file={folder["server.pem"]}",
                $"--client-ca-file={folder["ca.crt"]}",
            "--service-account-issuer=https://bare.test", $"--service-account-key-file={folder["tokens.pem"]}",
                $"--service-account-signing-key-file={folder["tokens.pem"]}",
            "--service-cluster-ip-range=10.11.0.0/16", "--profiling=false");
        using var client = new ApiClient(AccessBy(Port));
        for (var clock = Stopwatch.StartNew(); ; await Task.Delay(100))
        {
            try
            {
                await client.GetTextAsync("/readyz", default);
                return;
            }
            catch (ApiException e) when (clock.Elapsed < Patience && !server.HasExited) { _ = e; }
            catch (ApiException e)
            {
                throw new LabException($"the API server is not ready: {e.Message}\n{Log("kube-apiserver")}\n{Log("etcd")}");
            }
        }
    }

    /// <summary>Kills the API server, as a crash does; etcd goes on.</summary>
    public async Task KillAsync()
    {
        server!.Kill();
        await server.WaitForExitAsync();
    }

    public int ProcessId => server!.Id;

    public void Dispose()
    {
        foreach (var process in new[] { server, etcd })
        {
            if (process is null) continue;
            process.Kill();
            process.WaitForExit();
            process.Dispose();
        }
    }

    private void StartEtcd()
    {
        // Of the controller's layer, with the libraries of the layer below: this host need not have it.
        var roots = Path.Combine(build.Out, "images/roots");
        etcd = Start("etcd", Path.Combine(roots, "base/usr/lib64/ld-linux-x86-64.so.2"), "--library-path",
            Path.Combine(roots, "base/usr/lib/x86_64-linux-gnu"), Path.Combine(roots, "controller/usr/bin/etcd"),
            $"--data-dir={folder["etcd"]}", $"--listen-client-urls=http://127.0.0.1:{etcdPort}",
                $"--advertise-client-urls=http://127.0.0.1:{etcdPort}",
            $"--listen-peer-urls=http://127.0.0.1:{peerPort}", $"--initial-advertise-peer-urls=http://127.0.0.1:{peerPort}",
            $"--initial-cluster=default=http://127.0.0.1:{peerPort}", "--log-level=warn", "--unsafe-no-fsync");
    }

    private Process Start(string name, params string[] command)
    {
        var process = TiedProcess.Start(name, folder[name + ".log"], command);
        folder.NoteProcess(process.Id);
        return process;
    }

    private string Log(string name) =>
        File.Exists(folder[name + ".log"]) ? string.Join('\n', File.ReadLines(folder[name + ".log"]).TakeLast(15)) : "";

    private void WriteKeys()
    {
        var (from, to) = (DateTimeOffset.UtcNow.AddHours(-1), DateTimeOffset.UtcNow.AddDays(1));
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=bare", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, false));
        using var authority = request.CreateSelfSigned(from, to);
        File.WriteAllText(folder["ca.crt"], authority.ExportCertificatePem());
        foreach (var (name, subject, purpose) in new[] { ("server", "CN=server", "1.3.6.1.5.5.7.3.1"),
            ("client", "O=system:masters, CN=test", "1.3.6.1.5.5.7.3.2") })
        {
            using var own = ECDsa.Create(ECCurve.NamedCurves.nistP256);
            var leaf = new CertificateRequest(subject, own, HashAlgorithmName.SHA256);
            leaf.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(purpose)], false));
            var names = new SubjectAlternativeNameBuilder();
            names.AddIpAddress(IPAddress.Loopback);
            leaf.CertificateExtensions.Add(names.Build());
            using var issued = leaf.Create(authority, from, to, RandomNumberGenerator.GetBytes(8));
            File.WriteAllText(folder[$"{name}.pem"], issued.ExportCertificatePem() + "\n" + own.ExportPkcs8PrivateKeyPem() + "\n");
        }
        using var tokens = RSA.Create(2048);
        File.WriteAllText(folder["tokens.pem"], tokens.ExportPkcs8PrivateKeyPem() + "\n");
    }

    private static int FreePort()
    {
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)socket.LocalEndPoint!).Port;
    }
}
