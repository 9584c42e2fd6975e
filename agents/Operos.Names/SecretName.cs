using System.Security.Cryptography;
using System.Text;
using Operos.Linux;

namespace Operos.Names;

/// <summary>
/// A name that no name server knows but this one, not even another controller's. It stays the same from agent to agent, so that unbound
/// need not start again.
/// </summary>
internal static class SecretName
{
    /// <summary>The text that it is answered with.</summary>
    public const string Text = "here";

    private const int Bytes = 16;
    private const string Domain = "resolver-loop.operos.internal";

    /// <param name="folder">Where it is kept; where it cannot be, it is another each time.</param>
    public static string Of(string folder)
    {
        var path = Path.Combine(folder, "resolver-loop");
        try
        {
            if (File.Exists(path) && File.ReadAllText(path).Trim() is { Length: Bytes * 2 } known && DnsName.IsLabel(known))
                return $"{known}.{Domain}";
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException) { }
        var label = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(Bytes));
        try
        {
            Directory.CreateDirectory(folder, FileModes.PrivateFolder);
            AtomicFile.Write(path, Encoding.ASCII.GetBytes(label));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or LinuxException) { }
        return $"{label}.{Domain}";
    }
}
