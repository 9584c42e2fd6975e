using System.Text;
using Operos.Proto;

namespace Operos.Ctl.Rendering;

/// <summary>Whether something may go: yes or no first, then why.</summary>
internal static class PullText
{
    public static string Render(PullAnswer answer)
    {
        var osds = answer.Osds.Count == 0 ? "" : $", with OSD {string.Join(", ", answer.Osds)}";
        var text = new StringBuilder(Terminal.Line($"{(answer.Safe ? "safe" : "NOT safe")}: {answer.What}{osds}")).Append('\n');
        foreach (var reason in answer.Reasons) text.Append("  ").Append(Terminal.Line(reason)).Append('\n');
        if (answer.Wait.Length > 0) text.Append("  ").Append(Terminal.Line(answer.Wait)).Append('\n');
        return text.ToString();
    }
}
