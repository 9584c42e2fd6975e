using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Serialization;
using Operos.Authority;
using Operos.Proto;
using Operos.Proto.Connection;

namespace Operos.Controller.Operators;

/// <summary>Who may operate the cluster, and by which certificates: one file, readable by people too.</summary>
internal sealed record OperatorRecord
{
    /// <summary>Copies of one folder are renewed each by its own use.</summary>
    private const int MostCertificates = 64;
    public const int CurrentFormat = 1;

    /// <summary>0 in records that were written before there were formats.</summary>
    public int Format { get; init; }
    public required string Name { get; init; }
    public required OperatorRole Role { get; init; }
    public required DateTimeOffset Created { get; init; }
    /// <summary>An operator's name, <c>setup</c>, or <c>console</c>.</summary>
    public required string CreatedBy { get; init; }
    /// <summary>Of each of its certificates.</summary>
    public required TimeSpan Life { get; init; }
    public IReadOnlyList<IssuedCertificate> Certificates { get; init; } = [];
    /// <summary>Whether certificates count that are not in the list: those of a rack that was set up before there was one.</summary>
    public bool AcceptsUnlisted { get; init; }
    public DateTimeOffset? LastSeen { get; init; }
    public DateTimeOffset? Revoked { get; init; }
    public string? RevokedBy { get; init; }

    public bool Lists(X509Certificate2 certificate) => HashOf(certificate) is var hash && Certificates.Any(issued => issued.Hash == hash);

    /// <summary>With one more; what has expired is forgotten.</summary>
    public OperatorRecord With(X509Certificate2 certificate, DateTimeOffset now) => this with
    {
        Certificates =
        [
            .. Certificates.Where(issued => issued.Expires > now)
                .Append(new IssuedCertificate(HashOf(certificate), certificate.NotBefore.ToUniversalTime(),
                    certificate.NotAfter.ToUniversalTime()))
                .OrderBy(issued => issued.Expires).TakeLast(MostCertificates),
        ],
    };

    /// <summary>Of the certificate that lasts longest; null where none is known.</summary>
    public CertificateLife? LastLife =>
        Certificates.Count == 0 ? null : new CertificateLife(Certificates[^1].Begins, Certificates[^1].Expires);

    private static string HashOf(X509Certificate2 certificate) => Convert.ToHexStringLower(SHA256.HashData(certificate.RawData));
}

/// <param name="Hash">SHA-256 of its DER, lower-case hex.</param>
internal sealed record IssuedCertificate(string Hash, DateTimeOffset Begins, DateTimeOffset Expires);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true, UseStringEnumConverter = true,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(OperatorRecord))]
internal sealed partial class OperatorJson : JsonSerializerContext;
