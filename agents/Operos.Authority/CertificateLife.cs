using System.Security.Cryptography.X509Certificates;

namespace Operos.Authority;

/// <summary>
/// From when to when a certificate is valid, and what follows: when it is renewed, and when somebody has to be told that it was not.
/// </summary>
public readonly record struct CertificateLife(DateTimeOffset Begins, DateTimeOffset Ends)
{
    private static readonly TimeSpan Warning = TimeSpan.FromDays(30);

    public static CertificateLife Of(X509Certificate2 certificate) =>
        new(certificate.NotBefore.ToUniversalTime(), certificate.NotAfter.ToUniversalTime());

    /// <summary>At two thirds of its life a certificate is renewed by whoever uses it: two more tries fit before its end.</summary>
    public DateTimeOffset RenewAt => Begins + (Ends - Begins) * 2 / 3;

    public bool IsDue(DateTimeOffset now) => now >= RenewAt;

    /// <summary>Within 30 days of its end, and use has not renewed it.</summary>
    public bool EndsSoon(DateTimeOffset now) => IsDue(now) && Ends - now <= Warning;

    /// <summary>Whether less than a quarter is left: an agent that renews by itself has failed to.</summary>
    public bool IsNeglected(DateTimeOffset now) => Ends - now < (Ends - Begins) / 4;

    public bool IsOver(DateTimeOffset now) => now >= Ends;
}
