using System.Globalization;
using System.Net;
using System.Text;
using System.Text.RegularExpressions;
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
internal sealed partial record ControllerSetup
{
    private const string FileName = "controller.toml";

    public required string Folder { get; init; }
    public required string Address { get; init; }
    /// <summary>The public keys that releases are trusted by, one or more, PEM.</summary>
    public required string ReleaseKeyPem { get; init; }
    public string Admission { get; init; } = "approve";
    public string DhcpMode { get; init; } = "full";
    public string? DhcpRange { get; init; }
    /// <summary>The MAC of the card that has the address, for a machine that has several; any Ethernet card where it is null.</summary>
    public string? Nic { get; init; }
    /// <summary>An authorized_keys file's text: for root on the controller, and by the configuration on each worker.</summary>
    public string? AuthorizedKeys { get; init; }
    public string? ExtraConfiguration { get; init; }

    /// <summary>Whether the folder has been set up before.</summary>
    public bool IsDone => File.Exists(Path.Combine(Folder, "state/pki/ca.crt"));

    /// <exception cref="ConfigurationException">The values do not make a valid configuration.</exception>
    public ControllerSettings Run()
    {
        var match = Match();
        var keys = ReadKeys();
        var ofOptions = Configuration();
        var toml = ofOptions + (ExtraConfiguration is null ? "" : $"\n{ExtraConfiguration.TrimEnd()}\n");
        ControllerSettings settings;
        try { settings = SettingsReader.Read(FileName, toml); }
        catch (ConfigurationException e)
        {
            // A blank line stands between the two.
            var before = ofOptions.Count(letter => letter == '\n') + 1;
            throw new ConfigurationException([.. e.Errors.Select(error => AsOption(error, before))]);
        }
        var isNew = !IsDone;
        var authority = CertificateAuthority.OpenOrCreate(Path.Combine(Folder, "state/pki"), TimeProvider.System);
        var caPem = authority.Certificate.ExportCertificatePem() + "\n";
        var anchor = AnchorArchive.Write(keys, caPem);
        Write("anchor.cpio", anchor);
        Write("state/anchor.cpio", anchor);
        Write("state/release.pub", Encoding.ASCII.GetBytes(keys));
        Write("upper/etc/operos/controller.toml", Encoding.UTF8.GetBytes(toml));
        Write("upper/etc/systemd/network/10-operos.network", Encoding.ASCII.GetBytes(Network(settings, match)));
        // Not \4: before its card is up, agetty(8) takes the name's address for it, which is a loopback one.
        Write("upper/etc/issue", Encoding.ASCII.GetBytes($"Operos controller \\n at {settings.Address} (\\l)\n\n"));
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

    private string ReadKeys()
    {
        try { return ReleaseKey.Write(P256.ReadPublicKeys(ReleaseKeyPem)); }
        catch (ReleaseFormatException e)
        {
            var isPrivate = ReleaseKeyPem.Contains("PRIVATE KEY", StringComparison.Ordinal);
            throw new ConfigurationException(["--release-key: " + (isPrivate
                ? "a private key; the public one is expected: release.pub beside it" : e.Message)]);
        }
    }

    /// <summary>What is wrong with a file that is yet to be written is wrong with what it was to be made of.</summary>
    /// <param name="before">The lines that come before those of --extra-config.</param>
    private static string AsOption(string error, int before)
    {
        var match = ErrorPattern().Match(error);
        var line = match.Groups["line"].Success ? int.Parse(match.Groups["line"].ValueSpan, CultureInfo.InvariantCulture) - before : 0;
        if (line > 0) return $"--extra-config, line {line}: {match.Groups["told"].Value}";
        var option = match.Groups["key"].Value switch
        {
            "network.address" => "--address",
            "dhcp.mode" => "--dhcp-mode",
            "dhcp.range" => "--dhcp-range",
            "cluster.admission" => "--admission",
            "nodes.authorized-keys" => "--authorized-keys",
            _ => null,
        };
        return option is null ? error : $"{option}: {match.Groups["problem"].Value}";
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
        return text.ToString();
    }

    /// <summary>
    /// Which card it is, as systemd.network(5) says it. By MAC: names follow slots, and another card may get the name. What is made over
    /// the card, such as a VLAN, has its MAC too.
    /// </summary>
    private string Match()
    {
        if (Nic is null) return "Type=ether\nKind=!*";
        var mac = Nic.Replace('-', ':').ToLowerInvariant();
        // The lowest bit of the first byte is set in addresses of groups, which no card has (IEEE 802).
        if (!MacPattern().IsMatch(mac) || (Convert.FromHexString(mac[..2])[0] & 1) != 0 || mac == "00:00:00:00:00:00")
            throw new ConfigurationException([$"--nic: '{PrintableText.Line(Nic)}' is no MAC of a network card; one such as "
                + "52:54:00:12:34:56 is expected, as `ip link` shows it"]);
        return $"MACAddress={mac}\nKind=!bond bridge ipvlan macvlan macvtap team vlan vrf";
    }

    private static string Network(ControllerSettings settings, string match) => $"""
        # Written at setup: the controller's own address.
        [Match]
        {match}

        [Network]
        Address={settings.Address}/{settings.Network.PrefixLength}
        {(settings.Gateway is null ? "" : $"Gateway={settings.Gateway}")}
        IPv6AcceptRA=no
        ConfigureWithoutCarrier=yes

        """;

    [GeneratedRegex(@"^controller\.toml(:(?<line>\d+))?: (?<told>((?<key>[a-z.-]+): )?(?<problem>.*))$", RegexOptions.Singleline)]
    private static partial Regex ErrorPattern();

    [GeneratedRegex("^([0-9a-f]{2}:){5}[0-9a-f]{2}$")]
    private static partial Regex MacPattern();

    private void Write(string name, byte[] contents, UnixFileMode mode = FileModes.Readable)
    {
        var path = Path.Combine(Folder, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        AtomicFile.Write(path, contents, mode);
    }
}
