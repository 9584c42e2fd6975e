using System.Text;
using Operos.Linux;
using Operos.Proto;

namespace Operos.Node.Configuration;

/// <summary>
/// The files that the node's services read. A service whose files changed is marked stale before they are written, and stays so until it
/// was started with them: an agent that dies between the two leaves nothing half done.
/// </summary>
internal sealed class NodeFiles(NodePaths paths)
{
    /// <summary>Writes what differs from what is there.</summary>
    public void Write(NodeSettings settings, NodeFacts facts)
    {
        Directory.CreateDirectory(paths.Run);
        Write(NodeService.Kubelet, paths.Configuration(NodeService.Kubelet), KubeletConfiguration.Write(settings, facts, paths));
        Write(NodeService.Kubelet, paths.Kubeconfig(NodeService.Kubelet),
            Kubeconfig.Write(settings.Cluster.ApiServer, paths.AuthorityFile, paths.Credential(NodeCertificate.Kubelet)));
        Write(NodeService.Kubelet, paths.Environment(NodeService.Kubelet),
            Arguments(KubeletConfiguration.Arguments(settings, facts, paths)));
        Write(NodeService.KubeProxy, paths.Configuration(NodeService.KubeProxy), KubeProxyConfiguration.Write(settings, facts, paths));
        Write(NodeService.KubeProxy, paths.Kubeconfig(NodeService.KubeProxy),
            Kubeconfig.Write(settings.Cluster.ApiServer, paths.AuthorityFile, paths.Credential(NodeCertificate.KubeProxy)));
        Write(NodeService.KubeProxy, paths.Environment(NodeService.KubeProxy), Arguments(KubeProxyConfiguration.Arguments(paths)));
    }

    public bool IsStale(string service) => File.Exists(Marker(service));

    public void MarkStale(string service) => AtomicFile.Write(Marker(service), []);

    /// <summary>The service runs with the files as they are.</summary>
    public void MarkFresh(string service) => File.Delete(Marker(service));

    /// <summary>A line of systemd.exec(5)'s EnvironmentFile. The words hold no blanks: <c>$ARGS</c> in ExecStart splits there.</summary>
    internal static string Arguments(IReadOnlyList<string> words)
    {
        if (words.FirstOrDefault(word => word.Any(c => char.IsWhiteSpace(c) || c is '"' or '\'' or '\\' or '$')) is { } bad)
            throw new FormatException($"'{bad}' cannot stand in an environment file");
        return $"ARGS=\"{string.Join(' ', words)}\"\n";
    }

    private void Write(string service, string path, string contents)
    {
        var bytes = Encoding.UTF8.GetBytes(contents);
        if (File.Exists(path) && File.ReadAllBytes(path).AsSpan().SequenceEqual(bytes)) return;
        MarkStale(service);
        AtomicFile.Write(path, bytes, FileModes.Readable);
    }

    private string Marker(string service) => Path.Combine(paths.Run, service + ".stale");
}
