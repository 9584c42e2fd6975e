namespace Operos.Kubernetes.Objects;

/// <summary>An object of the API, as far as agents read it: fields that nobody here uses are skipped, not kept.</summary>
public interface IApiObject
{
    ObjectMeta? Metadata { get; }
}
