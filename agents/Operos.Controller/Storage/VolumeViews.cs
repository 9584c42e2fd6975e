using Operos.Ceph.Pools;
using Operos.Controller.Machines;
using Operos.Linux;
using Operos.Proto;

namespace Operos.Controller.Storage;

/// <summary>
/// What is shown of volumes: the API server's last word and what is written down of machines. Of a list nobody is asked; of one volume Ceph
/// is, which ends in time.
/// </summary>
/// <param name="volumes">Null where this cluster has no Ceph, or no Kubernetes.</param>
/// <param name="images">Null where this cluster has no Ceph.</param>
internal sealed class VolumeViews(PoolVolumes? volumes, PoolImages? images, VolumeBook book, MachineRegistry machines)
{
    public VolumeList List(string? after)
    {
        var entries = Entries().Where(entry => after is null || string.CompareOrdinal(entry.Volume, after) > 0).Take(VolumeList.Most + 1)
            .ToList();
        var page = entries.Take(VolumeList.Most).ToList();
        return new VolumeList { Volumes = page, Next = entries.Count > page.Count ? page[^1].Volume : null, Trouble = Trouble };
    }

    /// <exception cref="RefusedException">There is none, or there are several.</exception>
    public async Task<VolumeDetail> ShowAsync(string called, CancellationToken cancellationToken)
    {
        var found = Entries().Where(entry => entry.Volume == called || entry.Claim == called).ToList();
        if (found is not [var entry])
            throw new RefusedException(found.Count == 0 ? RefusalKind.NotFound : RefusalKind.Conflict,
                found.Count == 0 ? $"no volume '{PrintableText.Line(called)}'" : $"{found.Count} volumes are of this claim",
                "operosctl volumes list; by a volume's name, or its claim as namespace/name");
        try
        {
            var image = images is null ? null : await images.FindAsync(entry.Image, cancellationToken).ConfigureAwait(false);
            return new VolumeDetail { Volume = entry, Watchers = image?.Watchers ?? [],
                Trouble = image is null ? "its image is not there" : Trouble };
        }
        catch (IOException e) { return new VolumeDetail { Volume = entry, Trouble = $"who has it open is not known: {e.Message}" }; }
    }

    private string? Trouble => images is null ? "this cluster keeps no Ceph: storage.ceph in controller.toml"
        : book.Trouble ?? (volumes is null ? "this cluster runs no Kubernetes: kubernetes.enabled in controller.toml" : volumes.Trouble);

    /// <summary>Also what a machine has, and what is in the pool, of which the API server does not tell.</summary>
    private IEnumerable<VolumeEntry> Entries()
    {
        var staged = book.All.ToDictionary(one => one.Volume, StringComparer.Ordinal);
        var known = (volumes?.All ?? []).ToDictionary(one => one.Name, StringComparer.Ordinal);
        var unclaimed = (volumes?.Unclaimed ?? []).ToHashSet(StringComparer.Ordinal);
        return known.Keys.Union(staged.Keys).Union(unclaimed).Order(StringComparer.Ordinal).Select(name => Entry(name,
            known.GetValueOrDefault(name), staged.GetValueOrDefault(name), unclaimed.Contains(name)));
    }

    private VolumeEntry Entry(string name, PoolVolume? volume, StagedVolume? staged, bool isUnclaimed) => new()
    {
        Volume = name, Image = staged?.Image ?? name, Claim = volume?.ClaimName ?? "", Phase = volume?.Phase ?? "unknown",
        Bytes = volume?.Bytes ?? 0, Machine = staged?.Machine,
        MachineName = staged is null ? null : machines.Get(staged.Machine)?.Name ?? staged.Machine,
        SinceUnixMs = staged?.Since.ToUnixTimeMilliseconds() ?? 0, Addresses = staged?.Addresses ?? [],
        Text = volumes?.WhyNot(name) ?? (volume?.Work == VolumeWork.Make ? "its image is not made yet"
            : isUnclaimed ? "an image that no PersistentVolume has: what is in it stays" : ""),
    };
}
