using System.Text;
using System.Text.RegularExpressions;

namespace Operos.Lab;

/// <summary>A machine's console as it grows.</summary>
/// <param name="ended">Why nothing more will come; null while something may.</param>
public sealed partial class SerialLog(string path, Func<LabException?> ended)
{
    private static readonly TimeSpan Glance = TimeSpan.FromMilliseconds(200);
    private readonly Lock textLock = new();
    private (long Length, string Text) read = (0, "");
    private int mark;

    public string Path { get; } = path;

    /// <summary>All lines so far, without terminal escapes.</summary>
    public string Text
    {
        get
        {
            lock (textLock)
            {
                if (!File.Exists(Path)) return "";
                using var file = new FileStream(Path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
                if (file.Length == read.Length) return read.Text;
                var bytes = new byte[file.Length];
                file.ReadExactly(bytes);
                read = (bytes.Length, Escapes().Replace(Encoding.UTF8.GetString(bytes), ""));
                return read.Text;
            }
        }
    }

    /// <summary>From here on <see cref="WaitForAsync"/> looks only at what is new: for a second boot.</summary>
    public void Mark() => mark = Text.Length;

    /// <summary>Waits for a pattern; its match.</summary>
    /// <exception cref="LabException">It did not appear in time, or the machine failed or was switched off.</exception>
    public async Task<Match> WaitForAsync(string pattern, TimeSpan patience, CancellationToken cancellationToken)
    {
        var wait = new Wait($"the console shows: {pattern}", patience) { Pause = Glance };
        return await wait.ForAsync(() =>
        {
            var over = ended();
            var text = Text;
            var match = Regex.Match(text[Math.Min(mark, text.Length)..], pattern, RegexOptions.Multiline, TimeSpan.FromSeconds(5));
            if (match.Success) return Task.FromResult<Match?>(match);
            if (over is not null) throw new LabException($"{over.Message}\nThe console was waited for to show: {pattern}");
            return Task.FromResult<Match?>(null);
        }, cancellationToken).ConfigureAwait(false);
    }

    public string Tail(int lines) => string.Join('\n', Text.Split('\n').TakeLast(lines));

    /// <summary>For how long nothing has come: whether the machine is slow, or stands still.</summary>
    public TimeSpan Silence => DateTime.UtcNow - File.GetLastWriteTimeUtc(Path);

    [GeneratedRegex(@"\x1b(\[[0-9:;?=]*[A-Za-z]|[()][A-Z0-9]|[=>c78])|\r")]
    private static partial Regex Escapes();
}
