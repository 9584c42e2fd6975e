using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Operos.Authority;
using Operos.Controller.Configuration;
using Operos.Proto;
using Operos.Proto.Connection;

namespace Operos.Controller.Tests;

/// <summary>The whole agent in this process, on loopback, with what may be missing or damaged on its machine.</summary>
public sealed class ControllerHostTests(ITestOutputHelper output) : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("operos-host-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public async Task What_cannot_start_is_a_line_of_the_status_and_all_else_works()
    {
        using var journal = new Journal(output);
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        var control = FreePort();
        var settings = new ControllerSettings
        {
            Admission = AdmissionPolicy.Auto, Address = IPAddress.Loopback, Network = IPNetwork.Parse("127.0.0.0/8"),
            DhcpMode = DhcpMode.Off, ControlPort = control, HttpPort = ((IPEndPoint)taken.LocalEndpoint).Port,
            Kubernetes = new() { Enabled = true },
        };
        var paths = new ControllerPaths
        {
            State = Path.Combine(folder, "state"), Run = Path.Combine(folder, "run"), Releases = Path.Combine(folder, "releases"),
            System = Path.Combine(folder, "system"), Loaders = folder,
            DnsmasqProgram = Path.Combine(folder, "no-dnsmasq"), UnboundProgram = Path.Combine(folder, "no-unbound"),
            KnotProgram = Path.Combine(folder, "no-knot"),
        };
        var authority = CertificateAuthority.OpenOrCreate(paths.Pki, TimeProvider.System);
        // As after a disk's error: the certificate is there, and the key is none.
        var pki = Directory.CreateDirectory(paths.ControlPlane.Pki).FullName;
        using (var ca = new TemporaryAuthority()) await File.WriteAllTextAsync(Path.Combine(pki, "ca.crt"), ca.Pem);
        await File.WriteAllTextAsync(Path.Combine(pki, "ca.key"), "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n");
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
        builder.Services.AddLogging(logging => logging.AddProvider(journal)).AddSingleton(settings).AddSingleton(paths)
            .AddSingleton(TimeProvider.System)
            .AddHostedService<ControllerHost>();
        using var host = builder.Build();
        host.Services.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping
            .Register(() => output.WriteLine("the agent ends"));
        await host.StartAsync();
        try
        {
            var status = await StatusAsync(authority, control,
                said => said.Components.Any(part => part is { Name: "boot server", Healthy: false })
                    && said.Components.Any(part => part is { Name: "boot loaders", Healthy: false }));
            Assert.Contains("in use", Text(status, "boot server"), StringComparison.Ordinal);
            Assert.Contains("tried again when the agent starts anew", Text(status, "Kubernetes"), StringComparison.Ordinal);
            Assert.Contains("no-dnsmasq", Text(await StatusAsync(authority, control,
                said => said.Components.Any(part => part.Name == "dnsmasq" && part.Text.Contains("no-dnsmasq",
                    StringComparison.Ordinal))), "dnsmasq"), StringComparison.Ordinal);
            await AssertIsNotToldOfNoKubernetesAsync(authority, control);
            // Once the port is free, its server is there, without another start of the agent.
            taken.Stop();
            using var client = await ConnectAsync(settings.HttpPort);
            Assert.Contains("is not installed", Text(status, "boot loaders"), StringComparison.Ordinal);
            foreach (var part in (string[])["boot server", "boot loaders", "Kubernetes"])
                Assert.Contains(journal.Lines, line => line.StartsWith($"{part} ", StringComparison.Ordinal));
        }
        finally { await host.StopAsync(); }
    }

    /// <summary>A worker that heard of no Kubernetes would stop being a node, and its pods would end.</summary>
    private static async Task AssertIsNotToldOfNoKubernetesAsync(CertificateAuthority authority, int port)
    {
        await using var connection = await ControlConnection.ConnectAsync(new ControlClientOptions
        {
            Endpoint = new IPEndPoint(IPAddress.Loopback, port), CertificateAuthority = authority.Certificate, Agent = "test/1",
            CallTimeout = TimeSpan.FromSeconds(10),
        }, default);
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var enrol = new Enrol
        {
            Csr = TestController.Csr(key), Inventory = TestController.Machine(1).ToJson(), BootRecord = [], BootId = "boot-1",
        };
        var fault = await Assert.ThrowsAsync<ControlFaultException>(() => connection.CallAsync<EnrolReply>(enrol, default));
        Assert.Contains("Kubernetes cannot run", fault.Message, StringComparison.Ordinal);
        Assert.InRange(fault.RetryAfterSeconds, 1, 60);
    }

    private static string Text(StatusReply status, string name) =>
        Assert.Single(status.Components, part => part.Name == name && !part.Healthy).Text;

    private static async Task<StatusReply> StatusAsync(CertificateAuthority authority, int port, Func<StatusReply, bool> holds)
    {
        var (certificate, key) = authority.IssueOperator("admin", TimeSpan.FromDays(1));
        using var credentials = X509Certificate2.CreateFromPem(certificate, key);
        for (var attempt = 0; ; attempt++)
        {
            try
            {
                await using var connection = await ControlConnection.ConnectAsync(new ControlClientOptions
                {
                    Endpoint = new IPEndPoint(IPAddress.Loopback, port), CertificateAuthority = authority.Certificate,
                    Certificate = credentials, Agent = "test/1", CallTimeout = TimeSpan.FromSeconds(10),
                }, default);
                var status = await connection.CallAsync<StatusReply>(new ShowStatus(), default);
                if (holds(status)) return status;
                Assert.True(attempt < 150, string.Join("\n", status.Components.Select(part => $"{part.Name} {part.Healthy} {part.Text}")));
            }
            catch (Exception e) when (e is SocketException or IOException)
            {
                Assert.True(attempt < 150, $"the controller does not answer within 30 s: {e.Message}");
            }
            await Task.Delay(200);
        }
    }

    private static async Task<TcpClient> ConnectAsync(int port)
    {
        for (var attempt = 0; ; attempt++)
        {
            var client = new TcpClient();
            try
            {
                await client.ConnectAsync(IPAddress.Loopback, port);
                return client;
            }
            catch (SocketException e)
            {
                client.Dispose();
                Assert.True(attempt < 200, $"the boot server does not listen within 40 s: {e.Message}");
            }
            await Task.Delay(200);
        }
    }

    private static int FreePort()
    {
        using var probe = new TcpListener(IPAddress.Loopback, 0);
        probe.Start();
        return ((IPEndPoint)probe.LocalEndpoint).Port;
    }

    /// <summary>What the agent logs.</summary>
    private sealed class Journal(ITestOutputHelper output) : ILoggerProvider, ILogger
    {
        public ConcurrentQueue<string> Lines { get; } = new();

        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Information;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception,
            Func<TState, Exception?, string> formatter)
        {
            var line = formatter(state, exception);
            Lines.Enqueue(line);
            output.WriteLine(line);
        }

        public void Dispose() { }
    }

    private sealed class TemporaryAuthority : IDisposable
    {
        private readonly string folder = Directory.CreateTempSubdirectory("operos-ca-").FullName;

        public string Pem
        {
            get
            {
                CertificateAuthority.OpenOrCreate(folder, TimeProvider.System);
                return File.ReadAllText(Path.Combine(folder, "ca.crt"));
            }
        }

        public void Dispose() => Directory.Delete(folder, recursive: true);
    }
}
