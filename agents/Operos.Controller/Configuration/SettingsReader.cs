using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Operos.Authority;
using Operos.ControlPlane.Configuration;
using Operos.Names;
using Operos.Release;

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
        "kubernetes.network", "kubernetes.certificate-life",
    ];

    private const int MaxAuthorizedKey = 8192;

    /// <summary>Whether the image has the component (images/README.md): without it there is nothing to run.</summary>
    private static bool HasKubernetes => File.Exists("/usr/bin/kube-apiserver");

    /// <exception cref="ConfigurationException">With all that is wrong.</exception>
    public static ControllerSettings Load(string path)
    {
        try { return Read(path, File.ReadAllText(path)); }
        catch (IOException e) { throw new ConfigurationException([$"{path}: {e.Message}"]); }
    }

    public static ControllerSettings Read(string path, string text)
    {
        var file = new ConfigurationFile(path, text);
        foreach (var key in file.Keys.Except(Known).ToList()) file.Fail(key, $"no such setting{Suggest(key)}");
        var (address, network) = ReadNetwork(file);
        var mode = ReadChoice(file, "dhcp.mode", DhcpMode.Full);
        var range = ReadRange(file, mode, address, network);
        var settings = new ControllerSettings
        {
            Admission = ReadChoice(file, "cluster.admission", AdmissionPolicy.Approve),
            Readmission = ReadChoice(file, "cluster.readmission", ReadmissionPolicy.Auto),
            Address = address,
            Network = network,
            ControlPort = ReadNumber(file, "control.port", 7443, 1, 65535),
            HttpPort = ReadNumber(file, "boot.http-port", 7480, 1, 65535),
            Release = ReadText(file, "boot.release", value => ReleaseManifest.IsVersion(value) ? null : "a release's name is expected"),
            MenuSeconds = ReadNumber(file, "boot.menu-seconds", 3, 0, 300),
            Consoles = ReadList(file, "boot.consoles", ["tty0", "ttyS0,115200"],
                value => value.All(c => char.IsAsciiLetterOrDigit(c) || c is ',' or '.')
                ? null : "a kernel console is expected, such as ttyS0,115200"),
            KernelArguments = ReadText(file, "boot.kernel-arguments",
                value => value.All(c => c is >= ' ' and < (char)127 && c is not ('"' or '\\' or ';' or '{' or '}' or '$'))
                && value.Length < 512 ? null : "plain kernel arguments of at most 512 characters are expected") ?? "",
            DhcpMode = mode,
            RangeStart = range.Start,
            RangeEnd = range.End,
            Lease = ReadDuration(file, "dhcp.lease", TimeSpan.FromHours(1), TimeSpan.FromMinutes(2), TimeSpan.FromDays(30)),
            Gateway = ReadText(file, "dhcp.gateway", value => ReadIPv4(value) is null ? "an IPv4 address is expected" : null) is { } gateway
                ? ReadIPv4(gateway) : null,
            Dns = [.. ReadList(file, "dhcp.dns", [], value => ReadIPv4(value) is null ? "IPv4 addresses are expected" : null)
                .Select(ReadIPv4).OfType<IPAddress>()],
            ClusterDomain = ReadDomain(file, "cluster.domain", "cluster.local"),
            DnsEnabled = ReadFlag(file, "dns.enabled", ReadFlag(file, "kubernetes.enabled", HasKubernetes)),
            DnsUpstream = ReadServers(file, address),
            MachinesDomain = ReadDomain(file, "dns.machines-domain", "machines.operos.internal"),
            WorkerCertificate = ReadLife(file, "pki.worker-certificate", CertificateLives.Machine),
            MaxPending = ReadNumber(file, "limits.max-pending", ControllerSettings.UsualMaxPending, 1, 10_000),
            MaxMachines = ReadNumber(file, "limits.max-machines", ControllerSettings.UsualMaxMachines, 1, 100_000),
            Silence = ReadDuration(file, "limits.silence", ControllerSettings.UsualSilence, TimeSpan.FromSeconds(1), TimeSpan.FromHours(1)),
            AuthorizedKeys = ReadList(file, "nodes.authorized-keys", [], value => IsAuthorizedKey(value)
                ? null : "SSH public keys are expected, such as \"ssh-ed25519 AAAA... name\""),
            Kubernetes = ReadKubernetes(file, network),
        };
        if (settings.ControlPort == settings.HttpPort) file.Fail("boot.http-port", "is the control port too; choose another");
        if (settings.Kubernetes.Enabled && (settings.Kubernetes.ApiPort == settings.ControlPort
            || settings.Kubernetes.ApiPort == settings.HttpPort)) file.Fail(
            "kubernetes.api-port", "is the port of another of the controller's servers; choose another");
        if (ZonePlan.IsWithin(settings.MachinesDomain, settings.ClusterDomain)
            || ZonePlan.IsWithin(settings.ClusterDomain, settings.MachinesDomain))
            file.Fail("dns.machines-domain", $"must not lie within the cluster's domain {settings.ClusterDomain}, nor around it");
        return file.Errors.Count == 0 ? settings : throw new ConfigurationException(file.Errors);
    }

    private static (IPAddress, IPNetwork) ReadNetwork(ConfigurationFile file)
    {
        const string key = "network.address", expected = "an IPv4 address with its prefix length is expected, such as \"10.77.0.1/24\"";
        var fallback = (IPAddress.Loopback, new IPNetwork(IPAddress.Parse("127.0.0.0"), 8));
        if (!file.TryGet(key, out var value, out _))
        {
            file.Fail(key, $"is required; {expected}");
            return fallback;
        }
        if (value is string text && text.Split('/') is [var host, var bits] && ReadIPv4(host) is { } address
            && int.TryParse(bits, NumberStyles.None, CultureInfo.InvariantCulture, out var prefix) && prefix is >= 8 and <= 30)
        {
            var mask = uint.MaxValue << (32 - prefix);
            var number = Number(address);
            if ((number & ~mask) != 0 && (number | mask) != uint.MaxValue) return (address, new IPNetwork(Address(number & mask), prefix));
        }
        file.Fail(key, expected);
        return fallback;
    }

    private static (IPAddress? Start, IPAddress? End) ReadRange(ConfigurationFile file, DhcpMode mode, IPAddress own, IPNetwork network)
    {
        const string key = "dhcp.range";
        if (!file.TryGet(key, out var value, out _))
        {
            if (mode == DhcpMode.Full) file.Fail(key, "is required in mode full: [\"FIRST\", \"LAST\"]");
            return (null, null);
        }
        if (value is not List<string> { Count: 2 } ends || ReadIPv4(ends[0]) is not { } start || ReadIPv4(ends[1]) is not { } end)
        {
            file.Fail(key, "two IPv4 addresses are expected: [\"FIRST\", \"LAST\"]");
            return (null, null);
        }
        if (!network.Contains(start) || !network.Contains(end)) file.Fail(key, $"is not within the network {network}");
        else if (Number(start) > Number(end)) file.Fail(key, "its first address comes after its last");
        else if (Number(own) >= Number(start) && Number(own) <= Number(end)) file.Fail(key, $"holds the controller's own address {own}");
        return (start, end);
    }

    private static KubernetesSettings ReadKubernetes(ConfigurationFile file, IPNetwork machines)
    {
        var defaults = new KubernetesSettings();
        // Every node gets a /24 of the pods' network; of the services' network the API server takes at most 20 bits.
        var pods = ReadBlock(file, "kubernetes.pod-network", defaults.PodNetwork, 8, 22);
        var services = ReadBlock(file, "kubernetes.service-network", defaults.ServiceNetwork, 12, 24);
        if (Overlap(pods, machines)) file.Fail("kubernetes.pod-network", $"{pods} overlaps the machines' network {machines}");
        if (Overlap(services, machines)) file.Fail("kubernetes.service-network", $"{services} overlaps the machines' network {machines}");
        if (Overlap(pods, services)) file.Fail("kubernetes.service-network", $"{services} overlaps the pods' network {pods}");
        return new KubernetesSettings
        {
            Enabled = ReadFlag(file, "kubernetes.enabled", HasKubernetes),
            PodNetwork = pods,
            ServiceNetwork = services,
            ApiNames = ReadList(file, "kubernetes.api-names", [], value => ReadIPv4(value) is not null || DnsName.IsName(value)
                ? null : "IPv4 addresses and DNS names in lower case are expected"),
            ApiPort = ReadNumber(file, "kubernetes.api-port", defaults.ApiPort, 1, 65535),
            Network = ReadChoice(file, "kubernetes.network", PodNetworkProvider.Operos),
            CertificateLife = ReadLife(file, "kubernetes.certificate-life", CertificateLives.Kubernetes),
        };
    }

    private static IPNetwork ReadBlock(ConfigurationFile file, string key, IPNetwork fallback, int shortest, int longest)
    {
        if (!file.TryGet(key, out var value, out _)) return fallback;
        if (value is string text && text.Split('/') is [var host, _] && ReadIPv4(host) is { } first
            && IPNetwork.TryParse(text, out var network) && network.BaseAddress.Equals(first) && network.PrefixLength >= shortest
            && network.PrefixLength <= longest) return network;
        file.Fail(key, $"an IPv4 network with a prefix of {shortest} to {longest} bits is expected, such as \"{fallback}\"");
        return fallback;
    }

    private static bool Overlap(IPNetwork a, IPNetwork b) => a.Contains(b.BaseAddress) || b.Contains(a.BaseAddress);

    /// <summary>With room for the labels of a port, a pod, a service and a namespace before it.</summary>
    private static string ReadDomain(ConfigurationFile file, string key, string fallback)
    {
        const int longest = 48;
        return ReadText(file, key, value => DnsName.IsName(value) && value.Length <= longest && ReadIPv4(value) is null
            ? null : $"a domain name in lower case of at most {longest} characters is expected, such as \"{fallback}\"") ?? fallback;
    }

    private static List<IPAddress> ReadServers(ConfigurationFile file, IPAddress own)
    {
        var servers = ReadList(file, "dns.upstream", [], value => ReadIPv4(value) is not { } server
            ? "IPv4 addresses are expected" : server.Equals(own)
            ? $"holds the controller's own address {own}, which would ask itself" : null);
        return [.. servers.Select(ReadIPv4).OfType<IPAddress>()];
    }

    private static bool ReadFlag(ConfigurationFile file, string key, bool fallback)
    {
        if (!file.TryGet(key, out var value, out _)) return fallback;
        if (value is bool flag) return flag;
        file.Fail(key, "true or false is expected");
        return fallback;
    }

    private static T ReadChoice<T>(ConfigurationFile file, string key, T fallback) where T : struct, Enum
    {
        if (!file.TryGet(key, out var value, out _)) return fallback;
        if (value is string text && text == text.ToLowerInvariant() && Enum.TryParse<T>(text, ignoreCase: true, out var choice)
            && !int.TryParse(text, out _)) return choice;
        file.Fail(key, $"one of {string.Join(", ", Enum.GetNames<T>().Select(name => $"\"{name.ToLowerInvariant()}\""))} is expected");
        return fallback;
    }

    private static int ReadNumber(ConfigurationFile file, string key, int fallback, int least, int most)
    {
        if (!file.TryGet(key, out var value, out _)) return fallback;
        if (value is long number && number >= least && number <= most) return (int)number;
        file.Fail(key, $"a number from {least} to {most} is expected");
        return fallback;
    }

    private static string? ReadText(ConfigurationFile file, string key, Func<string, string?> problem)
    {
        if (!file.TryGet(key, out var value, out _)) return null;
        var wrong = value is string text ? problem(text) : "a text is expected";
        if (wrong is not null) file.Fail(key, wrong);
        return value as string;
    }

    private static List<string> ReadList(ConfigurationFile file, string key, List<string> fallback, Func<string, string?> problem)
    {
        if (!file.TryGet(key, out var value, out _)) return fallback;
        if (value is not List<string> list)
        {
            file.Fail(key, "a list of texts is expected");
            return fallback;
        }
        if (list.Select(problem).FirstOrDefault(wrong => wrong is not null) is { } first) file.Fail(key, first);
        return list;
    }

    private static TimeSpan ReadLife(ConfigurationFile file, string key, LifeBounds bounds) =>
        ReadDuration(file, key, bounds.Default, bounds.Shortest, bounds.Longest);

    private static TimeSpan ReadDuration(ConfigurationFile file, string key, TimeSpan fallback, TimeSpan least, TimeSpan most)
    {
        if (!file.TryGet(key, out var value, out _)) return fallback;
        if (value is string { Length: >= 2 } text && int.TryParse(
            text[..^1], NumberStyles.None, CultureInfo.InvariantCulture, out var number))
        {
            TimeSpan? duration = text[^1] switch
            {
                's' => TimeSpan.FromSeconds(number), 'm' => TimeSpan.FromMinutes(number), 'h' => TimeSpan.FromHours(number),
                'd' => TimeSpan.FromDays(Math.Min(number, 100_000)), _ => null,
            };
            if (duration >= least && duration <= most) return duration.Value;
        }
        file.Fail(key, $"a time from {Show(least)} to {Show(most)} is expected, such as \"90m\", \"12h\" or \"30d\"");
        return fallback;
    }

    private static string Show(TimeSpan time) =>
        time.TotalDays >= 1 ? $"{time.TotalDays}d" : time.TotalHours >= 1 ? $"{time.TotalHours}h" : $"{time.TotalMinutes}m";

    private static string Suggest(string key)
    {
        var last = key[(key.IndexOf('.', StringComparison.Ordinal) + 1)..];
        var near = Known.FirstOrDefault(known =>
            known.EndsWith(last, StringComparison.OrdinalIgnoreCase) || known.StartsWith(key, StringComparison.OrdinalIgnoreCase));
        if (near is not null) return $"; did you mean {near}?";
        var table = Known.Where(known => known.StartsWith(key.Split('.')[0] + ".", StringComparison.Ordinal));
        return $"; there are {string.Join(", ", table.DefaultIfEmpty("those in README.md"))}";
    }

    /// <summary>A key type and its Base64, then what people write beside it; no options, which come first, and no second line.</summary>
    private static bool IsAuthorizedKey(string value) =>
        value.Length <= MaxAuthorizedKey && !value.Any(char.IsControl) && value.Split(' ') is [var type, { Length: > 0 } key, ..]
        && (type.StartsWith("ssh-", StringComparison.Ordinal) || type.StartsWith("ecdsa-", StringComparison.Ordinal)
            || type.StartsWith("sk-", StringComparison.Ordinal))
        && System.Buffers.Text.Base64.IsValid(key);

    private static IPAddress? ReadIPv4(string text) =>
        IPAddress.TryParse(text, out var address) && address.AddressFamily == AddressFamily.InterNetwork && text.Count(c => c == '.') == 3
            ? address : null;

    private static uint Number(IPAddress address) => System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(address.GetAddressBytes());

    private static IPAddress Address(uint number) => new([(byte)(number >> 24), (byte)(number >> 16), (byte)(number >> 8), (byte)number]);
}
