namespace Operos.Node.Runtime;

/// <summary>
/// containerd's images in Kubernetes' namespace, by <c>ctr</c>: a cluster without any registry works with what a layer brings.
/// </summary>
internal sealed class ImageStore(NodePaths paths)
{
    /// <summary>Imports each archive of which an image is missing, in the order of their names.</summary>
    /// <returns>How many were imported, and how many archives there are.</returns>
    /// <exception cref="NodeException">One cannot be imported; the others are.</exception>
    public async Task<(int Imported, int Archives)> ImportAsync(CancellationToken cancellationToken)
    {
        if (!Directory.Exists(paths.ImageArchives)) return (0, 0);
        var archives = Directory.EnumerateFiles(paths.ImageArchives, "*.tar").Order(StringComparer.Ordinal).ToList();
        var present = (await CtrAsync(["images", "list", "--quiet"], cancellationToken).ConfigureAwait(false))
            .Split('\n', StringSplitOptions.TrimEntries).Select(ImageArchive.Normalise).ToHashSet(StringComparer.Ordinal);
        var imported = 0;
        NodeException? problem = null;
        foreach (var archive in archives)
        {
            try
            {
                if ((await ImageArchive.ReadNamesAsync(archive, cancellationToken).ConfigureAwait(false)).All(present.Contains)) continue;
                await CtrAsync(["images", "import", archive], cancellationToken).ConfigureAwait(false);
                imported++;
            }
            catch (NodeException e) { problem ??= e; }
        }
        return problem is null ? (imported, archives.Count) : throw problem;
    }

    private Task<string> CtrAsync(IReadOnlyList<string> arguments, CancellationToken cancellationToken) =>
        HostProgram.RunAsync("ctr", ["--address", paths.ContainerdSocket, "--namespace", "k8s.io", .. arguments], cancellationToken);
}
