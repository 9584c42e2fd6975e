namespace Operos.Policy.Cluster;

/// <summary>Compares the labels of two objects.</summary>
internal static class LabelSet
{
    public static bool IsSame(IReadOnlyDictionary<string, string?> one, IReadOnlyDictionary<string, string?> other)
    {
        if (one.Count != other.Count) return false;
        foreach (var (key, value) in one)
            if (!other.TryGetValue(key, out var second) || value != second) return false;
        return true;
    }
}
