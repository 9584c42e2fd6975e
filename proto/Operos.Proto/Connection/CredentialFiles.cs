namespace Operos.Proto.Connection;

/// <summary>The files of an operator's credentials, all in one folder.</summary>
public static class CredentialFiles
{
    /// <summary>The cluster's certificate authority, PEM.</summary>
    public const string Authority = "ca.crt";
    /// <summary>The controller's ADDRESS:PORT.</summary>
    public const string Endpoint = "endpoint";
    /// <summary>Certificate and key in one, PEM: a renewal replaces both at once.</summary>
    public const string Client = "client.pem";
    /// <summary>The two of a folder that was never renewed.</summary>
    public const string OldCertificate = "client.crt", OldKey = "client.key";
}
