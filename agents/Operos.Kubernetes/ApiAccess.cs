namespace Operos.Kubernetes;

/// <summary>Where the API server is and who we are to it: PEM files, read again when they change.</summary>
public sealed record ApiAccess
{
    /// <summary>Such as <c>https://10.77.0.1:6443</c>; its host must be one of the server certificate's names.</summary>
    public required Uri Server { get; init; }
    /// <summary>The authorities that may vouch for the server, PEM, one or more.</summary>
    public required string AuthorityFile { get; init; }
    public required string CertificateFile { get; init; }
    public required string KeyFile { get; init; }
    /// <summary>The name in the audit log, such as <c>operos-worker/0.1.0</c>.</summary>
    public string Agent { get; init; } = "operos";
    /// <summary>How long one call may take; a watch may last.</summary>
    public TimeSpan CallTimeout { get; init; } = TimeSpan.FromSeconds(30);
}
