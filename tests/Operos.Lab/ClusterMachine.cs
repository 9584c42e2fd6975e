namespace Operos.Lab;

/// <summary>A machine, as <c>operosctl machines list</c> tells of it.</summary>
public sealed record ClusterMachine(string Id, string Kind, string State, string? Address)
{
    public bool IsWorker => Kind == "worker";
}
