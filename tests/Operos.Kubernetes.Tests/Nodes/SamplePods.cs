namespace Operos.Kubernetes.Tests.Nodes;

/// <summary>
/// Pods of the image that every node has; each serves its own file system by HTTP, so that <c>/etc/hostname</c> is its name.
/// </summary>
internal static class SamplePods
{
    public const int Port = 8080;

    /// <summary>A namespace of a test's own.</summary>
    public static string Namespace(string name) => $"apiVersion: v1\nkind: Namespace\nmetadata: {{ name: {name} }}\n";

    /// <summary>A pod on a node of the caller's choice.</summary>
    public static string Pod(string space, string name, string node) => $$"""
        ---
        apiVersion: v1
        kind: Pod
        metadata: { name: {{name}}, namespace: {{space}}, labels: { app: {{name}} } }
        spec:
          nodeName: {{node}}
          automountServiceAccountToken: false
          terminationGracePeriodSeconds: 1
          containers:
          - name: sample
            image: operos/sample:1
            imagePullPolicy: Never
            command: ["httpd", "-f", "-p", "{{Port}}", "-h", "/"]
            ports: [{ containerPort: {{Port}}, name: http }]

        """;

    /// <summary>The service of a pod, at port 80.</summary>
    public static string Service(string space, string name) => $$"""
        ---
        apiVersion: v1
        kind: Service
        metadata: { name: {{name}}, namespace: {{space}} }
        spec: { selector: { app: {{name}} }, ports: [{ port: 80, targetPort: http }] }

        """;

    /// <summary>Waits until that many pods run.</summary>
    public static Task RunAsync(Cluster cluster, string space, int count) =>
        Cluster.UntilAsync($"{count} pods of {space} run", async () =>
        {
            var phases = await cluster.KubectlAsync($"-n {space} get pods -o jsonpath={{.items[*].status.phase}}");
            return phases.Split(' ').Count(phase => phase == "Running") == count;
        });

    public static Task<string> AddressAsync(Cluster cluster, string space, string pod) =>
        cluster.KubectlAsync($"-n {space} get pod {pod} -o jsonpath={{.status.podIP}}");

    /// <summary>
    /// What a pod gets from another, or <c>refused</c>; by nc, for wget of a static busybox does not run without a resolver's libraries.
    /// </summary>
    public static async Task<string> AskAsync(Cluster cluster, string space, string from, string host, int port)
    {
        var ask = $"printf 'GET /etc/hostname HTTP/1.0\\r\\n\\r\\n' | nc -w 3 {host} {port} | tail -n 1 | grep . || echo refused";
        return (await cluster.KubectlAsync(["-n", space, "exec", from, "--", "sh", "-c", ask])).Trim();
    }
}
