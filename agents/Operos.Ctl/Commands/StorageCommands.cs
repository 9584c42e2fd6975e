using System.CommandLine;
using System.Globalization;
using Operos.Ctl.Rendering;
using Operos.Linux;
using Operos.Proto;

namespace Operos.Ctl.Commands;

/// <summary><c>operosctl storage</c>: how Ceph stands, its OSDs, its pool, and a monitor that lost its store.</summary>
internal static class StorageCommands
{
    public static Command Create()
    {
        var status = new Command("status", "Show how the cluster's storage stands, what is wrong and what to do");
        status.Shows<StorageReply>(_ => new ShowStorage(), reply => StorageTable.Render(reply, DateTimeOffset.UtcNow));
        return new Command("storage", "The cluster's storage (Ceph) on the machines' disks")
        {
            status, OsdCommands.Create(), PoolCommands.Create(), CreateRebuild(),
        };
    }

    private static Command CreateRebuild()
    {
        var yes = Confirmation.Create();
        var without = new Option<int[]>("--without")
        {
            Description = "The numbers of OSDs whose disks are gone for good, such as 3,7", Required = true,
            CustomParser = result =>
            {
                var words = result.Tokens.SelectMany(token => token.Value.Split(',')).ToList();
                var ids = words.Select(word => int.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out var id) ? id : -1)
                    .ToArray();
                if (ids.Length is 0 or > RebuildMonitor.MostOsds || ids.Contains(-1))
                    result.AddError($"--without: '{PrintableText.Line(string.Join(' ', words), 64)}' is no list of OSDs, such as 3,7");
                return ids;
            },
        };
        var rebuild = new Command("rebuild",
            "Make the monitor's lost store anew without waiting for some OSDs; without this it waits for all")
        {
            without, yes,
        };
        rebuild.SetAction((result, cancellationToken) =>
        {
            var osds = result.GetRequiredValue(without);
            Confirmation.Ask(result, yes, $"Do without OSD {string.Join(", ", osds)}? What only they know of is lost.");
            return Query.DoAsync(result, new RebuildMonitor { Without = osds }, cancellationToken);
        });
        return rebuild;
    }
}
