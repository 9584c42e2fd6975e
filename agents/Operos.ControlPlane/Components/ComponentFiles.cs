using System.Text;
using Operos.Authority;
using Operos.ControlPlane.Certificates;
using Operos.ControlPlane.Configuration;
using Operos.Kubernetes;
using Operos.Linux;

namespace Operos.ControlPlane.Components;

/// <summary>The files that flags name: kubeconfigs, audit policy, who may come without a name.</summary>
internal sealed class ComponentFiles(ControlPlaneSettings settings, ControlPlanePaths paths, ControlPlaneCertificates certificates)
{
    private readonly string folder = paths.Run;

    public string AuditPolicy => Path.Combine(folder, "audit-policy.json");
    public string Authentication => Path.Combine(folder, "authentication.json");

    public string Kubeconfig(string component) => Path.Combine(folder, component + ".kubeconfig");

    public void Write(KubernetesVersion version)
    {
        Directory.CreateDirectory(folder, FileModes.PrivateFolder);
        foreach (var state in (string[])[paths.Etcd, paths.Audit, paths.AddOns])
            Directory.CreateDirectory(state, FileModes.PrivateFolder);
        foreach (var component in (string[])[Component.ControllerManager, Component.Scheduler])
            Replace(Kubeconfig(component), WriteKubeconfig(component));
        Replace(AuditPolicy, Policy);
        if (version.IsAtLeast(1, 32)) Replace(Authentication, Strangers(version));
    }

    /// <summary>The certificate is named, not held: what is renewed is read anew.</summary>
    private string WriteKubeconfig(string component) => YamlText.Write($$"""
        {
          "apiVersion": "v1", "kind": "Config", "current-context": "default",
          "clusters": [{ "name": "default", "cluster": {
            "server": {{$"https://127.0.0.1:{settings.Kubernetes.ApiPort}"}},
            "certificate-authority": {{certificates.AuthorityFile(Issuer.Kubernetes)}}
          } }],
          "users": [{ "name": "default", "user": {
            "client-certificate": {{certificates.Certificate(component)}}, "client-key": {{certificates.Key(component)}}
          } }],
          "contexts": [{ "name": "default", "context": { "cluster": "default", "user": "default" } }]
        }

        """);

    private static string Strangers(KubernetesVersion version) => YamlText.Write($$"""
        {
          "apiVersion": {{$"apiserver.config.k8s.io/{(version.IsAtLeast(1, 34) ? "v1" : "v1beta1")}"}},
          "kind": "AuthenticationConfiguration",
          "anonymous": { "enabled": true, "conditions": [{ "path": "/livez" }, { "path": "/readyz" }, { "path": "/healthz" }] }
        }

        """);

    /// <summary>Who changed what, never the contents of secrets; the system's own reading and heartbeats are noise.</summary>
    private const string Policy = """
        {
          "apiVersion": "audit.k8s.io/v1", "kind": "Policy", "omitStages": ["RequestReceived"],
          "rules": [
            { "level": "None", "nonResourceURLs": ["/healthz*", "/readyz*", "/livez*", "/version", "/api*", "/openapi*"] },
            { "level": "None", "resources": [
              { "group": "coordination.k8s.io", "resources": ["leases"] },
              { "group": "", "resources": ["events"] }, { "group": "events.k8s.io", "resources": ["events"] }
            ] },
            { "level": "None", "verbs": ["get", "list", "watch"],
              "userGroups": ["system:nodes", "operos:nodes", "system:serviceaccounts:kube-system"] },
            { "level": "None", "verbs": ["get", "list", "watch"], "users": [
              "system:kube-controller-manager", "system:kube-scheduler", "system:kube-proxy", "system:apiserver", "operos:controller"
            ] },
            { "level": "None", "userGroups": ["system:nodes"], "verbs": ["update", "patch"],
              "resources": [{ "group": "", "resources": ["nodes/status", "pods/status"] }] },
            { "level": "Metadata" }
          ]
        }

        """;

    private static void Replace(string path, string text)
    {
        if (!File.Exists(path) || File.ReadAllText(path) != text) AtomicFile.Write(path, Encoding.UTF8.GetBytes(text));
    }
}
