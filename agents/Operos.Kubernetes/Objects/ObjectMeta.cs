namespace Operos.Kubernetes.Objects;

/// <summary>What every object says of itself.</summary>
public sealed record ObjectMeta
{
    public string? Name { get; set; }
    public string? Namespace { get; set; }
    public string? Uid { get; set; }
    public string? ResourceVersion { get; set; }
    /// <summary>Counts changes of the specification, where the type has that; else 0.</summary>
    public long Generation { get; set; }
    public DateTime? CreationTimestamp { get; set; }
    public DateTime? DeletionTimestamp { get; set; }
    /// <summary>Who has something to do before it is gone.</summary>
    public IReadOnlyList<string?>? Finalizers { get; set; }
    public Dictionary<string, string?>? Labels { get; set; }
    public Dictionary<string, string?>? Annotations { get; set; }
    public IReadOnlyList<OwnerReference?>? OwnerReferences { get; set; }
}

/// <summary>Whose part an object is.</summary>
public sealed record OwnerReference
{
    public string? Kind { get; set; }
    public bool? Controller { get; set; }
}

/// <summary>Lists as somebody else wrote them: absent, or with nothing in place of an element.</summary>
public static class ForeignLists
{
    /// <summary>The elements that there are.</summary>
    public static IEnumerable<T> Present<T>(this IEnumerable<T?>? list) where T : class => (list ?? []).OfType<T>();
}
