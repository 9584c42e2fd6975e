using System.Net;
using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Operos.Authority;
using Operos.Controller.Configuration;
using Operos.Controller.Operators;
using Operos.Linux;
using Operos.Release;
using Operos.Release.Publishing;

namespace Operos.Controller.Setup;

/// <summary>
/// Makes what a new controller's disk holds: authority, configuration, network, credentials, trust anchor. A rerun keeps the authority.
/// </summary>
internal sealed record ControllerSetup
{
    public required string Folder { get; init; }
    public required string Address { get; init; }
    /// <summary>The public keys that releases are trusted by, one or more, PEM.</summary>
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
        var keys = ReleaseKey.Write(P256.ReadPublicKeys(ReleaseKeyPem));
        var toml = Configuration();
        var settings = SettingsReader.Read("controller.toml", toml);
        var isNew = !File.Exists(Path.Combine(Folder, "state/pki/ca.crt"));
        var authority = CertificateAuthority.OpenOrCreate(Path.Combine(Folder, "state/pki"), TimeProvider.System);
        var caPem = authority.Certificate.ExportCertificatePem() + "\n";
        var anchor = AnchorArchive.Write(keys, caPem);
        Write("anchor.cpio", anchor);
        Write("state/anchor.cpio", anchor);
        Write("state/release.pub", Encoding.ASCII.GetBytes(keys));
        Write("upper/etc/operos/controller.toml", Encoding.UTF8.GetBytes(toml));
        Write("upper/etc/systemd/network/10-operos.network", Encoding.ASCII.GetBytes(Network(settings)));
        var records = new OperatorStore(Path.Combine(Folder, "state/operators"), NullLogger<OperatorStore>.Instance);
        var operators = new OperatorRegistry(records, authority, TimeProvider.System);
        if (!isNew) operators.AdoptFirst();
        Credentials("admin", OperatorRegistry.First, settings.Address);
        Credentials("upper/etc/operos/operosctl", "console", IPAddress.Loopback);
        if (AuthorizedKeys is not null)
            Write("upper/root/.ssh/authorized_keys", Encoding.UTF8.GetBytes(AuthorizedKeys), FileModes.Private);
        return settings;

        void Credentials(string folder, string name, IPAddress address) =>
            CredentialFolder.Write(Path.Combine(Folder, folder), operators, name, "setup", authority,
                new IPEndPoint(address, settings.ControlPort));
    }

    private IReadOnlyList<string> AuthorizedKeyLines =>
        [.. (AuthorizedKeys ?? "").Split('\n').Select(line => line.Trim()).Where(line => line.Length > 0 && line[0] != '#')
            .Select(line => line.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal))];

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
        if (DhcpRange?.Split(',', StringSplitOptions.TrimEntries).Select(end => $"\"{end}\"") is { } ends)
            text.Append(null, $"range = [{string.Join(", ", ends)}]\n");
        if (AuthorizedKeyLines is { Count: > 0 } keys)
            text.Append(null, $"\n[nodes]\nauthorized-keys = [{string.Join(", ", keys.Select(key => $"\"{key}\""))}]\n");
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

    private void Write(string name, byte[] contents, UnixFileMode mode = FileModes.Readable)
    {
        var path = Path.Combine(Folder, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        AtomicFile.Write(path, contents, mode);
    }
}
