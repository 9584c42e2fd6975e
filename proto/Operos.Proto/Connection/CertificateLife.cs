using System.Security.Cryptography.X509Certificates;

namespace Operos.Proto.Connection;

/// <summary>When an operator's certificate is renewed, and when somebody has to be told that it was not. The same on both sides.</summary>
public readonly record struct CertificateLife(DateTimeOffset Begins, DateTimeOffset Ends)
{
    private static readonly TimeSpan Warning = TimeSpan.FromDays(30);

    public static CertificateLife Of(X509Certificate2 certificate) => new(certificate.NotBefore.ToUniversalTime(), certificate.NotAfter.ToUniversalTime());

    /// <summary>At two thirds of its life it is renewed by whoever uses it.</summary>
    public bool IsDue(DateTimeOffset now) => now >= Begins + (Ends - Begins) * 2 / 3;

    /// <summary>Within 30 days of its end, and use has not renewed it.</summary>
    public bool EndsSoon(DateTimeOffset now) => IsDue(now) && Ends - now <= Warning;

    public bool IsOver(DateTimeOffset now) => now >= Ends;
}
