namespace Operos.Policy.Policies;

/// <summary>The protocols that a policy can name.</summary>
public enum Protocol { Tcp, Udp, Sctp }

/// <summary>How Kubernetes and nftables write a protocol.</summary>
internal static class Protocols
{
    /// <summary>A protocol that is not given is TCP.</summary>
    public static bool TryParse(string? text, out Protocol protocol)
    {
        protocol = text switch { "UDP" => Protocol.Udp, "SCTP" => Protocol.Sctp, _ => Protocol.Tcp };
        return text is null or "TCP" or "UDP" or "SCTP";
    }

    public static string ToNft(this Protocol protocol) => protocol switch { Protocol.Udp => "udp", Protocol.Sctp => "sctp", _ => "tcp" };
}
