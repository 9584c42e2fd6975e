using System.Text;
using Operos.Controller.Configuration;
using Operos.Linux;
using Operos.Release;
using Operos.Release.Publishing;

namespace Operos.Controller.Setup;

/// <summary>A public key that releases are trusted by.</summary>
/// <param name="Fingerprint">Its short name.</param>
/// <param name="Releases">Versions of the releases here that it signed.</param>
internal sealed record TrustedKey(string Fingerprint, byte[] Point, IReadOnlyList<string> Releases);

/// <summary>
/// The release keys of a running controller, in <c>release.pub</c>, and in the anchors by which machines and the controller itself verify
/// what they boot. Every step may be cut short and done again.
/// </summary>
/// <param name="esp">The controller's own boot partition, mounted; null where it has none.</param>
internal sealed class TrustedKeys(ControllerPaths paths, string? esp)
{
    private const string AnchorName = "anchor.cpio";

    /// <summary>In the order in which they were added.</summary>
    /// <exception cref="ReleaseFormatException">The file of the keys is malformed.</exception>
    public IReadOnlyList<TrustedKey> Read() =>
        [.. P256.ReadPublicKeys(File.ReadAllText(paths.ReleaseKeys))
            .Select(point => new TrustedKey(ReleaseKey.Fingerprint(point), point, SignedBy(point)))];

    /// <summary>Trusts one more key, beside those that are trusted.</summary>
    /// <returns>Its fingerprint.</returns>
    /// <exception cref="ReleaseFormatException">The text holds no P-256 public key, or there would be too many.</exception>
    public string Add(string pem)
    {
        var point = P256.ReadPublicKey(pem);
        var keys = Read().Select(key => key.Point).ToList();
        if (!keys.Any(key => key.AsSpan().SequenceEqual(point))) keys.Add(point);
        if (keys.Count > P256.MaxKeys) throw new ReleaseFormatException($"{P256.MaxKeys} keys are trusted already: remove one first");
        // Machines learn of it before anything that it signed is served to them.
        WriteAnchors(keys);
        AtomicFile.Write(paths.ReleaseKeys, Encoding.ASCII.GetBytes(ReleaseKey.Write(keys)), FileModes.Readable);
        return ReleaseKey.Fingerprint(point);
    }

    /// <summary>Trusts a key no more.</summary>
    /// <param name="force">Also where releases would be lost by it.</param>
    /// <exception cref="ReleaseFormatException">There is no such key, it is the last, or releases are signed by it alone.</exception>
    public void Remove(string fingerprint, bool force)
    {
        var keys = Read();
        var gone = keys.Where(key => key.Fingerprint == fingerprint).ToList();
        if (gone.Count == 0) throw new ReleaseFormatException($"no key {fingerprint} is trusted: release-keys list shows them");
        if (keys.Count == gone.Count) throw new ReleaseFormatException("it is the only key: add its successor first");
        if (gone[0].Releases is { Count: > 0 } lost && !force)
            throw new ReleaseFormatException($"it signed {string.Join(", ", lost)}: sign them with another key (operosctl release sign) "
                + "or take them away; --force leaves them without a signature that counts");
        var left = keys.Except(gone).Select(key => key.Point).ToList();
        // Nothing that it signed is served any more before machines refuse it.
        AtomicFile.Write(paths.ReleaseKeys, Encoding.ASCII.GetBytes(ReleaseKey.Write(left)), FileModes.Readable);
        WriteAnchors(left);
    }

    /// <summary>Writes the anchor anew, of the keys and the authority as they are.</summary>
    public void Refresh() => WriteAnchors(P256.ReadPublicKeys(File.ReadAllText(paths.ReleaseKeys)));

    private IReadOnlyList<string> SignedBy(byte[] point)
    {
        var pem = ReleaseKey.Write([point]);
        bool Signed(string folder)
        {
            try { return ReleaseFolder.Open(folder, pem) is not null; }
            catch (Exception e) when (e is IOException or ReleaseFormatException or UnauthorizedAccessException) { return false; }
        }
        var folders = Directory.Exists(paths.Releases) ? Directory.EnumerateDirectories(paths.Releases) : [];
        return [.. folders.Where(Signed).Select(folder => Path.GetFileName(folder)).Order(StringComparer.Ordinal)];
    }

    /// <summary>An operos-init that reads one key reads the first: the oldest stands there.</summary>
    private void WriteAnchors(IReadOnlyList<byte[]> keys)
    {
        var anchor = AnchorArchive.Write(ReleaseKey.Write(keys), File.ReadAllText(Path.Combine(paths.Pki, "ca.crt")));
        AtomicFile.Write(paths.Anchor, anchor, FileModes.Readable);
        if (esp is null) return;
        foreach (var release in Directory.EnumerateDirectories(Path.Combine(esp, "operos")))
            if (Path.Combine(release, AnchorName) is var own && File.Exists(own)) FatFile.Write(own, anchor);
    }
}
