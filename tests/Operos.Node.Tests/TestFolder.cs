namespace Operos.Node.Tests;

/// <summary>A node's files in a folder of their own, gone at the end.</summary>
internal sealed class TestFolder : IDisposable
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("operos-node-");

    public string Path => folder.FullName;

    public NodePaths Paths => new()
    {
        Run = System.IO.Path.Combine(Path, "run"), CniConfiguration = System.IO.Path.Combine(Path, "net.d"),
        ImageArchives = System.IO.Path.Combine(Path, "images"), ContainerdSocket = "/run/containerd/containerd.sock",
    };

    public void Dispose() => folder.Delete(recursive: true);
}
