using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Nodes;
using CsCheck;
using Microsoft.Extensions.Logging.Abstractions;
using Operos.Authority;
using Operos.ControlPlane;
using Operos.ControlPlane.Certificates;
using Operos.ControlPlane.Components;
using Operos.ControlPlane.Objects;
using Operos.Controller.Cluster;
using Operos.Controller.Configuration;
using Operos.Controller.Connections;
using Operos.Controller.Machines;
using Operos.Kubernetes;
using Operos.Kubernetes.Objects;
using Operos.Linux.Supervision;
using Operos.Proto;
using Operos.Proto.Connection;

namespace Operos.Controller.Tests;

/// <summary>The control plane's parts that need no API server; tests/Operos.Kubernetes.Tests runs real ones.</summary>
public sealed class ControlPlaneTests : IDisposable
{
    private const string Machine = "402fce53-3779-8c9f-ac73-4c34a31fc2bc";
    private readonly TestClock clock = new();
    private readonly string folder = Directory.CreateTempSubdirectory("operos-kubernetes-").FullName;
    private readonly ControllerSettings settings = SettingsReader.Read(
        "c.toml", "[network]\naddress = \"10.77.0.1/24\"\n[dhcp]\nmode = \"off\"\n[kubernetes]\n"
        + "api-names = [\"api.example.org\", \"192.0.2.7\"]\ncertificate-life = \"30d\"\n");

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public void Every_error_of_the_networks_is_reported_at_once()
    {
        var errors = Assert.Throws<ConfigurationException>(() => SettingsReader.Read("c.toml", """
            [cluster]
            domain = "Cluster_Local"
            [network]
            address = "10.10.3.1/24"
            [dhcp]
            mode = "off"
            [kubernetes]
            enabled = "yes"
            service-network = "10.10.0.0/16"
            api-names = ["UPPER"]
            api-port = 7443
            network = "flannel"
            certificate-life = "1m"
            """)).Errors;
        foreach (var expected in new[]
        {
            "c.toml:2: cluster.domain:", "c.toml:8: kubernetes.enabled: true or false",
            "c.toml: kubernetes.pod-network: 10.10.0.0/16 overlaps the machines' network 10.10.3.0/24",
            "c.toml:9: kubernetes.service-network: 10.10.0.0/16 overlaps the machines' network",
            "c.toml:9: kubernetes.service-network: 10.10.0.0/16 overlaps the pods' network", "c.toml:10: kubernetes.api-names:",
            "c.toml:12: kubernetes.network: one of \"operos\", \"calico\"", "c.toml:13: kubernetes.certificate-life:",
        })
            Assert.Contains(errors, error => error.StartsWith(expected, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("10.10.1.0/16")]
    [InlineData("10.10.0.0/24")]
    [InlineData("10.0.0.0/7")]
    [InlineData("fd00::/64")]
    [InlineData("10.10.0.0")]
    public void A_malformed_pod_network_is_named(string network) =>
        Assert.Contains("a prefix of 8 to 22 bits", Assert.Throws<ConfigurationException>(
            () => SettingsReader.Read("c",
            $"[network]\naddress=\"10.77.0.1/24\"\n[dhcp]\nmode=\"off\"\n[kubernetes]\npod-network=\"{network}\"\n")).Message,
            StringComparison.Ordinal);

    [Fact]
    public void Each_authority_signs_its_own_and_the_names_are_those_that_components_look_for()
    {
        var certificates = Certificates(out var secrets);
        Assert.Equal(12, certificates.Renew().Count);
        foreach (var (name, order) in certificates.Orders)
        {
            using var issued = Load(certificates.Certificate(name));
            using var authority = X509Certificate2.CreateFromPem(secrets.Authority(order.Issuer).Pem);
            foreach (var issuer in Enum.GetValues<Issuer>())
            {
                using var chain = new X509Chain { ChainPolicy = { TrustMode = X509ChainTrustMode.CustomRootTrust,
                    RevocationMode = X509RevocationMode.NoCheck } };
                chain.ChainPolicy.CustomTrustStore.Add(X509Certificate2.CreateFromPem(secrets.Authority(issuer).Pem));
                Assert.Equal(issuer == order.Issuer, chain.Build(issued));
            }
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(certificates.Key(name)));
        }
        using var server = Load(certificates.Certificate(ControlPlaneCertificates.ApiServer));
        foreach (var name in (string[])["kubernetes.default.svc.cluster.local", "api.example.org", "localhost"])
            Assert.True(server.MatchesHostname(name), name);
        foreach (var address in (string[])["10.11.0.1", "127.0.0.1", "10.77.0.1", "192.0.2.7"])
            Assert.True(server.MatchesHostname(address), address);
        Assert.False(server.MatchesHostname("10.11.0.2"));
        using var admin = Load(certificates.Certificate(ControlPlaneCertificates.Agent));
        Assert.Equal("O=system:masters, CN=operos:controller", admin.Subject);
    }

    [Fact]
    public void A_certificate_is_renewed_in_its_last_third_with_the_key_it_had_and_when_its_names_change()
    {
        var certificates = Certificates(out var secrets);
        certificates.Renew();
        var key = File.ReadAllText(certificates.Key("etcd"));
        clock.Ahead = TimeSpan.FromDays(19.9);
        Assert.Empty(certificates.Renew());
        clock.Ahead = TimeSpan.FromDays(20.1);
        Assert.Equal(12, certificates.Renew().Count);
        Assert.Equal(key, File.ReadAllText(certificates.Key("etcd")));
        Assert.Empty(certificates.Renew());
        var renamed = settings with { Kubernetes = settings.Kubernetes with { ApiNames = ["other.example.org"] } };
        Assert.Equal([ControlPlaneCertificates.ApiServer],
            new ControlPlaneCertificates(Path.Combine(folder, "run"), renamed.ControlPlane, secrets, clock).Renew());
        File.WriteAllText(certificates.Certificate("etcd"), "half a certif");
        Assert.Contains("etcd", certificates.Renew());
    }

    [Fact]
    public void Secrets_survive_a_restart_and_are_nobody_else_s_to_read()
    {
        var first = ClusterSecrets.OpenOrCreate(folder, clock);
        var files = Directory.GetFiles(folder).ToDictionary(path => path, File.ReadAllText);
        Assert.Equal(9, files.Count);
        var second = ClusterSecrets.OpenOrCreate(folder, clock);
        Assert.Equal(first.Authority(Issuer.Etcd).Pem, second.Authority(Issuer.Etcd).Pem);
        foreach (var (path, text) in files)
        {
            Assert.Equal(text, File.ReadAllText(path));
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(path));
        }
        Assert.Equal(32, Convert.FromBase64String(JsonNode.Parse(File.ReadAllText(first.Encryption))!["resources"]![0]!["providers"]![0]![
            "secretbox"]!["keys"]![0]!["secret"]!.ToString()).Length);
    }

