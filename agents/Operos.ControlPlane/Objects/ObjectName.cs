using System.Text.Json.Nodes;

namespace Operos.ControlPlane.Objects;

/// <summary>Which object: API version, kind, namespace (empty where the kind has none) and name.</summary>
internal sealed record ObjectName(string ApiVersion, string Kind, string Namespace, string Name)
{
    public static ObjectName Of(JsonObject value) =>
        new(value["apiVersion"]!.ToString(), value["kind"]!.ToString(), value["metadata"]!["namespace"]?.ToString() ?? "",
            value["metadata"]!["name"]!.ToString());

    /// <summary>The same object under whatever version of its group it was written.</summary>
    public bool IsSameAs(ObjectName other) => (Group, Kind, Place, Name) == (other.Group, other.Kind, other.Place, other.Name);

    /// <summary>Where a manifest leaves the namespace out, the API says default.</summary>
    private string Place => Namespace.Length == 0 ? "default" : Namespace;

    private string Group => ApiVersion.Split('/') is [var group, _] ? group : "";

    public override string ToString() => Namespace.Length == 0 ? $"{Kind} {Name}" : $"{Kind} {Namespace}/{Name}";
}
