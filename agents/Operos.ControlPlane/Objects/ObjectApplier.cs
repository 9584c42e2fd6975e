using System.Net;
using System.Text.Json.Nodes;
using Operos.Kubernetes;

namespace Operos.ControlPlane.Objects;

/// <summary>Brings single objects to the API server by server-side apply, whatever their kind: where they go is discovered.</summary>
internal sealed class ObjectApplier(ApiClient client, ApiDiscovery discovery, string fieldManager)
{
    /// <summary>Applies an object; its namespace is filled in where its kind has one.</summary>
    public async Task<ObjectName> ApplyAsync(JsonObject value, CancellationToken cancellationToken)
    {
        var name = ObjectName.Of(value);
        var resource = await ResourceAsync(name, cancellationToken).ConfigureAwait(false)
            ?? throw new InvalidOperationException($"{name}: the API server has no {name.Kind} in {name.ApiVersion}");
        name = resource.Namespaced
            ? name with { Namespace = name.Namespace.Length == 0 ? "default" : name.Namespace } : name with { Namespace = "" };
        if (resource.Namespaced) value["metadata"]!["namespace"] = name.Namespace;
        else ((JsonObject)value["metadata"]!).Remove("namespace");
        await client.ApplyAsync(Path(name, resource), value, fieldManager, cancellationToken).ConfigureAwait(false);
        return name;
    }

    /// <summary>Deletes an object that carries the label; one that somebody made his own by taking the label away is left alone.</summary>
    public async Task DeleteAsync(ObjectName name, string label, CancellationToken cancellationToken)
    {
        // A kind that is gone took its objects along.
        if (await ResourceAsync(name, cancellationToken).ConfigureAwait(false) is not { } resource) return;
        var path = Path(name, resource);
        if (await client.FindJsonAsync(path, cancellationToken).ConfigureAwait(false) is { } found
            && found["metadata"]?["labels"]?[label] is not null) await client.DeleteAsync(path, cancellationToken).ConfigureAwait(false);
    }

    private async Task<ResourceInfo?> ResourceAsync(ObjectName name, CancellationToken cancellationToken)
    {
        if (await discovery.FindAsync(name.ApiVersion, name.Kind, cancellationToken).ConfigureAwait(false) is { } known) return known;
        // A definition may have just brought the kind.
        discovery.Forget();
        return await discovery.FindAsync(name.ApiVersion, name.Kind, cancellationToken).ConfigureAwait(false);
    }

    private static string Path(ObjectName name, ResourceInfo resource) =>
        ApiDiscovery.Prefix(name.ApiVersion) + (resource.Namespaced ? $"/namespaces/{Uri.EscapeDataString(name.Namespace)}" : "")
            + $"/{resource.Name}/{Uri.EscapeDataString(name.Name)}";
}
