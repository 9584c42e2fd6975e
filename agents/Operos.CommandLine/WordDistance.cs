namespace Operos.CommandLine;

/// <summary>Which word somebody meant who mistyped it.</summary>
internal static class WordDistance
{
    private const int Farthest = 2, Shortest = 3;

    /// <returns>
    /// The nearest, with at most two letters missing, too many, wrong or exchanged; null where there is none, or several are as near.
    /// </returns>
    public static string? Nearest(string typed, IEnumerable<string> words)
    {
        if (typed.Length is < Shortest or > 64) return null;
        var most = Math.Min(Farthest, typed.Length / Shortest);
        var near = words.Select(word => (Word: word, Far: Between(typed, word))).Where(one => one.Far <= most).OrderBy(one => one.Far)
            .ToList();
        return near.Count == 1 || (near.Count > 1 && near[0].Far < near[1].Far) ? near[0].Word : null;
    }

    /// <summary>Damerau and Levenshtein's, neighbours exchanged once (optimal string alignment).</summary>
    private static int Between(string a, string b)
    {
        var cost = new int[a.Length + 1, b.Length + 1];
        for (var i = 0; i <= a.Length; i++) cost[i, 0] = i;
        for (var j = 0; j <= b.Length; j++) cost[0, j] = j;
        for (var i = 1; i <= a.Length; i++)
            for (var j = 1; j <= b.Length; j++)
            {
                cost[i, j] = Math.Min(Math.Min(cost[i - 1, j], cost[i, j - 1]) + 1, cost[i - 1, j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1));
                if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                    cost[i, j] = Math.Min(cost[i, j], cost[i - 2, j - 2] + 1);
            }
        return cost[a.Length, b.Length];
    }
}
