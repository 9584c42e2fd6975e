using System.Net;
using Operos.Release;

namespace Operos.Init.Fetch;

/// <summary>A verified manifest with the bytes it was read from.</summary>
internal sealed record FetchedManifest(ReleaseManifest Manifest, byte[] Bytes);

/// <summary>Fetches release.json and its signature, and tells whether a boot can go on with them.</summary>
internal sealed class ManifestFetch(IPEndPoint server, string version, ReleaseVerifier verifier, string kernelRelease)
{
    private readonly string folder = $"/releases/{version}";

    /// <exception cref="FetchException">The server did not deliver.</exception>
    /// <exception cref="ReleaseFormatException">What it delivered is not to be trusted.</exception>
    /// <exception cref="BootException">It is a release for another kernel than the one that runs.</exception>
    public FetchedManifest Fetch()
    {
        using var connection = new HttpConnection(server);
        var bytes = connection.GetAll($"{folder}/release.json", ReleaseManifest.MaxManifestBytes);
        var signature = connection.GetAll($"{folder}/release.json.sig", 256);
        var manifest = verifier.Verify(bytes, signature);
        if (manifest.Version != version) throw new ReleaseFormatException($"the server offers release {manifest.Version} as {version}");
        if (manifest.KernelRelease != kernelRelease)
            throw new BootException(
                $"release {version} is for kernel {manifest.KernelRelease}, and {kernelRelease} runs: the release changed after the boot "
                + $"loader read it");
        return new FetchedManifest(manifest, bytes);
    }

    /// <summary>Throws where the server has another release by now; an unreachable server proves nothing.</summary>
    public void RequireUnchanged(FetchedManifest begun)
    {
        byte[] now;
        try
        {
            using var connection = new HttpConnection(server);
            now = connection.GetAll($"{folder}/release.json", ReleaseManifest.MaxManifestBytes);
        }
        catch (HttpStatusException e) when (e.Status == 404) { throw new ReleaseChangedException(
            $"release {version} is no longer on the server"); }
        catch (FetchException) { return; }
        if (!now.AsSpan().SequenceEqual(begun.Bytes)) throw new ReleaseChangedException($"release {version} was replaced on the server");
    }
}
