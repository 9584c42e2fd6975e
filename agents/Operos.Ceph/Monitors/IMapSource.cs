namespace Operos.Ceph.Monitors;

/// <summary>An OSD that can be asked for the maps of the cluster that it has.</summary>
/// <param name="Machine">UUID of the machine that has it.</param>
/// <param name="Osd">Its own UUID.</param>
/// <param name="Newest">The number (epoch) of the newest map.</param>
public sealed record OfferedMaps(string Machine, Guid Osd, long Newest)
{
    /// <summary>More than any store with all its maps has.</summary>
    public const long MostBytes = 16L << 30;
}

/// <summary>Where a monitor's lost store is made anew from: OSDs on machines that are connected.</summary>
public interface IMapSource
{
    /// <summary>The numbers of OSDs that an operator does not want to be waited for.</summary>
    IReadOnlySet<int> Forgone { get; }

    /// <summary>Asks all machines that are connected; who does not answer in time offers nothing.</summary>
    Task<IReadOnlyList<OfferedMaps>> AskAsync(CancellationToken cancellationToken);

    /// <summary>Writes a monitor's store with the maps that an OSD has to a file, as an archive (tar).</summary>
    /// <exception cref="IOException">It is not had.</exception>
    Task FetchAsync(OfferedMaps offer, string archive, CancellationToken cancellationToken);

    /// <summary>An OSD as operators know it, such as <c>OSD 3 of worker-2</c>.</summary>
    string Describe(int osd);
}
