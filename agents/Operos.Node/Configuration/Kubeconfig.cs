using Operos.Kubernetes;

namespace Operos.Node.Configuration;

/// <summary>
/// How a service of the node reaches the API server. Files are named, not copied: clients read a renewed certificate by themselves.
/// </summary>
internal static class Kubeconfig
{
    public static string Write(string server, string authority, string credential) => YamlText.Write($"""
        # Written by the node's agent: changes here are lost.
        apiVersion: v1
        kind: Config
        clusters:
        - name: operos
          cluster:
            server: {server}
            certificate-authority: {authority}
        users:
        - name: node
          user:
            client-certificate: {credential}
            client-key: {credential}
        contexts:
        - name: operos
          context:
            cluster: operos
            user: node
        current-context: operos

        """);
}
