namespace Operos.Node.Certificates;

/// <summary>
/// Gets certificates for keys that the node made: over the control connection on a worker, from the authority itself on a controller.
/// </summary>
/// <param name="requests">PKCS #10, DER, by purpose (<see cref="Proto.NodeCertificate"/>).</param>
/// <returns>X.509, DER, by purpose.</returns>
/// <exception cref="NodeException">There is nobody to ask, or it refused.</exception>
public delegate Task<IReadOnlyDictionary<string, byte[]>> CertificateSource(
    IReadOnlyDictionary<string, byte[]> requests, CancellationToken cancellationToken);
