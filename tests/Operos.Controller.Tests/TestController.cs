using System.Collections.Concurrent;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Logging.Abstractions;
using Operos.Authority;
using Operos.Boot;
using Operos.Ceph;
using Operos.Controller.Audit;
using Operos.Controller.Boot;
using Operos.Controller.Cluster;
using Operos.Controller.Configuration;
using Operos.Controller.Connections;
using Operos.Controller.Control;
using Operos.Controller.Dhcp;
using Operos.Controller.Disks;
using Operos.Controller.Jobs;
using Operos.Controller.Machines;
using Operos.Controller.Operations;
using Operos.Controller.Operators;
using Operos.Controller.Storage;
using Operos.Hardware.Inventories;
using Operos.Proto;
using Operos.Proto.Connection;

namespace Operos.Controller.Tests;

/// <summary>A clock that a test moves.</summary>
internal sealed class TestClock : TimeProvider
{
    public TimeSpan Ahead { get; set; }
    public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + Ahead;
    public override long GetTimestamp() => base.GetTimestamp() + (long)(Ahead.TotalSeconds * TimestampFrequency);
}

/// <summary>The real control side on loopback: TLS, files, registry. Only the clock may be moved.</summary>
internal sealed class TestController : IAsyncDisposable
{
    private readonly CancellationTokenSource stop = new();
    private readonly Task running;
    private readonly bool ownsFolder;
    private readonly KubernetesCluster? cluster;
    private readonly RackStorage storage;
    private readonly ConcurrentDictionary<string, ECDsa> keys = new();

    /// <param name="kubernetes">Whether it is to run a control plane, which does not begin.</param>
    public TestController(AdmissionPolicy admission = AdmissionPolicy.Auto, string? folder = null, int maxPending = 256,
        ReadmissionPolicy readmission = ReadmissionPolicy.Auto, int maxMachines = 5000, bool heals = true,
        bool kubernetes = false, CephMonitor? ceph = null, TestClock? clock = null)
    {
        Clock = clock ?? new();
        ownsFolder = folder is null;
        Folder = folder ?? Directory.CreateTempSubdirectory("operos-controller-").FullName;
        var settings = new ControllerSettings { Admission = admission, Address = IPAddress.Loopback,
            Network = IPNetwork.Parse("127.0.0.0/8"), DhcpMode = DhcpMode.Off, MaxPending = maxPending, Readmission = readmission,
            MaxMachines = maxMachines, HealsLostDisks = heals, Kubernetes = new() { Enabled = kubernetes } };
        var paths = new ControllerPaths { State = Folder, Run = Path.Combine(Folder, "run"), System = Path.Combine(Folder, "system") };
        Authority = CertificateAuthority.OpenOrCreate(paths.Pki, Clock);
        Registry = new MachineRegistry(new MachineStore(paths.Machines, NullLogger<MachineStore>.Instance), admission, maxPending, Clock,
            maxMachines);
        var sessions = Sessions = new Sessions();
        Events = new EventLog(paths.History, Clock, NullLogger<EventLog>.Instance);
        Registry.Happened += Events.Add;
        Audit = new AuditLog(paths.Operations, Clock, NullLogger<AuditLog>.Instance);
        var disks = new RackDisks(settings, paths, Registry, sessions, Audit, Clock, NullLoggerFactory.Instance);
        var context = new ControllerContext(settings, paths, Clock, NullLoggerFactory.Instance) { Disks = disks,
            Storage = storage = new RackStorage(ceph, null, disks, Registry, sessions, paths, Clock, NullLogger<RackStorage>.Instance) };
        if (kubernetes) cluster = new KubernetesCluster(settings, paths, Registry, sessions, Clock, NullLoggerFactory.Instance);
        var enrolment = new MachineEnrolment(Registry, Authority, sessions, null, context);
        Operators = new OperatorRegistry(new OperatorStore(paths.Operators, NullLogger<OperatorStore>.Instance), Authority, Clock);
        Operators.AdoptFirst();
        var live = new LiveConnections(sessions, new OpenConnections());
        var stores = new RackStores(Registry, Operators, new ReleaseStore(Folder, "", null, NullLogger<ReleaseStore>.Instance), Audit,
            new JobStore(paths.Jobs, NullLogger<JobStore>.Instance), Events);
        (Operations, var jobs, LostDisks) = ControllerOperations.Create(stores, live,
            new NetworkServices(new BootWatch(Clock), new Dnsmasq(settings, paths, NullLogger<Dnsmasq>.Instance), null), cluster, Authority,
            context);
        var server = new ControlServer(new IPEndPoint(IPAddress.Loopback, 0), Authority, IPAddress.Loopback,
            () => new ControlPeer(enrolment, Operations, Operators, live, Clock, NullLogger<ControlPeer>.Instance), Clock,
                NullLogger<ControlServer>.Instance);
        Unauthenticated = server.Unauthenticated;
        running = Task.WhenAll(server.RunAsync(stop.Token), jobs.RunAsync(stop.Token), context.Disks.RunAsync(stop.Token));
        Endpoint = server.Listening!;
    }

