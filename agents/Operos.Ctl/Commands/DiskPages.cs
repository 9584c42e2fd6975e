using System.CommandLine;
using Operos.Proto;

namespace Operos.Ctl.Commands;

/// <summary>The list of disks, which comes page by page: a rack has more of them than an answer takes.</summary>
internal static class DiskPages
{
    /// <param name="machine">Empty for all.</param>
    public static async Task<DiskList> AskAsync(ParseResult result, string machine, CancellationToken cancellationToken)
    {
        var first = await AskAsync(result, new ListDisks { Machine = machine }, cancellationToken);
        var disks = first.Disks.ToList();
        for (var page = first; page.Next is { } next && page.Disks.Count > 0; disks.AddRange(page.Disks))
            page = await AskAsync(result, new ListDisks { Machine = machine, After = next }, cancellationToken);
        return first with { Disks = disks, Next = null };
    }

    private static Task<DiskList> AskAsync(ParseResult result, ListDisks request, CancellationToken cancellationToken) =>
        Query.AskAsync<DiskList>(result, request, cancellationToken);
}
