using System.Net;
using Operos.Authority;
using Operos.ControlPlane.Configuration;
using Operos.Names;
using Operos.Release;
using static Operos.Controller.Configuration.DottedAddress;

namespace Operos.Controller.Configuration;

/// <summary>Makes settings of a file and reports every error at once.</summary>
internal static class SettingsReader
{
    private static readonly string[] Known =
    [
        "cluster.admission", "cluster.readmission", "cluster.domain", "network.address", "control.port", "boot.http-port", "boot.release",
        "boot.menu-seconds", "boot.consoles", "boot.kernel-arguments",
        "dhcp.mode", "dhcp.range", "dhcp.lease", "dhcp.gateway", "dhcp.dns", "dns.enabled", "dns.upstream", "dns.machines-domain",
        "pki.worker-certificate", "limits.max-pending", "limits.max-machines", "limits.silence", "nodes.authorized-keys",
        "kubernetes.enabled", "kubernetes.pod-network", "kubernetes.service-network", "kubernetes.api-names", "kubernetes.api-port",
        "kubernetes.network", "kubernetes.certificate-life", "backup.keep", "time.servers", .. StorageRules.Keys,
    ];

    private const int MaxAuthorizedKey = 8192, MaxTimeServers = 8;

    /// <summary>Whether the image has the component (images/README.md): without it there is nothing to run.</summary>
    private static bool HasKubernetes => File.Exists("/usr/bin/kube-apiserver");

