using System.Text;
using System.Text.RegularExpressions;

namespace Operos.Lab;

/// <summary>A machine's console as it grows.</summary>
public sealed partial class SerialLog(string path, Func<bool> ended)
{
    private static readonly TimeSpan Glance = TimeSpan.FromMilliseconds(200);
    private int mark;

    public string Path { get; } = path;

    /// <summary>All lines so far, without terminal escapes.</summary>
    public string Text
    {
        get
        {
            if (!File.Exists(Path)) return "";
            using var file = new FileStream(Path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            using var reader = new StreamReader(file, Encoding.Latin1);
            return Escapes().Replace(reader.ReadToEnd(), "");
        }
    }

    /// <summary>From here on <see cref="WaitForAsync"/> looks only at what is new: for a second boot.</summary>
    public void Mark() => mark = Text.Length;

    /// <summary>Waits for a pattern; its match.</summary>
    /// <exception cref="LabException">It did not appear in time, or the machine ended.</exception>
    public async Task<Match> WaitForAsync(string pattern, TimeSpan patience, CancellationToken cancellationToken)
    {
        var deadline = DateTime.UtcNow + patience;
        while (true)
        {
            var over = ended();
            var match = Regex.Match(Text[Math.Min(mark, Text.Length)..], pattern, RegexOptions.Multiline, TimeSpan.FromSeconds(5));
            if (match.Success) return match;
            if (over) throw new LabException($"the machine ended before its console showed: {pattern}");
            if (DateTime.UtcNow > deadline) throw new LabException($"the console did not show in {patience.TotalSeconds:0} s: {pattern}");
            await Task.Delay(Glance, cancellationToken).ConfigureAwait(false);
        }
    }

    public string Tail(int lines) => string.Join('\n', Text.Split('\n').TakeLast(lines));

    [GeneratedRegex(@"\x1b(\[[0-9;?=]*[A-Za-z]|[()][A-Z0-9]|[=>c78])|\r")]
    private static partial Regex Escapes();
}
