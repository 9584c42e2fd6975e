using Operos.Ceph;

namespace Operos.Csi.Tests;

/// <summary>The controller, as far as a machine asks it: its own side is tested where it is.</summary>
internal sealed class TestGrants : IImageGrants
{
    public static readonly Guid Fsid = new("6f1c2d5e-0000-4000-8000-00000000ce44");
    private readonly List<string> asked = [];

    /// <summary>What it was asked, in order.</summary>
    public IReadOnlyList<string> Asked
    {
        get { lock (asked) return [.. asked]; }
    }

    public object? Session { get; set; }

    /// <summary>Why it lets nobody have a volume; null where it does.</summary>
    public VolumeException? Refusal { get; set; }

    /// <summary>What it waits for before it answers.</summary>
    public Task Ready { get; set; } = Task.CompletedTask;

    public async Task<ImageGrant> TakeAsync(string volume, CancellationToken cancellationToken)
    {
        Note($"take {volume}");
        await Ready;
        return Refusal is null ? new ImageGrant(MonitorMap.Read(Fsid, ["10.77.0.1:3300"])!, "kube", volume, "operos-test", CephKey.Make(),
            1 << 28) : throw Refusal;
    }

    public Task TellAsync(string volume, IReadOnlyList<string> addresses, CancellationToken cancellationToken)
    {
        Note($"tell {volume} {string.Join(' ', addresses)}");
        return Task.CompletedTask;
    }

    public Task ReturnAsync(string volume, CancellationToken cancellationToken)
    {
        Note($"return {volume}");
        return Task.CompletedTask;
    }

    private void Note(string text)
    {
        lock (asked) asked.Add(text);
    }
}