    /// <exception cref="ConfigurationException">With all that is wrong.</exception>
    /// <param name="strict">Whether what is doubted is refused: not by what a rack needs to run.</param>
    public static ControllerSettings Load(string path, bool strict = true)
    {
        try { return Read(path, File.ReadAllText(path), strict); }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ConfigurationException([$"{path}: cannot be read: {UnreadableFile.Why(path, e)}"]);
        }
    }

    /// <exception cref="ConfigurationException">As with <see cref="Load"/>.</exception>
    public static ControllerSettings Read(string path, string text, bool strict = true)
    {
        var file = new ConfigurationFile(path, text);
        if (!file.IsToml) throw new ConfigurationException(file.Errors);
        foreach (var key in file.Keys.Except(Known).ToList()) file.Fail(key, $"no such setting{Suggest(key)}");
        var place = ReadNetwork(file);
        var (address, network) = place ?? (IPAddress.Loopback, new IPNetwork(IPAddress.Parse("127.0.0.0"), 8));
        var mode = file.Choice("dhcp.mode", DhcpMode.Full);
        var range = ReadRange(file, mode);
        var settings = new ControllerSettings
        {
            Admission = file.Choice("cluster.admission", AdmissionPolicy.Approve),
            Readmission = file.Choice("cluster.readmission", ReadmissionPolicy.Auto),

            Address = address,
            Network = network,
            ControlPort = file.Number("control.port", 7443, 1, 65535),

            HttpPort = file.Number("boot.http-port", 7480, 1, 65535),
            Release = file.Text("boot.release", ReleaseManifest.IsVersion, "a release's name is expected"),
            MenuSeconds = file.Number("boot.menu-seconds", 3, 0, 300),
            Consoles = ReadConsoles(file),
            KernelArguments = ReadKernelArguments(file),

            DhcpMode = mode,
            RangeStart = range.Start,
            RangeEnd = range.End,
            Lease = file.Duration("dhcp.lease", TimeSpan.FromHours(1), TimeSpan.FromMinutes(2), TimeSpan.FromDays(30)),
            Gateway = file.Address("dhcp.gateway"),
            Dns = file.Addresses("dhcp.dns", _ => null),

            ClusterDomain = ReadDomain(file, "cluster.domain", "cluster.local"),
            DnsEnabled = file.Flag("dns.enabled", file.Flag("kubernetes.enabled", HasKubernetes)),
            DnsUpstream = file.Addresses("dns.upstream", server => server.Equals(address) && !IsDnsOff(file)
                ? $"holds the controller's own address {address}, which would ask itself" : null),
            MachinesDomain = ReadDomain(file, "dns.machines-domain", "machines.operos.internal"),

            WorkerCertificate = file.Life("pki.worker-certificate", CertificateLives.Machine),
            MaxPending = file.Number("limits.max-pending", ControllerSettings.UsualMaxPending, 1, 10_000),
            MaxMachines = file.Number("limits.max-machines", ControllerSettings.UsualMaxMachines, 1, 100_000),
            Silence = file.Duration("limits.silence", ControllerSettings.UsualSilence, TimeSpan.FromSeconds(1), TimeSpan.FromHours(1)),
            AuthorizedKeys = file.List("nodes.authorized-keys", [], IsAuthorizedKey,
                "SSH public keys are expected, such as \"ssh-ed25519 AAAA... name\""),

            Kubernetes = ReadKubernetes(file, IsComparable(file, place is not null, strict) ? network : null),
            TimeServers = ReadTimeServers(file, address),
            Storage = StorageRules.Read(file),
            HealsLostDisks = file.Flag(StorageRules.Heal, true),
            CephEnabled = file.Flag(StorageRules.Ceph, false),
            BackupsKept = file.Number("backup.keep", 7, 0, 366),
        };
        if (IsComparable(file, place is not null, strict)) AddressChecks.Check(file, settings);
        CheckPorts(file, settings);
        if (!IsDnsOff(file)) CheckDomains(file, settings);
        var errors = strict ? file.ErrorsAndDoubts : file.Errors;
        return errors.Count == 0 ? settings with { Doubts = file.Doubts } : throw new ConfigurationException(errors);
    }

    /// <summary>
    /// Whether addresses are compared with the machines' network: not with one that is wrong. One that is doubted is what a controller that
    /// runs has, and not what whoever checks the file meant.
    /// </summary>
    private static bool IsComparable(ConfigurationFile file, bool isValid, bool strict) =>
        isValid && !(strict && file.IsDoubted("network.address"));

    private static List<string> ReadConsoles(ConfigurationFile file)
    {
        const string key = "boot.consoles", expected = "a kernel console is expected, such as \"tty0\" or \"ttyS0,115200\"";
        var consoles = file.List(key, ["tty0", "ttyS0,115200"], SerialConsole.IsWord, expected);
        foreach (var odd in consoles.Where(console => SerialConsole.IsWord(console) && !SerialConsole.IsConsole(console)))
            file.Doubt(key, $"{expected}, not \"{odd}\"");
        return consoles;
    }

    private static string ReadKernelArguments(ConfigurationFile file)
    {
        const string key = "boot.kernel-arguments";
        var arguments = file.Text(key, KernelArguments.Problem) ?? "";
        if (KernelArguments.Problem(arguments) is null && KernelArguments.Doubt(arguments) is { } odd) file.Doubt(key, odd);
        return arguments;
    }

    private static void CheckPorts(ConfigurationFile file, ControllerSettings settings)
    {
        if (settings.ControlPort == settings.HttpPort) file.Fail("boot.http-port", "is the control port too; choose another");
        var api = settings.Kubernetes.ApiPort;
        if (settings.Kubernetes.Enabled && (api == settings.ControlPort || api == settings.HttpPort))
            file.Fail("kubernetes.api-port", "is the port of another of the controller's servers; choose another");
    }

    private static void CheckDomains(ConfigurationFile file, ControllerSettings settings)
    {
        var (cluster, machines) = (settings.ClusterDomain, settings.MachinesDomain);
        if (ZonePlan.IsWithin(machines, cluster) || ZonePlan.IsWithin(cluster, machines))
            file.Fail("dns.machines-domain", $"must not lie within the cluster's domain {cluster}, nor around it");
    }

    /// <returns>Null where it is not valid: what else the file says cannot be compared with it then.</returns>
    private static (IPAddress, IPNetwork)? ReadNetwork(ConfigurationFile file)
    {
        const string key = "network.address", expected = "an IPv4 address with its prefix length is expected, such as \"10.77.0.1/24\"";
        if (!file.TryGet(key, out var value, out _)) file.Fail(key, $"is required: {expected}");
        else if (value is not string text || text.Split('/') is not [var host, var bits]) file.Fail(key, expected);
        else if (file.Dotted(key, host, expected) is { } address)
        {
            if (ParsePrefix(bits) is not (>= 8 and <= 30 and var prefix))
            {
                file.Fail(key, $"{expected}, with a prefix of 8 to 30 bits");
                return null;
            }
            var network = new IPNetwork(Address(Number(address) & uint.MaxValue << (32 - prefix)), prefix);
            if (AddressChecks.WhyNoHost(address, network) is not { } why) return (address, network);
            var problem = $"{address} {why}: {expected}";
            if (IsUnicast(address)) file.Fail(key, problem);
            else
            {
                file.Doubt(key, problem);
                return (address, network);
            }
        }
        return null;
    }

    private static (IPAddress? Start, IPAddress? End) ReadRange(ConfigurationFile file, DhcpMode mode)
    {
        const string key = "dhcp.range", expected = "two IPv4 addresses are expected: [\"FIRST\", \"LAST\"]";
        if (!file.TryGet(key, out var value, out _))
        {
            if (mode == DhcpMode.Full) file.Fail(key, "is required in mode full: [\"FIRST\", \"LAST\"]");
            return (null, null);
        }
        if (value is not List<string> { Count: 2 } ends) file.Fail(key, expected);
        else if (file.Dotted(key, ends[0], expected) is { } start && file.Dotted(key, ends[1], expected) is { } end)
        {
            if (Number(start) <= Number(end)) return (start, end);
            file.Fail(key, "its first address comes after its last: exchange them");
        }
        return (null, null);
    }

    /// <param name="machines">Null where the networks are not to be compared with it.</param>
    private static KubernetesSettings ReadKubernetes(ConfigurationFile file, IPNetwork? machines)
    {
        var defaults = new KubernetesSettings();
        // Every node gets a /24 of the pods' network; of the services' network the API server takes at most 20 bits.
        var pods = ReadBlock(file, "kubernetes.pod-network", defaults.PodNetwork, 8, 22);
        var services = ReadBlock(file, "kubernetes.service-network", defaults.ServiceNetwork, 12, 24);
        CompareNetworks(file, machines, pods, services);
        return new KubernetesSettings
        {
            Enabled = file.Flag("kubernetes.enabled", HasKubernetes),
            PodNetwork = pods,
            ServiceNetwork = services,
            ApiNames = ReadApiNames(file),
            ApiPort = file.Number("kubernetes.api-port", defaults.ApiPort, 1, 65535),
            Network = file.Choice("kubernetes.network", PodNetworkProvider.Operos),
            CertificateLife = file.Life("kubernetes.certificate-life", CertificateLives.Kubernetes),
        };
    }

    /// <summary>
    /// Where the file says neither yes nor no the image decides: the same file is refused wherever it is checked, and a controller whose
    /// image has no Kubernetes runs with it.
    /// </summary>
    private static void CompareNetworks(ConfigurationFile file, IPNetwork? machines, IPNetwork pods, IPNetwork services)
    {
        if (file.TryGet("kubernetes.enabled", out var enabled, out _) && enabled is false) return;
        var isOpen = enabled is null && !HasKubernetes;
        if (isOpen && file.IsDoubted("network.address")) machines = null;
        Action<string, string> tell = isOpen
            ? (key, problem) => file.Doubt(key, $"{problem}; kubernetes.enabled = false where none is to run") : file.Fail;
        if (machines is { } network)
        {
            if (Overlap(pods, network)) tell("kubernetes.pod-network", $"{pods} overlaps the machines' network {network}");
            if (Overlap(services, network)) tell("kubernetes.service-network", $"{services} overlaps the machines' network {network}");
        }
        if (Overlap(pods, services)) tell("kubernetes.service-network", $"{services} overlaps the pods' network {pods}");
    }

    private static List<string> ReadApiNames(ConfigurationFile file)
    {
        const string key = "kubernetes.api-names", expected = "IPv4 addresses and DNS names in lower case are expected";
        var names = file.List(key, [],
            value => DnsName.IsName(value) || ParseAmbiguous(value) is not null ? null : Problem(value, expected));
        // A name of numbers alone is an address to some programs.
        foreach (var odd in names.Where(name => DnsName.IsName(name) && IsNumeric(name)))
            if (Problem(odd, expected) is { } problem) file.Doubt(key, problem);
        return names;
    }

    /// <returns>Null where it is missing.</returns>
    private static List<string>? ReadTimeServers(ConfigurationFile file, IPAddress own)
    {
        const string key = "time.servers", expected = "IPv4 addresses and DNS names in lower case are expected";
        if (!file.TryGet(key, out _, out _)) return null;
        var servers = file.List(key, [], value => Parse(value) is not { } server
            ? DnsName.IsName(value) && !IsNumeric(value) ? null : Problem(value, expected)
            : server.Equals(own) ? $"holds the controller's own address {own}, which would ask itself" : null);
        if (servers.Count > MaxTimeServers) file.Fail(key, $"names {servers.Count} servers: {MaxTimeServers} at most are expected");
        return [.. servers.Distinct()];
    }

    private static IPNetwork ReadBlock(ConfigurationFile file, string key, IPNetwork fallback, int shortest, int longest)
    {
        if (!file.TryGet(key, out var value, out _)) return fallback;
        var expected = $"an IPv4 network with a prefix of {shortest} to {longest} bits is expected, such as \"{fallback}\"";
        if (value is string text && text.Split('/') is [var host, var bits])
        {
            if (file.Dotted(key, host, expected) is not { } first) return fallback;
            if (ParsePrefix(bits) is not { } prefix || prefix < shortest || prefix > longest) file.Fail(key, expected);
            else if ((Number(first) & uint.MaxValue >> prefix) == 0) return new IPNetwork(first, prefix);
            else file.Fail(key, $"{first} is no network's first address: {expected}");
        }
        else file.Fail(key, expected);
        return fallback;
    }

    /// <summary>Whether the file turns it off. Where only this image does, the file's domains are checked for one that has it.</summary>
    private static bool IsDnsOff(ConfigurationFile file) =>
        (file.TryGet("dns.enabled", out var value, out _) || file.TryGet("kubernetes.enabled", out value, out _)) && value is false;

    private static bool Overlap(IPNetwork a, IPNetwork b) => a.Contains(b.BaseAddress) || b.Contains(a.BaseAddress);

    /// <summary>With room for the labels of a port, a pod, a service and a namespace before it.</summary>
    private static string ReadDomain(ConfigurationFile file, string key, string fallback)
    {
        const int longest = 48;
        var expected = $"a domain name in lower case of at most {longest} characters is expected, such as \"{fallback}\"";
        var domain = file.Text(key, value => DnsName.IsName(value) && value.Length <= longest && ParseAmbiguous(value) is null, expected)
            ?? fallback;
        if (IsNumeric(domain) && ParseAmbiguous(domain) is null) file.Doubt(key, expected);
        return domain;
    }

    private static string Suggest(string key)
    {
        var last = key[(key.IndexOf('.', StringComparison.Ordinal) + 1)..];
        var near = Known.FirstOrDefault(known =>
            known.EndsWith(last, StringComparison.OrdinalIgnoreCase) || known.StartsWith(key, StringComparison.OrdinalIgnoreCase));
        if (near is not null) return $"; did you mean {near}?";
        var table = Known.Where(known => known.StartsWith(key.Split('.')[0] + ".", StringComparison.Ordinal)).ToList();
        return table.Count > 0 ? $"; there are {string.Join(", ", table)}"
            : $"; the tables are {string.Join(", ", Known.Select(known => $"[{known.Split('.')[0]}]").Distinct())}";
    }

    /// <summary>A key type and its Base64, then what people write beside it; no options, which come first, and no second line.</summary>
    private static bool IsAuthorizedKey(string value) =>
        value.Length <= MaxAuthorizedKey && !value.Any(char.IsControl) && value.Split(' ') is [var type, { Length: > 0 } key, ..]
        && (type.StartsWith("ssh-", StringComparison.Ordinal) || type.StartsWith("ecdsa-", StringComparison.Ordinal)
            || type.StartsWith("sk-", StringComparison.Ordinal))
        && System.Buffers.Text.Base64.IsValid(key);
}
