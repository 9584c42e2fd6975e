using System.CommandLine;
using Operos.Ctl.Rendering;
using Operos.Proto;

namespace Operos.Ctl.Commands;

/// <summary>What the controller serves and how it is: status, leases, releases, boots.</summary>
internal static class ClusterCommands
{
    public static IEnumerable<Command> Create()
    {
        var status = new Command("status",
            "Show the controller's state; exit code 1 where a component does not work or a node is not Ready");
        status.Shows<StatusReply>(_ => new ShowStatus(), RenderStatus, ExitCode);
        yield return status;
        var leases = new Command("leases", "List DHCP leases");
        leases.Shows<LeaseList>(_ => new ListLeases(), RenderLeases);
        yield return leases;
        var releases = new Command("releases", "List the releases on the controller");
        releases.Shows<ReleaseList>(_ => new ListReleases(), RenderReleases);
        yield return releases;
        var boots = new Command("boots", "Show what machines fetch from the boot server");
        boots.Shows<BootList>(_ => new ListBoots(), RenderBoots);
        yield return boots;
        var machine = MachineCommands.MachineArgument();
        var why = new Command("why", "Say what keeps a machine from being Ready") { machine };
        why.Shows<MachineExplanation>(result => new ExplainMachine { Machine = result.GetRequiredValue(machine) }, RenderExplanation);
        yield return why;
        yield return KubeconfigCommand.Create();
        yield return AuditCommand.Create();
        yield return EventsCommand.Create();
    }

    internal static int ExitCode(StatusReply status) =>
        status.Components.All(part => part.Healthy) && status.Nodes.All(node => node.Ready) ? 0 : Outcome.Failed;

    internal static string RenderStatus(StatusReply status)
    {
        var now = DateTimeOffset.UtcNow;
        var text = $"{status.Version}, started {Figures.Age(status.StartedUnixMs, now)}, admission {status.Admission}, {status.MachinesUp} "
            + $"of {status.MachinesKnown} machines up"
            + (status.MachinesWaiting == 0 ? "" : $", {status.MachinesWaiting} wait for an operator: operosctl machines")
            + (status.Nodes.Count == 0 ? "\n" : $", {status.Nodes.Count(node => node.Ready)} of {status.Nodes.Count} nodes Ready\n")
            + Table.Render(["COMPONENT", "HEALTH", "SINCE", ""],
                [.. status.Components.Select(part =>
                (IReadOnlyList<string>)[part.Name, part.Healthy ? "ok" : part.Starting ? "starting" : "FAILED",
                Figures.Age(part.SinceUnixMs, now), part.Text])]);
        if (status.Nodes.Count > 0)
            text += "\n" + Table.Render(["NODE", "UUID", "STATE", "SINCE", "VERSION", ""],
                [.. status.Nodes.Select(node =>
                (IReadOnlyList<string>)[node.Name ?? "-", node.Id, node.Ready ? "Ready" : "NotReady", Figures.Age(node.SinceUnixMs, now),
                node.Version ?? "-", node.Text])]);
        if (status.PodsNotRunning.Count > 0)
            text += "\npods not running\n" + Table.Render(["NAMESPACE", "POD", "NODE", ""],
                [.. status.PodsNotRunning.Select(pod => (IReadOnlyList<string>)[pod.Namespace, pod.Name, pod.Node ?? "-", pod.Text])]);
        text += ClockTable.Render(status.Clocks);
        if (status.Alarms.Count > 0) text += "\n" + string.Concat(status.Alarms.Select(alarm => $"ALARM {alarm}\n"));
        foreach (var certificate in status.Expiring)
            text += $"\ncertificate {(Figures.Time(certificate.ExpiresUnixMs) > now ? "near expiry" : "expired")}: "
                + $"{Terminal.Line(certificate.Name)}, {When(certificate.ExpiresUnixMs, now)}";
        return text + (status.Expiring.Count > 0 ? "\n" : "");
    }

    internal static string RenderExplanation(MachineExplanation explanation)
    {
        var now = DateTimeOffset.UtcNow;
        return $"{Terminal.Line(explanation.Text)}\n\n" + Table.Render(["STEP", "STATE", "SINCE", ""],
            [.. explanation.Steps.Select(step =>
                (IReadOnlyList<string>)[step.Name, step.Done ? "done" : "NOT DONE", Figures.Age(step.SinceUnixMs, now), step.Text])]);
    }

    private static string When(long unixMs, DateTimeOffset now)
    {
        var left = Figures.Time(unixMs) - now;
        return left > TimeSpan.Zero ? $"in {Figures.Span(left)}" : $"{Figures.Span(-left)} ago";
    }

    internal static string RenderLeases(LeaseList list)
    {
        if (list.Mode != "full") return $"DHCP mode {list.Mode}: another server hands out the leases\n";
        if (list.Leases.Count == 0) return "no leases yet\n";
        return Table.Render(["ADDRESS", "MAC", "MACHINE", "HOSTNAME", "EXPIRES"],
            [.. list.Leases.Select(lease => (IReadOnlyList<string>)
            [
                lease.Address, lease.Mac, lease.MachineId ?? "-", lease.Hostname ?? "-",
                $"in {Figures.Span(Figures.Time(lease.ExpiresUnixMs) - DateTimeOffset.UtcNow)}",
            ])]);
    }

    internal static string RenderReleases(ReleaseList list) => list.Releases.Count == 0 ? "no releases: see images/README.md\n"
        : Table.Render(["VERSION", "CREATED", "SIZE", "KERNEL", "CURRENT", "VERIFICATION"],
            [.. list.Releases.Select(release =>
                (IReadOnlyList<string>)[release.Version, Figures.Age(release.CreatedUnixMs, DateTimeOffset.UtcNow),
                Figures.Size(release.SizeBytes), release.KernelRelease, release.Current ? "yes" : "", release.Verification])]);

    internal static string RenderBoots(BootList list) => list.Boots.Count == 0 ? "nothing was fetched since the controller started\n"
        : Table.Render(["ADDRESS", "MAC", "RELEASE", "FILE", "SENT", "OF", "LAST"],
            [.. list.Boots.Select(boot =>
                (IReadOnlyList<string>)[boot.Address, boot.Mac ?? "-", boot.Release ?? "-", boot.File, Figures.Size(boot.BytesSent),
                Figures.Size(boot.BytesTotal), Figures.Age(boot.LastUnixMs, DateTimeOffset.UtcNow)])]);
}
