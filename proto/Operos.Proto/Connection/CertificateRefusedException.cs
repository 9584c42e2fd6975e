using System.Net;

namespace Operos.Proto.Connection;

/// <summary>
/// The controller ended the connection when it had seen the client's certificate, before a word was said. TLS 1.3 does not tell a client
/// why: one that restarts just then looks the same, so who asks again tells the two apart.
/// </summary>
public sealed class CertificateRefusedException(IPEndPoint controller) : IOException(
    $"the certificate is refused by the controller at {controller}: it is of another cluster, or was not renewed in time");
