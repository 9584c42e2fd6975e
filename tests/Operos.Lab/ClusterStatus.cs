using System.Text.Json;

namespace Operos.Lab;

/// <summary>What <c>operosctl status --json</c> tells, as far as a wait needs it.</summary>
public sealed class ClusterStatus
{
    private readonly List<(string Name, bool Healthy, string Text)> components, nodes;

    /// <exception cref="LabException">It is not what the command prints.</exception>
    public ClusterStatus(string json)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            components = Read(document.RootElement.GetProperty("components"), "name", "healthy");
            nodes = Read(document.RootElement.GetProperty("nodes"), "id", "ready");
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException
            or InvalidOperationException) { throw new LabException($"not a status: {e.Message}: {json}"); }
    }

    public IReadOnlyList<string> ReadyNodes => [.. nodes.Where(node => node.Healthy).Select(node => node.Name)];

    /// <summary>A component; one that is not told of is not healthy.</summary>
    public (bool Healthy, string Text) this[string name]
    {
        get
        {
            var (_, healthy, text) = components.Find(component => component.Name == name);
            return (healthy, text ?? "");
        }
    }

    public bool IsHealthy => components.TrueForAll(component => component.Healthy);

    public bool AreHealthy(params IEnumerable<string> names) => names.All(name => this[name].Healthy);

    /// <summary>What the first component or node that is not well lacks; empty where all are.</summary>
    public string Waits => Ailing.FirstOrDefault() ?? "";

    /// <summary>A line for each that is not well.</summary>
    public override string ToString() => $"{ReadyNodes.Count} of {nodes.Count} nodes Ready\n{string.Join('\n', Ailing)}";

    private IEnumerable<string> Ailing => components.Concat(nodes).Where(part => !part.Healthy).Select(part => $"{part.Name}: {part.Text}");

    private static List<(string, bool, string)> Read(JsonElement list, string name, string well) =>
        [.. list.EnumerateArray().Select(part =>
            (part.GetProperty(name).GetString()!, part.GetProperty(well).GetBoolean(), part.GetProperty("text").GetString()!))];
}
