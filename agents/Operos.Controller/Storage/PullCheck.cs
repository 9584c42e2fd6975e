using Operos.Ceph;
using Operos.Ceph.Osds;
using Operos.Controller.Cluster;
using Operos.Controller.Disks;
using Operos.Controller.Machines;
using Operos.Kubernetes;
using Operos.Kubernetes.Objects;
using Operos.Proto;

namespace Operos.Controller.Storage;

/// <summary>
/// Whether a disk may be pulled, or a machine or a rack switched off: what Ceph, Kubernetes and the books say of it together. What is not
/// known is a reason against it.
/// </summary>
/// <param name="ceph">Null where this cluster has none.</param>
/// <param name="client">The API server; null where this cluster has none.</param>
internal sealed class PullCheck(CephMonitor? ceph, ApiClient? client, StorageViews views, VolumeViews volumes, VolumeBook staged,
    RackDisks disks, MachineRegistry machines)
{
    private const string RackLabel = "rack";
    private const int MostNamed = 3;

    /// <summary>What is to go: whole machines, or one disk of one.</summary>
    private sealed record Target(string Call, IReadOnlyList<MachineRecord> Machines, DiskEntry? Disk = null);

    /// <exception cref="RefusedException">There is none such, or there are several.</exception>
    public async Task<PullAnswer> AnswerAsync(string called, CancellationToken cancellationToken)
    {
        var target = Find(called.Trim());
        List<int> osds = [.. views.Osds().Osds.Where(osd => osd is { Id: >= 0, State: not "destroyed" } && IsOf(target, osd))
            .Select(osd => osd.Id).Distinct().Order()];
        List<string> reasons = [.. OfController(target), .. await OfDataAsync(osds, cancellationToken).ConfigureAwait(false),
            .. OfVolumes(target), .. await OfKubernetesAsync(target, cancellationToken).ConfigureAwait(false)];
        var (seconds, wait) = reasons.Count > 0 && osds.Count > 0 && ceph?.Facts is { } facts ? OsdMoves.Missing(facts) : (0, null);
        return new PullAnswer { Safe = reasons.Count == 0, What = target.Call, Reasons = reasons, Osds = osds, WaitSeconds = seconds,
            Wait = wait ?? "" };
    }

    private Target Find(string called)
    {
        MachineRecord? machine = null;
        try { machine = machines.Find(called); }
        catch (RefusedException e) when (e.Kind == RefusalKind.NotFound) { }
        List<MachineRecord> rack = [.. machines.All.Where(one => one.Labels.GetValueOrDefault(RackLabel) == called)];
        if (machine is not null && rack.Count > 0)
            throw new RefusedException(RefusalKind.Conflict,
                $"'{called}' is the machine {Name(machine)} and a rack of {Counted(rack.Count, "machine")}",
                "give the machine's UUID, or the rack another label");
        if (machine is not null) return new Target($"machine {Name(machine)}", [machine]);
        if (rack.Count > 0)
            return new Target($"rack {called} ({Named([.. rack.Select(Name).Order(StringComparer.Ordinal)])})", rack);
        var disk = disks.Views.Find(called);
        return new Target($"disk {DiskViews.Call(disk)}", [], disk);
    }

    private static bool IsOf(Target target, OsdEntry osd) => target.Disk is { } disk
        ? osd.Machine == disk.Machine && osd.Disk == disk.Disk.Identity : target.Machines.Any(machine => machine.Id == osd.Machine);

    private IEnumerable<string> OfController(Target target)
    {
        IReadOnlyList<MachineRecord> of = target.Disk is { } disk ? machines.Get(disk.Machine) is { } one ? [one] : [] : target.Machines;
        return of.Where(machine => machine.Kind == "controller").Select(machine => target.Disk is null
            ? $"{Name(machine)} is the controller: while it is off no machine boots, nothing is scheduled"
                + (ceph is null ? "" : ", and there is no monitor of Ceph, without which the pool stands still")
            : "it is a disk of the controller: what the cluster is may be on it");
    }

    private async Task<IEnumerable<string>> OfDataAsync(List<int> osds, CancellationToken cancellationToken)
    {
        if (ceph is null || osds.Count == 0) return [];
        try { return (await ceph.Osds.WeighAbsenceAsync(osds, cancellationToken).ConfigureAwait(false)).Reasons; }
        catch (IOException e) { return [$"whether its OSDs may go is not known: {e.Message}; operosctl storage status"]; }
    }

    /// <summary>Of the pool: who has one mapped is its only writer.</summary>
    private IEnumerable<string> OfVolumes(Target target)
    {
        if (staged.Trouble is { } trouble && target.Machines.Count > 0) return [trouble];
        var claims = volumes.List(null).Volumes.ToDictionary(volume => volume.Volume, volume => volume.Claim, StringComparer.Ordinal);
        return target.Machines.Select(machine => (Machine: machine, Names: (IReadOnlyList<string>)[.. staged.All
                .Where(one => one.Machine == machine.Id).Select(one => claims.GetValueOrDefault(one.Volume) is { Length: > 0 } claim ? claim
                : one.Volume).Order(StringComparer.Ordinal)]))
            .Where(one => one.Names.Count > 0).Select(one => $"{Name(one.Machine)} has {Counted(one.Names.Count, "volume")} of the pool in "
                + $"use ({Named(one.Names)}), which stand still until they begin elsewhere: operosctl machines drain {Name(one.Machine)}");
    }

    private async Task<IEnumerable<string>> OfKubernetesAsync(Target target, CancellationToken cancellationToken)
    {
        if (client is null) return [];
        try
        {
            var reasons = new List<string>();
            foreach (var machine in target.Machines)
                reasons.AddRange(OfPods(machine, await client.ListAsync(Resources.Pods, cancellationToken,
                    fields: $"spec.nodeName={machine.Id}").ConfigureAwait(false)));
            var records = target.Disk is { } disk ? [disk] : target.Machines.SelectMany(machine => disks.Views.List(machine.Id)).ToList();
            var all = await client.ListAsync(Resources.PersistentVolumes, cancellationToken).ConfigureAwait(false);
            List<string> own = [.. records.Select(entry => entry.Disk.RecordDisk).OfType<string>()];
            return [.. reasons, .. OfFolders(target.Disk is null, own, all)];
        }
        catch (Exception e) when (e is ApiException or IOException or HttpRequestException or TimeoutException)
        {
            return [$"which pods and volumes are there is not known: the API server says nothing: {e.Message}"];
        }
    }

    private static IEnumerable<string> OfPods(MachineRecord machine, IReadOnlyList<PodObject> pods)
    {
        IReadOnlyList<string> names = [.. pods.Where(NodeDrain.MustGo).Select(pod => $"{pod.Metadata?.Namespace}/{pod.Metadata?.Name}")
            .Order(StringComparer.Ordinal)];
        return names.Count == 0 ? []
            : [$"{Counted(names.Count, "pod")} on {Name(machine)} ({Named(names)}) stop with it: operosctl machines drain {Name(machine)}"];
    }

    /// <summary>Volumes of class <c>operos-local</c> have one copy, which comes back with the disk or not at all.</summary>
    internal static IEnumerable<string> OfFolders(bool comesBack, IReadOnlyList<string> records, IReadOnlyList<PersistentVolumeObject> all)
    {
        IReadOnlyList<string> names = [.. all.Where(volume => records.Any(disk => LocalVolumes.IsOn(volume, disk)))
            .Select(volume => volume.Spec?.ClaimRef is { Namespace: { } space, Name: { } claim } ? $"{space}/{claim}"
                : volume.Metadata?.Name ?? "?").Order(StringComparer.Ordinal)];
        return names.Count == 0 ? [] : [$"{Counted(names.Count, "volume")} of class operos-local ({Named(names)}) "
            + (comesBack ? "are on its disks alone: they stand still until it is back"
            : "are on this disk alone: what is in them is lost where it does not come back, and stands still until then")];
    }

    private static string Counted(int count, string what) => count == 1 ? $"1 {what}" : $"{count} {what}s";

    private static string Named(IReadOnlyList<string> names) =>
        string.Join(", ", names.Take(MostNamed)) + (names.Count > MostNamed ? ", ..." : "");

    private static string Name(MachineRecord machine) => machine.Name ?? machine.Id;
}
