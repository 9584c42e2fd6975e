using Operos.Ceph.Monitors;
using Operos.Linux.Ceph;

namespace Operos.Ceph.Pools;

/// <summary>An image of a block device.</summary>
/// <param name="Watchers">Who has it open to write, by address: a kernel's client that died is among them for 30 s.</param>
/// <param name="Claim">For which claim it was made, as <c>namespace/name</c>; null where nobody said.</param>
/// <param name="LockOwner">Who wrote last and did not close it, by address: also one that died long ago. Null where nobody did.</param>
public sealed record PoolImage(string Name, long Bytes, IReadOnlyList<string> Watchers, string? Claim, string? LockOwner)
{
    /// <summary>All that may write to it, by address; one that did not write yet and was cut off for 30 s is not among them.</summary>
    public IEnumerable<string> Clients => Watchers.Concat(LockOwner is { } owner ? [owner] : []).Distinct(StringComparer.Ordinal);
}

/// <summary>Somebody has the image open, and it is left as it is.</summary>
public sealed class ImageInUseException(string text) : Exception(text);

/// <summary>
/// The images in the pool for Kubernetes' volumes, over a connection of its own. Every call ends in time, and can be made again: what was
/// cut is completed.
/// </summary>
public sealed class PoolImages : IDisposable
{
    public const string Pool = PoolPlan.Name;

    /// <summary>The driver of CSI on the nodes, as <c>CSIDriver</c>, storage classes and volumes name it.</summary>
    public const string Driver = "rbd.operos.io";

    /// <summary>Images are of whole objects.</summary>
    public const long Grain = 4L << 20;

    /// <summary>Of twice as many objects Ceph keeps no map any more (256,000,000).</summary>
    public const long MostBytes = 512L << 40;

    private const string ClaimKey = "operos.io/claim";

    private readonly CephConnection connection;

    internal PoolImages(string configuration) => connection = new CephConnection(configuration);

    /// <summary>Up to whole objects; what is too much stays so.</summary>
    public static long Round(long bytes) => bytes > MostBytes ? bytes : (bytes + Grain - 1) / Grain * Grain;

    /// <summary>The names of all.</summary>
    /// <exception cref="IOException">Ceph does not answer in time.</exception>
    public Task<IReadOnlyList<string>> ListAsync(CancellationToken cancellationToken) =>
        CallAsync("list", (pool, _) => pool.Names(), cancellationToken);

    /// <returns>Null where there is none.</returns>
    /// <exception cref="IOException">Ceph does not answer in time.</exception>
    public Task<PoolImage?> FindAsync(string name, CancellationToken cancellationToken) => CallAsync($"info {name}", (pool, _) =>
    {
        using var image = Find(pool, name);
        return image is null ? null : new PoolImage(name, image.Bytes, image.Watchers, image.Find(ClaimKey), image.LockOwner);
    }, cancellationToken);

    /// <summary>Makes one where there is none, or completes it; a larger one stays.</summary>
    /// <exception cref="IOException">Ceph does not answer in time, or refuses it.</exception>
    public Task MakeAsync(string name, long bytes, string claim, CancellationToken cancellationToken) =>
        CallAsync($"create {name}", (pool, goesOn) =>
        {
            using (var known = Create(pool, name, bytes) ? null : Find(pool, name))
                if (known is not null && known.Bytes >= bytes && known.Find(ClaimKey) == claim) return true;
            using var image = Find(pool, name, writable: true) ?? Anew(pool, name, bytes, goesOn);
            if (image.Bytes < bytes) image.Grow(bytes, goesOn);
            image.Keep(ClaimKey, claim);
            return true;
        }, cancellationToken);

    /// <summary>Makes one larger, also while somebody has it open who lets go of its lock; one that is as large stays as it is.</summary>
    /// <exception cref="ImageInUseException">Who has it open keeps its lock: a kernel that mapped it with <c>exclusive</c>.</exception>
    /// <exception cref="IOException">Ceph does not answer in time, or there is no such image.</exception>
    public Task GrowAsync(string name, long bytes, CancellationToken cancellationToken) =>
        CallAsync($"resize {name}", (pool, goesOn) =>
        {
            using (var known = pool.Open(name))
                if (known.Bytes >= bytes) return true;
            using var image = pool.Open(name, writable: true);
            try { image.Grow(bytes, goesOn); }
            catch (RadosException e) when (e.IsLocked)
            {
                throw new ImageInUseException($"{name} is in use, and keeps its lock: it grows as soon as no pod uses it");
            }
            return true;
        }, cancellationToken);

    /// <summary>Removes one with all that is in it; where there is none nothing is done.</summary>
    /// <exception cref="ImageInUseException">Somebody has it open.</exception>
    /// <exception cref="IOException">Ceph does not answer in time.</exception>
    public Task RemoveAsync(string name, CancellationToken cancellationToken) => CallAsync($"remove {name}", (pool, goesOn) =>
    {
        using (var image = Find(pool, name))
            if (image?.Watchers is [var watcher, ..]) throw new ImageInUseException($"{name} is in use by {watcher}");
        // That there is no such image, of this call alone: without a pool, or a file of settings, nobody knows.
        try { pool.Remove(name, goesOn); }
        catch (RadosException e) when (e.IsMissing) { }
        catch (RadosException e) when (e.IsInUse) { throw new ImageInUseException($"{name} is in use"); }
        return true;
    }, cancellationToken);

    public void Dispose() => connection.Dispose();

    /// <returns>Whether there was none.</returns>
    private static bool Create(RbdPool pool, string name, long bytes)
    {
        try
        {
            pool.Create(name, bytes);
            return true;
        }
        catch (RadosException e) when (e.Exists) { return false; }
    }

    /// <summary>Its making was cut: it has a name, and nothing else.</summary>
    private static RbdImage Anew(RbdPool pool, string name, long bytes, Action goesOn)
    {
        pool.Remove(name, goesOn);
        pool.Create(name, bytes);
        return pool.Open(name, writable: true);
    }

    private static RbdImage? Find(RbdPool pool, string name, bool writable = false)
    {
        try { return pool.Open(name, writable); }
        catch (RadosException e) when (e.IsMissing) { return null; }
    }

    private Task<T> CallAsync<T>(string what, Func<RbdPool, Action, T> call, CancellationToken cancellationToken) =>
        connection.CallAsync($"rbd {what}", (asked, goesOn) =>
        {
            using var pool = asked.OpenPool(Pool);
            return call(pool, goesOn);
        }, cancellationToken);
}
