using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Operos.Kubernetes.Objects;

namespace Operos.Kubernetes;

/// <summary>A type of objects: its place in the API's paths, and how it is read.</summary>
public sealed class ResourceType<T> where T : class, IApiObject
{
    private readonly string prefix, plural;

    internal ResourceType(string group, string version, string plural, Func<ApiJson, JsonTypeInfo<T>> item, Func<ApiJson,
        JsonTypeInfo<ObjectList<T>>> list)
    {
        prefix = group.Length == 0 ? $"/api/{version}" : $"/apis/{group}/{version}";
        (this.plural, ItemOf, Item, List) = (plural, item, item(ApiJson.Default), list(ApiJson.Default));
    }

    internal Func<ApiJson, JsonTypeInfo<T>> ItemOf { get; }
    internal JsonTypeInfo<T> Item { get; }
    internal JsonTypeInfo<ObjectList<T>> List { get; }

    /// <summary>Reads one object as the API writes it.</summary>
    /// <exception cref="JsonException">It is none.</exception>
    public T Read(ReadOnlySpan<byte> json) => JsonSerializer.Deserialize(json, Item) ?? throw new JsonException("null");

    /// <summary>The path of all, or of all in one namespace.</summary>
    public string Path(string? inNamespace = null) =>
        inNamespace is null ? $"{prefix}/{plural}" : $"{prefix}/namespaces/{Uri.EscapeDataString(inNamespace)}/{plural}";

    /// <summary>The path of one object.</summary>
    public string Path(string? inNamespace, string name) => $"{Path(inNamespace)}/{Uri.EscapeDataString(name)}";

    public override string ToString() => plural;
}
