namespace Operos.Lab;

/// <summary>A service with a pod on each worker, of the image that every node has.</summary>
public static class SampleWorkload
{
    public const string Name = "sample";

    /// <summary>Each pod answers with the name of its node.</summary>
    /// <param name="pods">At most as many as there are workers.</param>
    public static string Manifest(int pods) => $$"""
        apiVersion: apps/v1
        kind: Deployment
        metadata: {name: sample}
        spec:
          replicas: {{pods}}
          selector: {matchLabels: {app: sample} }
          template:
            metadata: {labels: {app: sample} }
            spec:
              automountServiceAccountToken: false
              terminationGracePeriodSeconds: 1
              affinity:
                podAntiAffinity:
                  requiredDuringSchedulingIgnoredDuringExecution:
                  - topologyKey: kubernetes.io/hostname
                    labelSelector: {matchLabels: {app: sample} }
              containers:
              - name: sample
                image: operos/sample:1
                imagePullPolicy: Never
                command: ["sh", "-c", "mkdir -p /tmp/www && echo $NODE > /tmp/www/index.html && exec httpd -f -p 8080 -h /tmp/www"]
                env: [{name: NODE, valueFrom: {fieldRef: {fieldPath: spec.nodeName} } }]
                ports: [{containerPort: 8080, name: http}]
        ---
        apiVersion: v1
        kind: Service
        metadata: {name: sample}
        spec:
          selector: {app: sample}
          ports: [{name: http, port: 80, targetPort: http}]

        """;

    /// <summary>Applies it and waits until so many of its pods run, each on a node of its own; their names and nodes.</summary>
    public static async Task<IReadOnlyList<(string Pod, string Node)>> RunAsync(
        Kubectl kubectl, LabFolder folder, int pods, TimeSpan patience, CancellationToken cancellationToken)
    {
        await File.WriteAllTextAsync(folder["sample.yaml"], Manifest(pods), cancellationToken).ConfigureAwait(false);
        await kubectl.RunAsync(cancellationToken, "apply", "-f", folder["sample.yaml"]).ConfigureAwait(false);
        return Read(await kubectl.WaitAsync(text => Read(text).Count == pods, patience, cancellationToken, ListPods).ConfigureAwait(false));
    }

    /// <summary>Its pods that run, and their nodes.</summary>
    public static async Task<IReadOnlyList<(string Pod, string Node)>> PodsAsync(Kubectl kubectl, CancellationToken cancellationToken) =>
        Read(await kubectl.RunAsync(cancellationToken, ListPods).ConfigureAwait(false));

    /// <summary>What a pod of the image runs to fetch a page; Debian's static busybox has a wget that crashes, so by nc.</summary>
    public static string[] Fetch(string pod, string host, int port, string path, string otherwise = "echo refused") =>
        ["exec", pod, "--", "sh", "-c",
            $"printf 'GET {path} HTTP/1.0\\r\\nHost: {host}\\r\\n\\r\\n' | nc -w 5 {host} {port} | tail -n 1 | grep . || {otherwise}"];

    /// <summary>Asks the service by its name from inside a pod until every node has answered.</summary>
    public static async Task<IReadOnlyList<string>> AskAllAsync(
        Kubectl kubectl, string fromPod, IReadOnlyCollection<string> nodes, TimeSpan patience, CancellationToken cancellationToken)
    {
        var answered = new HashSet<string>(StringComparer.Ordinal);
        await kubectl.WaitAsync(text =>
        {
            answered.Add(text.Trim());
            return nodes.All(answered.Contains);
        }, patience, cancellationToken, Fetch(fromPod, Name, 80, "/")).ConfigureAwait(false);
        return [.. answered];
    }

    private static readonly string[] ListPods =
        ["get", "pods", "-l", "app=sample", "--no-headers", "-o", "custom-columns=P:.status.phase,N:.metadata.name,W:.spec.nodeName"];

    private static List<(string Pod, string Node)> Read(string list) =>
        [.. list.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            .Where(words => words[0] == "Running").Select(words => (words[1], words[2]))];
}
