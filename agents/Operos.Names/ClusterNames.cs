namespace Operos.Names;

/// <summary>
/// What has names now: the services, endpoints and pods of the API, the machines of the registry. Whoever watches the API fills
/// it; of Endpoints and EndpointSlices one is enough. Before the API tells of a kind of objects, what it told last may stand for them.
/// </summary>
public sealed class ClusterNames
{
    private readonly Lock namesLock = new();
    private IReadOnlyList<MachineName> machines = [];

    public ClusterNames()
    {
        Services = new(namesLock, RaiseChanged);
        Endpoints = new(namesLock, RaiseChanged);
        EndpointSlices = new(namesLock, RaiseChanged);
        Pods = new(namesLock, RaiseChanged);
    }

    internal ObjectNames<ServiceNames> Services { get; }
    internal ObjectNames<EndpointGroup> Endpoints { get; }
    internal ObjectNames<EndpointGroup> EndpointSlices { get; }
    internal ObjectNames<PodAddresses> Pods { get; }

    /// <summary>Raised after each change, on the thread that made it.</summary>
    public event Action? Changed;

    /// <summary>Whether everything was told once: before, a name that is missing means nothing.</summary>
    internal bool IsComplete { get; private set; }

    /// <summary>Whoever fills the names has told all that there are.</summary>
    public void SetComplete()
    {
        lock (namesLock)
        {
            if (IsComplete) return;
            IsComplete = true;
            Services.Complete();
            Endpoints.Complete();
            EndpointSlices.Complete();
            Pods.Complete();
        }
        RaiseChanged();
    }

    internal NameSnapshot Snapshot
    {
        get { lock (namesLock) return new(Services.All, [.. Endpoints.All, .. EndpointSlices.All], Pods.All, machines); }
    }

    /// <summary>Takes what was known before, of each kind that nobody has told since.</summary>
    internal void Restore(NameSnapshot before)
    {
        lock (namesLock)
        {
            if (IsComplete) return;
            Services.Restore(before.Services);
            Endpoints.Restore(before.Endpoints);
            Pods.Restore(before.Pods);
        }
        RaiseChanged();
    }

    /// <summary>What is behind services, told by one of two kinds of objects: what the other said before no longer counts.</summary>
    internal void ReplaceEndpoints(IReadOnlyList<EndpointGroup> all, bool bySlices)
    {
        (bySlices ? EndpointSlices : Endpoints).Replace(all);
        // Last: no name is gone for a moment.
        (bySlices ? Endpoints : EndpointSlices).Replace([]);
    }

    public void SetMachines(IReadOnlyList<MachineName> all)
    {
        lock (namesLock)
        {
            if (machines.SequenceEqual(all)) return;
            machines = all;
        }
        RaiseChanged();
    }

    private void RaiseChanged() => Changed?.Invoke();
}
