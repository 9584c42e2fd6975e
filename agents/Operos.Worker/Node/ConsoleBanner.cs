using System.Text;
using Operos.Linux;

namespace Operos.Worker.Node;

/// <summary>
/// What stands above the login prompts of a machine's consoles: the line that was said last. Each line of the kernel log pushes a prompt
/// up; agetty is asked to write it anew below, which it does where nobody has begun to log in (agetty(8), --reload and ISSUE FILES).
/// </summary>
/// <param name="root">Another place than <c>/</c>, for a test.</param>
internal sealed class ConsoleBanner(string root = "/")
{
    private const int LongestLine = 500;
    private const string IssueFile = "etc/issue.d/operos.issue", ReloadFile = "run/agetty.reload";

    /// <exception cref="IOException">It cannot be written.</exception>
    public void Show(string line)
    {
        var issue = Path.Combine(root, IssueFile);
        Directory.CreateDirectory(Path.GetDirectoryName(issue)!);
        // A backslash begins a code of agetty's.
        var text = PrintableText.Line(line, LongestLine)?.Replace("\\", "\\\\", StringComparison.Ordinal);
        AtomicFile.Write(issue, Encoding.UTF8.GetBytes($"{text}\n\n"), FileModes.Readable);
        var reload = Path.Combine(root, ReloadFile);
        if (!File.Exists(reload)) File.WriteAllBytes(reload, []);
        File.SetLastWriteTimeUtc(reload, DateTime.UtcNow);
    }
}