    public string Folder { get; }
    public TestClock Clock { get; }
    public CertificateAuthority Authority { get; }
    public MachineRegistry Registry { get; }
    public Sessions Sessions { get; }
    public EventLog Events { get; }
    public RackStorage Storage => storage;
    public UnauthenticatedConnections Unauthenticated { get; }
    public OperatorRegistry Operators { get; }
    public AuditLog Audit { get; }
    public OperationCatalogue Operations { get; }
    /// <summary>It looks when a test says so.</summary>
    public LostDisks LostDisks { get; }
    public IPEndPoint Endpoint { get; }

    public Task<ControlConnection> ConnectAsync(X509Certificate2? certificate = null, X509Certificate2? authority = null,
        bool tolerateClock = false, Func<Message, CancellationToken, ValueTask<Message>>? handler = null,
        ProtocolVersions? versions = null, IPEndPoint? by = null) =>
        ControlConnection.ConnectAsync(new ControlClientOptions
        {
            Endpoint = by ?? Endpoint, CertificateAuthority = authority ?? Authority.Certificate, Certificate = certificate,
            Agent = "test/1", TolerateClock = tolerateClock, Handler = handler, CallTimeout = TimeSpan.FromSeconds(30), Versions = versions
            ?? ProtocolVersions.Spoken,
        }, default);

    /// <summary>The key of a machine's boot: a worker keeps one for each, however often it asks.</summary>
    public ECDsa KeyOf(Inventory inventory, string bootId) =>
        keys.GetOrAdd($"{bootId} {Encoding.UTF8.GetString(inventory.ToJson())}", _ => ECDsa.Create(ECCurve.NamedCurves.nistP256));

    public async Task<EnrolReply> EnrolAsync(Inventory inventory, string bootId = "boot-1", ECDsa? key = null,
        params IReadOnlyList<byte[]?> tokens)
    {
        await using var connection = await ConnectAsync();
        var csr = Csr(key ?? KeyOf(inventory, bootId));
        return await connection.CallAsync<EnrolReply>(new Enrol
            {
                Csr = csr, Inventory = inventory.ToJson(), BootRecord = [], BootId = bootId,
                Proofs = [.. tokens.Select(token => new Proof { Kind = Proof.DiskToken, Value = token! })],
            }, default);
    }

    /// <summary>Enrols and comes back with the certificate, as a worker does.</summary>
    public async Task<(string Id, ControlConnection Connection, X509Certificate2 Certificate)> JoinAsync(
        Inventory inventory, string bootId = "boot-1", Func<Message, CancellationToken, ValueTask<Message>>? handler = null,
        ECDsa? key = null, IPEndPoint? by = null)
    {
        key ??= KeyOf(inventory, bootId);
        var reply = await EnrolAsync(inventory, bootId, key);
        Assert.Equal(Admission.Admitted, reply.Admission);
        var certificate = X509CertificateLoader.LoadCertificate(reply.Certificate!).CopyWithPrivateKey(key);
        var connection = await ConnectAsync(certificate, handler: handler, by: by);
        await connection.CallAsync<HeartbeatReply>(Beat(bootId), default);
        return (reply.MachineId, connection, certificate);
    }

    /// <summary>Ends a machine's session, and waits until the controller knows.</summary>
    public async Task LeaveAsync(string id, ControlConnection connection)
    {
        await connection.DisposeAsync();
        for (var attempt = 0; Registry.Get(id)!.Connected; attempt++)
        {
            Assert.True(attempt < 200, $"{id} still has a session 10 s after it ended");
            await Task.Delay(50);
        }
    }

    public async Task<TReply> OperateAsync<TReply>(Message request) where TReply : Message
    {
        var (certificate, key) = Authority.IssueOperator("admin", TimeSpan.FromDays(1));
        using var credentials = X509Certificate2.CreateFromPem(certificate, key);
        await using var connection = await ConnectAsync(credentials, tolerateClock: Clock.Ahead > TimeSpan.Zero);
        return await connection.CallAsync<TReply>(request, default);
    }

    public static Heartbeat Beat(string bootId) => new() { BootId = bootId, UptimeSeconds = 1, SystemState = "running" };

    public static byte[] Csr(ECDsa key) => new CertificateRequest("CN=worker", key, HashAlgorithmName.SHA256).CreateSigningRequest();

    public static Inventory Machine(int number) => new()
    {
        System = new Identity { Vendor = "Acme", Product = "R1", Serial = $"SYS{number:d6}",
            Uuid = $"10000000-0000-4000-8000-{number:x12}" },
        Board = new Identity { Vendor = "Acme", Serial = $"BRD{number:d6}" },
        Nics = [new Nic { Mac = $"3c:ec:ef:{number >> 16 & 255:x2}:{number >> 8 & 255:x2}:{number & 255:x2}" }],
        Disks = [new Disk { Model = "SSD", Serial = $"DISK{number:d6}" }],
        MemoryModules = [new MemoryModule { Part = "M1", Serial = $"MEM{number:d6}" }],
    };

    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync();
        await running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        foreach (var key in keys.Values) key.Dispose();
        cluster?.Dispose();
        storage.Dispose();
        if (ownsFolder) Directory.Delete(Folder, recursive: true);
    }
}
