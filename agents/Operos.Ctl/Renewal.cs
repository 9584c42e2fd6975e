using System.Security.Cryptography;
using Operos.Authority;
using Operos.Ctl.Rendering;
using Operos.Linux;
using Operos.Proto;
using Operos.Proto.Connection;

namespace Operos.Ctl;

/// <summary>
/// Credentials that are used do not expire: at two thirds of their life they are replaced, on the connection that is open anyway.
/// </summary>
internal static class Renewal
{
    /// <summary>Held while one is under way, so that of many calls at once one renews.</summary>
    private const string Mark = ".renewal";

    /// <summary>Renews what is due. Whatever keeps it from that is no error of the command; it is told when the end is near.</summary>
    public static async Task TryAsync(CredentialFolder folder, CertificateLife life, ControlConnection connection,
        CancellationToken cancellationToken)
    {
        if (!life.IsDue(DateTimeOffset.UtcNow)) return;
        string reason;
        try
        {
            // The command itself, or another, may have done it meanwhile.
            using (var current = folder.LoadClient()) life = CertificateLife.Of(current);
            if (life.IsDue(DateTimeOffset.UtcNow)) await RenewAsync(folder, connection, cancellationToken);
            return;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ControlFaultException or TimeoutException
            or CryptographicException or LinuxException)
        {
            reason = e.Message;
        }
        if (life.EndsSoon(DateTimeOffset.UtcNow))
            Console.Error.WriteLine(Terminal.Page(
                $"operosctl: the credentials in {folder.Path} expire on {life.Ends.UtcDateTime:yyyy-MM-dd HH:mm} UTC and were not renewed: "
                    + $"{reason}"));
    }

    /// <summary>Replaces the folder's certificate and key.</summary>
    /// <exception cref="ControlFaultException">The controller refused.</exception>
    /// <exception cref="IOException">The folder cannot be written, or the connection ended.</exception>
    public static async Task<OperatorCredentials> RenewAsync(
        CredentialFolder folder, ControlConnection connection, CancellationToken cancellationToken)
    {
        // Before the controller is asked: a folder that cannot be written would have it issue one certificate after the other.
        await using var mark = new FileStream(Path.Combine(folder.Path, Mark), new FileStreamOptions
        {
            Mode = FileMode.OpenOrCreate, Access = FileAccess.Write, Share = FileShare.None, Options = FileOptions.DeleteOnClose,
        });
        var (key, csr) = CredentialFolder.NewRequest();
        using var owned = key;
        var issued = await connection.CallAsync<OperatorCredentials>(new RenewOperator { Csr = csr }, cancellationToken);
        folder.Keep(key, issued.Certificate);
        return issued;
    }
}
