using System.Globalization;
using System.Security.Cryptography;

namespace Operos.TestRun;

/// <summary>Which parts of the long lists were done, and how: a line each, so that a cut costs one part.</summary>
/// <remarks>What was done with other programs says nothing of these: the first line is their hash, and another one begins anew.</remarks>
internal sealed class SoakState
{
    private readonly string _path;
    private readonly Dictionary<int, bool> _passed = [];

    private SoakState(string path) => _path = path;

    public int Done => _passed.Count;

    public IReadOnlyList<int> Failed => [.. _passed.Where(part => !part.Value).Select(part => part.Key).Order()];

    /// <summary>What failed is done again: after what was never done.</summary>
    public IEnumerable<SoakPart> Left =>
        Enumerable.Range(0, SoakPart.Count).Except(_passed.Keys).Concat(Failed).Select(number => new SoakPart(number));

    /// <param name="programs">The folders whose own assemblies the parts are run with.</param>
    public static SoakState Open(string path, IEnumerable<string> programs)
    {
        var state = new SoakState(path);
        var hash = Hash(programs);
        var lines = File.Exists(path) ? File.ReadAllLines(path) : [];
        if (lines.FirstOrDefault() != hash) File.WriteAllText(path, hash + "\n");
        else foreach (var line in lines.Skip(1)) state.Take(line);
        return state;
    }

    public void Record(SoakPart part, bool passed)
    {
        _passed[part.Number] = passed;
        File.AppendAllText(_path, $"{part} {(passed ? "passed" : "failed")}\n");
    }

    private void Take(string line)
    {
        // The last line of a run that was cut may be torn.
        if (line.Split(' ') is not [var text, "passed" or "failed"]) return;
        if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number)) _passed[number] = line[^6..] == "passed";
    }

    private static string Hash(IEnumerable<string> programs)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var file in programs.SelectMany(folder => Directory.EnumerateFiles(folder, "Operos.*.dll")).Order(StringComparer.Ordinal))
            hash.AppendData(File.ReadAllBytes(file));
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
