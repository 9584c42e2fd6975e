using k8s;
using k8s.Models;

namespace Operos.Names;

/// <summary>
/// The objects of one kind, kept as what names need of them. Fed by a list and a watch: <see cref="Replace"/> with each list,
/// then <see cref="Put"/> and <see cref="Remove"/> with each event.
/// </summary>
internal sealed class ObjectNames<TObject, TNames>(Lock gate, Func<TObject, IEnumerable<TNames>> read, Action changed) where TObject : IKubernetesObject<V1ObjectMeta>
{
    private readonly Dictionary<(string? Namespace, string? Name), TNames[]> names = [];

    public void Put(TObject item)
    {
        var kept = read(item).ToArray();
        lock (gate)
        {
            // Most updates of a pod change what no name shows.
            if (names.TryGetValue(Key(item), out var old) && old.SequenceEqual(kept)) return;
            names[Key(item)] = kept;
        }
        changed();
    }

    public void Remove(TObject item)
    {
        lock (gate)
            if (!names.Remove(Key(item))) return;
        changed();
    }

    public void Replace(IEnumerable<TObject> items)
    {
        var all = items.Select(item => (Key: Key(item), Names: read(item).ToArray())).ToList();
        lock (gate)
        {
            names.Clear();
            foreach (var (key, value) in all) names[key] = value;
        }
        changed();
    }

    /// <summary>Everything; the caller holds the gate.</summary>
    internal IReadOnlyList<TNames> List() => [.. names.Values.SelectMany(item => item)];

    private static (string?, string?) Key(TObject item) => (item.Metadata?.NamespaceProperty, item.Metadata?.Name);
}
