using System.Net;
using System.Text;
using Operos.Controller.Configuration;
using Operos.Controller.Pki;
using Operos.Linux;
using Operos.Release;

namespace Operos.Controller.Setup;

/// <summary>Makes what a new controller's disk holds: authority, configuration, network, credentials, trust anchor. A rerun keeps the authority.</summary>
internal sealed record ControllerSetup
{
    private static readonly TimeSpan OperatorLife = TimeSpan.FromDays(365);
    private const UnixFileMode Readable = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead;

    public required string Folder { get; init; }
    public required string Address { get; init; }
    public required string ReleaseKeyPem { get; init; }
    public string Admission { get; init; } = "approve";
    public string DhcpMode { get; init; } = "full";
    public string? DhcpRange { get; init; }
    /// <summary>An authorized_keys file's text: for root on the controller, and by the configuration on each worker.</summary>
    public string? AuthorizedKeys { get; init; }
    public string? ExtraConfiguration { get; init; }

    /// <exception cref="ConfigurationException">The values do not make a valid configuration.</exception>
    public ControllerSettings Run()
    {
        P256.ReadPublicKey(ReleaseKeyPem);
        var toml = Configuration();
        var settings = SettingsReader.Read("controller.toml", toml);
        var authority = CertificateAuthority.OpenOrCreate(Path.Combine(Folder, "state/pki"), TimeProvider.System);
        var caPem = authority.Certificate.ExportCertificatePem() + "\n";
        var anchor = AnchorArchive.Write(ReleaseKeyPem, caPem);
        Write("anchor.cpio", anchor);
        Write("state/anchor.cpio", anchor);
        Write("state/release.pub", Encoding.ASCII.GetBytes(ReleaseKeyPem));
        Write("upper/etc/operos/controller.toml", Encoding.UTF8.GetBytes(toml));
        Write("upper/etc/systemd/network/10-operos.network", Encoding.ASCII.GetBytes(Network(settings)));
        Credentials("admin", authority, caPem, new IPEndPoint(settings.Address, settings.ControlPort));
        Credentials("upper/etc/operos/operosctl", authority, caPem, new IPEndPoint(IPAddress.Loopback, settings.ControlPort));
        if (AuthorizedKeys is not null) Write("upper/root/.ssh/authorized_keys", Encoding.UTF8.GetBytes(AuthorizedKeys), UnixFileMode.UserRead | UnixFileMode.UserWrite);
        return settings;
    }

    private IReadOnlyList<string> AuthorizedKeyLines =>
        [.. (AuthorizedKeys ?? "").Split('\n').Select(line => line.Trim()).Where(line => line.Length > 0 && line[0] != '#').Select(line => line.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal))];

    private string Configuration()
    {
        var text = new StringBuilder($"""
            # The controller's configuration. operos-controller check-config checks it; restart operos-controller.service to apply it.
            [cluster]
            admission = "{Admission}"

            [network]
            address = "{Address}"

            [dhcp]
            mode = "{DhcpMode}"

            """);
        if (DhcpRange?.Split(',') is [var first, var last]) text.Append(null, $"range = [\"{first}\", \"{last}\"]\n");
        if (AuthorizedKeyLines is { Count: > 0 } keys) text.Append(null, $"\n[nodes]\nauthorized-keys = [{string.Join(", ", keys.Select(key => $"\"{key}\""))}]\n");
        if (ExtraConfiguration is not null) text.Append('\n').Append(ExtraConfiguration.TrimEnd()).Append('\n');
        return text.ToString();
    }

    private static string Network(ControllerSettings settings) => $"""
        # Written at setup: the controller's own address, on its first network interface.
        [Match]
        Type=ether
        Kind=!*

        [Network]
        Address={settings.Address}/{settings.Network.PrefixLength}
        {(settings.Gateway is null ? "" : $"Gateway={settings.Gateway}")}
        IPv6AcceptRA=no
        ConfigureWithoutCarrier=yes

        """;

    private void Credentials(string folder, CertificateAuthority authority, string caPem, IPEndPoint endpoint)
    {
        var (certificate, key) = authority.IssueOperator("admin", OperatorLife);
        Write($"{folder}/ca.crt", Encoding.ASCII.GetBytes(caPem));
        Write($"{folder}/endpoint", Encoding.ASCII.GetBytes($"{endpoint}\n"));
        Write($"{folder}/client.crt", Encoding.ASCII.GetBytes(certificate));
        Write($"{folder}/client.key", Encoding.ASCII.GetBytes(key), UnixFileMode.UserRead | UnixFileMode.UserWrite);
    }

    private void Write(string name, byte[] contents, UnixFileMode mode = Readable)
    {
        var path = Path.Combine(Folder, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        AtomicFile.Write(path, contents, mode);
    }
}
