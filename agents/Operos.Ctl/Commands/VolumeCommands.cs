using System.CommandLine;
using Operos.Ctl.Rendering;
using Operos.Proto;

namespace Operos.Ctl.Commands;

/// <summary><c>operosctl volumes</c>: the volumes of the pool, and which machine has each.</summary>
internal static class VolumeCommands
{
    public static Command Create()
    {
        var list = new Command("list", "List volumes: of which claim each is, its size, and the machine that has it");
        list.Shows<VolumeList>(AskAsync, answer => VolumeTable.Render(answer, DateTimeOffset.UtcNow));
        var show = new Command("show", "Show one volume, and who has its image open as Ceph says now");
        var volume = new Argument<string>("volume") { Description = "Its name (pvc-...), or its claim as namespace/name" };
        show.Arguments.Add(volume);
        show.Shows<VolumeDetail>(result => new ShowVolume { Volume = result.GetRequiredValue(volume) },
            answer => VolumeTable.Render(answer, DateTimeOffset.UtcNow));
        return new Command("volumes", "Volumes of the class operos: images in the cluster's storage (Ceph), on one machine at a time")
        {
            list, show,
        };
    }

    /// <summary>The whole list, which comes page by page.</summary>
    private static async Task<VolumeList> AskAsync(ParseResult result, CancellationToken cancellationToken)
    {
        var first = await Query.AskAsync<VolumeList>(result, new ListVolumes(), cancellationToken);
        var volumes = first.Volumes.ToList();
        for (var page = first; page.Next is { } next && page.Volumes.Count > 0; volumes.AddRange(page.Volumes))
            page = await Query.AskAsync<VolumeList>(result, new ListVolumes { After = next }, cancellationToken);
        return first with { Volumes = volumes, Next = null };
    }
}