    [Theory]
    [InlineData("kubelet", "O=system:nodes, CN=system:node:402fce53-3779-8c9f-ac73-4c34a31fc2bc", "1.3.6.1.5.5.7.3.2")]
    [InlineData("kubelet-serving", "CN=system:node:402fce53-3779-8c9f-ac73-4c34a31fc2bc", "1.3.6.1.5.5.7.3.1")]
    [InlineData("kube-proxy", "CN=system:kube-proxy", "1.3.6.1.5.5.7.3.2")]
    [InlineData("agent", "O=operos:nodes, CN=operos:node:402fce53-3779-8c9f-ac73-4c34a31fc2bc", "1.3.6.1.5.5.7.3.2")]
    public void A_node_s_certificate_names_the_node_whatever_its_request_says(string purpose, string subject, string usage)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var csr = new CertificateRequest("CN=admin, O=system:masters", key, HashAlgorithmName.SHA256).CreateSigningRequest();
        var issued = Kubernetes().Issue(Machine, "10.77.0.129",
            new IssueNodeCertificates { Requests = new Dictionary<string, byte[]> { [purpose] = csr } });
        using var certificate = X509CertificateLoader.LoadCertificate(issued.Certificates[purpose]);
        Assert.Equal(subject, certificate.Subject);
        Assert.Equal(usage, Assert.Single(certificate.Extensions.OfType<X509EnhancedKeyUsageExtension>()
            .Single().EnhancedKeyUsages.Cast<Oid>()).Value);
        Assert.Equal(purpose == "kubelet-serving", certificate.MatchesHostname("10.77.0.129", allowCommonName: false));
        Assert.Equal(key.ExportSubjectPublicKeyInfo(), certificate.PublicKey.ExportSubjectPublicKeyInfo());
    }

    [Fact]
    public void Malformed_requests_for_certificates_are_refused()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var other = ECDsa.Create(ECCurve.NamedCurves.nistP384);
        var good = TestController.Csr(key);
        foreach (var (purpose, csr) in new[] { ("root", good), ("kubelet", (byte[])[1, 2]), ("kubelet", []),
            ("kubelet", new CertificateRequest("CN=x", other, HashAlgorithmName.SHA256).CreateSigningRequest()) })
            Assert.Throws<CryptographicException>(() =>
                Kubernetes().Issue(Machine, "10.77.0.129", new IssueNodeCertificates { Requests = new Dictionary<string, byte[]>
                { [purpose] = csr } }));
        foreach (var bad in new[]
        {
            new IssueApiCredentials { Csr = good, User = "" }, new IssueApiCredentials { Csr = good, User = "a b" },
            new IssueApiCredentials { Csr = good, User = "a", Groups = [""] },
            new IssueApiCredentials { Csr = good, User = "a", LifeSeconds = 59 },
            new IssueApiCredentials { Csr = good, User = "a", LifeSeconds = 31 * 86400 }, new IssueApiCredentials { Csr = [7], User = "a" },
        })
            Assert.Equal(RefusalKind.Invalid, Assert.Throws<RefusedException>(() => Kubernetes().Issue(bad)).Kind);
    }

    [Theory]
    [InlineData("Kubernetes v1.20.2\n", 20, "--anonymous-auth=false", true)]
    [InlineData("Kubernetes v1.22.17", 22, "--anonymous-auth=false", true)]
    [InlineData("v1.24.0-rc.1", 24, "--anonymous-auth=false", false)]
    [InlineData("Kubernetes v1.34.1+abc", 34, "--authentication-config=", false)]
    public void Flags_follow_the_version(string printed, int minor, string anonymous, bool insecurePort)
    {
        var version = KubernetesVersion.Parse(printed);
        Assert.Equal((1, minor), (version.Major, version.Minor));
        var certificates = Certificates(out var secrets);
        var paths = new ControllerPaths { State = folder, Run = Path.Combine(folder, "run") };
        var files = new ComponentFiles(settings.ControlPlane, paths.ControlPlane, certificates);
        files.Write(version);
        var components = new ControlPlaneComponents(settings.ControlPlane, paths.ControlPlane, certificates, secrets, files).For(version);
        Assert.Equal(["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"],
            components.Select(component => component.Name));
        var server = components[1].Arguments;
        Assert.Single(server, argument => argument.StartsWith(anonymous, StringComparison.Ordinal));
        Assert.Single(server, argument => argument.StartsWith("--anonymous-auth", StringComparison.Ordinal)
            || argument.StartsWith("--authentication-config", StringComparison.Ordinal));
        Assert.All(components.Skip(2), component => Assert.Equal(insecurePort, component.Arguments.Contains("--port=0")));
        // The unit splits at blanks, and has no rule for quotes.
        Assert.All(components.SelectMany(component => component.Arguments),
            argument => Assert.DoesNotContain(argument, c => char.IsWhiteSpace(c) || c is '"' or '\'' or '\\' or '$'));
        Assert.StartsWith("ARGS=--name=controller --data-dir=", ComponentDaemon.Environment(components[0]), StringComparison.Ordinal);
        foreach (var file in Directory.GetFiles(paths.ControlPlane.Run, "*", SearchOption.TopDirectoryOnly))
            Assert.NotNull(JsonNode.Parse(File.ReadAllText(file)));
    }

    [Theory]
    [InlineData("[+]ping ok\n[-]informer-sync failed: reason withheld\n[-]poststarthook/rbac failed: reason withheld\n"
        + "readyz check failed", "not ready yet: informer-sync, poststarthook/rbac")]
    [InlineData("", "127.0.0.1:6443/readyz: Connection refused")]
    public void A_health_report_is_its_failed_checks(string report, string summary) =>
        Assert.Equal(summary, ComponentDaemon.Summarise(report, "127.0.0.1:6443/readyz: Connection refused"));

    [Fact]
    public void What_never_worked_is_starting_for_ten_minutes_and_what_did_has_failed()
    {
        var began = DateTimeOffset.UtcNow;
        var server = new ComponentHealth("kube-apiserver", false, "waits for etcd", began)
            .Next(false, "not ready yet: informer-sync", began);
        Assert.True(server.IsStarting(began + TimeSpan.FromMinutes(9)));
        Assert.False(server.IsStarting(began + TimeSpan.FromMinutes(10)));
        var failed = server.Next(true, "healthy", began).Next(false, "waits for etcd", began);
        Assert.False(failed.IsStarting(began));
    }

    [Fact]
    public async Task A_component_waits_for_what_it_requires_and_starts_again_when_its_arguments_change()
    {
        var certificates = Certificates(out var secrets);
        var paths = new ControllerPaths { State = folder, Run = Path.Combine(folder, "run") }.ControlPlane;
        var files = new ComponentFiles(settings.ControlPlane, paths, certificates);
        var components = new ControlPlaneComponents(settings.ControlPlane, paths, certificates, secrets, files)
            .For(KubernetesVersion.Parse("v1.34.1"));
        Directory.CreateDirectory(paths.Run);
        var etcd = false;
        using var server = new ComponentDaemon(components[1], paths.Run, certificates.Certificate);
        var daemon = server.Describe(name => name == "etcd" && etcd, () => { });
        Assert.Equal("waits for etcd", daemon.WaitsFor!());
        etcd = true;
        Assert.Null(daemon.WaitsFor!());

        Assert.Equal(DaemonChange.Restart, await daemon.PrepareAsync(true, default));
        Assert.Equal(ComponentDaemon.Environment(components[1]), File.ReadAllText(Path.Combine(paths.Run, "kube-apiserver.env")));
        Assert.Equal(DaemonChange.None, await daemon.PrepareAsync(true, default));
        using var other = new ComponentDaemon(components[1] with { Arguments = [.. components[1].Arguments, "--v=2"] }, paths.Run,
            certificates.Certificate);
        Assert.Equal(DaemonChange.Restart, await other.Describe(_ => true, () => { }).PrepareAsync(true, default));
    }

    [Fact]
    public async Task A_component_that_runs_with_a_certificate_of_before_is_started_again_also_by_the_next_agent()
    {
        var certificates = Certificates(out var secrets);
        var paths = new ControllerPaths { State = folder, Run = Path.Combine(folder, "run") }.ControlPlane;
        var files = new ComponentFiles(settings.ControlPlane, paths, certificates);
        certificates.Renew();
        var scheduler = new ControlPlaneComponents(settings.ControlPlane, paths, certificates, secrets, files)
            .For(KubernetesVersion.Parse("v1.34.1")).Single(component => component.Name == Component.Scheduler);
        Directory.CreateDirectory(paths.Run);
        var read = Assert.Single(scheduler.ReadOnce.Take(1));
        Assert.Equal(DaemonChange.Restart, await PrepareAsync());
        Assert.Equal(DaemonChange.None, await PrepareAsync());
        // The agent renews it, and ends before it has told the component to start again.
        clock.Ahead = settings.Kubernetes.CertificateLife * 0.9;
        Assert.Contains(read, certificates.Renew());
        Assert.Equal(DaemonChange.Restart, await PrepareAsync());
        Assert.Equal(DaemonChange.None, await PrepareAsync());
        // What systemd reads of it: no more than its arguments.
        var lines = File.ReadAllLines(Path.Combine(paths.Run, "kube-scheduler.env"));
        Assert.StartsWith("ARGS=", Assert.Single(lines, line => !line.StartsWith('#')), StringComparison.Ordinal);

        async Task<DaemonChange> PrepareAsync()
        {
            using var agent = new ComponentDaemon(scheduler, paths.Run, certificates.Certificate);
            return await agent.Describe(_ => true, () => { }).PrepareAsync(true, default);
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("unknown flag")]
    [InlineData("v1")]
    [InlineData("v1.x")]
    public void What_is_no_version_is_said(string printed) => Assert.Throws<FormatException>(() => KubernetesVersion.Parse(printed));

    [Fact]
    public void Labels_are_legal_whatever_a_vendor_calls_its_machine()
    {
        Assert.Equal("Acme-R1--2-U", LabelSyntax.ToValue(" Acme R1 (2/U)"));
        Gen.String.Sample(text =>
            LabelSyntax.ToValue(text) is var value && value.Length <= 63
            && (value.Length == 0 || (char.IsAsciiLetterOrDigit(value[0]) && char.IsAsciiLetterOrDigit(value[^1]))));
        var labels = NodeReconciler.Labels(new MachineRecord
        {
            Id = Machine, Standing = MachineStanding.Admitted, Name = "rack1-1", Inventory = TestController.Machine(1),
            FirstSeen = clock.GetUtcNow(),
            Labels = new Dictionary<string, string> { ["rack"] = "r1", ["example.org/x"] = "y", ["name"] = "forged" },
        });
        Assert.Equal("example.org/x=y,node-role.kubernetes.io/worker=,operos.io/model=Acme-R1,operos.io/name=rack1-1,operos.io/rack=r1",
            string.Join(',', labels.Select(label => $"{label.Key}={label.Value}")));
    }

    [Fact]
    public void Before_the_API_server_told_which_Nodes_there_are_no_machine_lacks_one_and_none_is_Ready()
    {
        using var cluster = Kubernetes(out var registry);
        cluster.IsNode = true;
        var self = registry.RegisterSelf(new Newcomer(TestController.Machine(1), null, "boot-1", "127.0.0.1"));
        var before = new StatusReply { Version = "1", StartedUnixMs = 0, Admission = "auto", Components = [] };
        var status = cluster.Report(before, _ => null, _ => null, _ => "boot-1");
        Assert.Empty(status.Nodes);
        Assert.Empty(status.Alarms);
        Assert.Equal("the API server has not told yet which Nodes there are", cluster.NotReady(self.Id, "boot-1"));
    }

    private ControlPlaneCertificates Certificates(out ClusterSecrets secrets)
    {
        secrets = ClusterSecrets.OpenOrCreate(Path.Combine(folder, "pki"), clock);
        return new ControlPlaneCertificates(Path.Combine(folder, "run"), settings.ControlPlane, secrets, clock);
    }

    private KubernetesCluster Kubernetes() => Kubernetes(out _);

    private KubernetesCluster Kubernetes(out MachineRegistry registry)
    {
        var paths = new ControllerPaths { State = folder, Run = Path.Combine(folder, "run") };
        var store = new MachineStore(paths.Machines, NullLogger<MachineStore>.Instance);
        registry = new MachineRegistry(store, AdmissionPolicy.Auto, 10, clock);
        return new KubernetesCluster(settings, paths, registry, new Sessions(), clock, NullLoggerFactory.Instance);
    }

    private static X509Certificate2 Load(string path) => X509Certificate2.CreateFromPem(File.ReadAllText(path));
}
