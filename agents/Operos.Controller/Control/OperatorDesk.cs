using Microsoft.Extensions.Logging;
using Operos.Authority;
using Operos.Boot;
using Operos.Controller.Boot;
using Operos.Controller.Cluster;
using Operos.Controller.Configuration;
using Operos.Controller.Connections;
using Operos.Controller.Dhcp;
using Operos.Controller.Machines;
using Operos.Kubernetes;
using Operos.Linux;
using Operos.Names;
using Operos.Proto;
using Operos.Proto.Connection;

namespace Operos.Controller.Control;

/// <summary>What operators ask. Every change is logged with the operator's name.</summary>
internal sealed class OperatorDesk(
    MachineRegistry registry, MachineViews views, Sessions sessions, ReleaseStore releases, BootWatch boots, Dnsmasq dnsmasq,
    ClusterDesk? cluster, ClusterDns? dns,
    ControllerSettings settings, ControllerPaths paths, CertificateAuthority authority, TimeProvider time, ILogger<OperatorDesk> logger)
{
    private const int MaxLabels = 64;
    private readonly DateTimeOffset started = time.GetUtcNow();
    private readonly IdentityQuestions identities = new(registry, sessions, time);

    public async Task<Message> HandleAsync(Message request, string user, CancellationToken cancellationToken)
    {
        switch (request)
        {
            case ListMachines: return new MachineList { Machines =
                [.. registry.All.Select(views.Summarise).OrderBy(machine => machine.Kind, StringComparer.Ordinal)
                .ThenBy(machine => machine.Name ?? machine.Id, StringComparer.Ordinal)] };
            case ShowMachine show: return views.Describe(registry.Find(show.Machine));
            case ListLeases: return Leases();
            case ListReleases: return Releases();
            case ListBoots: return BootViews.List(boots, address => Leases().Leases.FirstOrDefault(lease => lease.Address == address)?.Mac);
            case ShowStatus: return cluster?.Report(Status(), id => registry.Get(id)?.Name) ?? Status();
            case ExplainMachine explain: return Explain(registry.Find(explain.Machine));
        }
        logger.LogInformation("{User}: {Request}", user, PrintableText.Line($"{request}", MachineWords.LongestText));
        return request switch
        {
            ApproveMachine approve => Approve(registry.Find(approve.Machine)),
            RejectMachine reject => Reject(registry.Find(reject.Machine)),
            RenameMachine rename =>
                Done(registry.Rename(registry.Find(rename.Machine).Id, rename.Name), rename.Name.Length == 0
                ? "has no name now" : $"is named {rename.Name}"),
            LabelMachine label => Label(registry.Find(label.Machine), label),
            ResolveMachine resolve => await identities.ResolveAsync(resolve, cancellationToken).ConfigureAwait(false),
            RemoveMachine remove => await RemoveAsync(registry.Find(remove.Machine), remove, cancellationToken).ConfigureAwait(false),
            RebootMachine reboot => await RebootAsync(registry.Find(reboot.Machine), user, cancellationToken).ConfigureAwait(false),
            IssueApiCredentials issue => IssueCredentials(issue, user),
            _ => new Fault { Code = FaultCode.BadRequest, Text = $"{request.GetType().Name} is no operator's request" },
        };
    }

    private Message Approve(MachineRecord record)
    {
        if (record.Standing == MachineStanding.Admitted) return Done(record, "is admitted already");
        if (record.Standing == MachineStanding.Ambiguous)
            throw Refusal(FaultCode.Conflict, $"{record.Id} is ambiguous: {record.Reason}", MachineViews.ResolveCommand(record));
        return Done(registry.Update(record.Id, waits => waits with { ResolvedAs = "new", Standing = MachineStanding.Pending }, "approved"),
            $"is approved; it joins when it asks next, within "
                + $"{(record.Standing == MachineStanding.Rejected ? "a minute or two" : "seconds")}");
    }

    private Message Reject(MachineRecord record)
    {
        if (record.Standing == MachineStanding.Admitted)
            throw Refusal(FaultCode.Conflict, $"{record.Id} is admitted", $"operosctl machines remove {record.Id}");
        return Done(registry.Update(record.Id, waits => waits with { Standing = MachineStanding.Rejected, ResolvedAs = null }, "rejected"),
            "is rejected");
    }

    private Message Label(MachineRecord record, LabelMachine change)
    {
        var bad = change.Set.Where(label => !LabelSyntax.IsKey(label.Key) || !LabelSyntax.IsValue(label.Value))
            .Select(label => $"'{label.Key}={label.Value}'").ToList();
        var names = PrintableText.Line(string.Join(", ", bad), MachineWords.LongestText);
        if (bad.Count > 0) throw Refusal(FaultCode.BadRequest,
            $"nothing was changed: {(bad.Count == 1 ? "this is no label" : "these are no labels")}: {names}", LabelSyntax.Words);
        var labels = record.Labels.Where(label => !change.Remove.Contains(label.Key)).ToDictionary();
        foreach (var (key, value) in change.Set) labels[key] = value;
        if (labels.Count > MaxLabels) throw Refusal(FaultCode.BadRequest, $"over {MaxLabels} labels", null);
        var happened = PrintableText.Line($"labels: {string.Join(", ", labels.Select(label => $"{label.Key}={label.Value}"))}",
            MachineWords.LongestText);
        return Done(registry.Update(record.Id, known => known with { Labels = labels }, happened), $"has {labels.Count} labels");
    }

    private async Task<Message> RemoveAsync(MachineRecord record, RemoveMachine request, CancellationToken cancellationToken)
    {
        if (record.Kind == "controller") throw Refusal(FaultCode.Conflict, "the controller cannot remove itself", null);
        if (cluster is not null && record.Standing == MachineStanding.Admitted)
            await cluster.DrainAsync(record, request, cancellationToken).ConfigureAwait(false);
        registry.Remove(record.Id);
        await sessions.CloseAsync(record.Id).ConfigureAwait(false);
        if (cluster is not null) await cluster.ForgetAsync(record.Id, cancellationToken).ConfigureAwait(false);
        return Done(record, "is removed; its certificate no longer counts. If it asks to join again, it waits: operosctl machines approve");
    }

    private async Task<Message> RebootAsync(MachineRecord record, string user, CancellationToken cancellationToken)
    {
        if (sessions.Get(record.Id) is not { } session)
            throw Refusal(FaultCode.Conflict, $"{record.Id} is not connected", "power-cycle it by hand");
        // Written before it is asked for: what comes back then is expected, whatever happens to this controller meanwhile.
        var until = time.GetUtcNow() + Readmission.RebootWindow;
        registry.Update(record.Id, known => known with { RebootUntil = until }, $"reboot asked for by {user}");
        try { await session.Connection.CallAsync<Done>(new Reboot { Reason = $"asked for by {user}" }, cancellationToken)
            .ConfigureAwait(false); }
        catch (ControlFaultException e)
        {
            registry.Update(record.Id, known => known with { RebootUntil = null }, $"it does not reboot: {e.Message}");
            throw;
        }
        return Done(record, "reboots");
    }

    private ApiCredentials IssueCredentials(IssueApiCredentials request, string user)
    {
        var issued = (cluster ?? throw NoKubernetes()).Issue(request);
        var text = $"{user} was issued a certificate of {request.User} ({string.Join(", ", request.Groups)}) until "
            + $"{DateTimeOffset.FromUnixTimeMilliseconds(issued.ExpiresUnixMs).UtcDateTime:yyyy-MM-dd HH:mm} UTC";
        logger.LogInformation("{Event}", text);
        if (registry.All.FirstOrDefault(record => record.Kind == "controller") is { } self) registry.Update(self.Id, known => known, text);
        return issued;
    }

    private MachineExplanation Explain(MachineRecord record) =>
        (cluster ?? throw NoKubernetes()).Explain(record, views.Summarise(record).Note, sessions.Get(record.Id));

    private static ControlFaultException NoKubernetes() =>
        Refusal(FaultCode.Conflict, "this cluster runs no Kubernetes", "kubernetes.enabled in controller.toml");

    private LeaseList Leases()
    {
        var owners = registry.All.SelectMany(record =>
            record.Inventory.Nics.Where(nic => nic.Mac is not null).Select(nic => (Mac: nic.Mac!, record.Id))).DistinctBy(pair => pair.Mac)
            .ToDictionary(pair => pair.Mac, pair => pair.Id);
        return new LeaseList
        {
            Mode = settings.DhcpMode.ToString().ToLowerInvariant(),
            Leases = [.. LeaseFile.Read(paths.Leases).Select(lease => lease with { MachineId = owners.GetValueOrDefault(lease.Mac) })],
        };
    }

    private ReleaseList Releases() => new()
    {
        Releases = [.. releases.Releases.Select(release => new ReleaseSummary
        {
            Version = release.Manifest.Version, CreatedUnixMs = release.Manifest.Created.ToUnixTimeMilliseconds(),
            SizeBytes = release.Manifest.Layers.Sum(layer => layer.Size),
            KernelRelease = release.Manifest.KernelRelease, Current = release == releases.Current, Verification = release.Verification,
        })],
    };

    private StatusReply Status() => new()
    {
        Version = ControllerSettings.Agent,
        StartedUnixMs = started.ToUnixTimeMilliseconds(),
        Admission = settings.Admission.ToString().ToLowerInvariant(),
        Components =
        [
            Component("dnsmasq", dnsmasq.Status),
            .. dns is null ? (ComponentStatus[])[] : [Component("unbound", dns.ResolverStatus), Component("knot", dns.AuthorityStatus)],
            new ComponentStatus { Name = "releases", Healthy = releases.Current is not null, Text = releases.Current is { } current
                ? $"workers boot {current.Manifest.Version}" : "none to boot", SinceUnixMs = started.ToUnixTimeMilliseconds() },
        ],
        Alarms = [.. registry.All.Where(record => MachineViews.Alarm(record) is not null)
            .Select(record => $"{record.Name ?? record.Id}: {MachineViews.Alarm(record)}")],
        MachinesKnown = registry.All.Count,
        MachinesUp = registry.All.Select(views.Summarise).Count(machine => machine.State == "up"),
        CaExpiresUnixMs = new DateTimeOffset(authority.Certificate.NotAfter).ToUnixTimeMilliseconds(),
    };

    private static ComponentStatus Component(string name, (bool Healthy, string Text, DateTimeOffset Since) status) =>
        new() { Name = name, Healthy = status.Healthy, Text = status.Text, SinceUnixMs = status.Since.ToUnixTimeMilliseconds() };

    private static Done Done(MachineRecord record, string text) => new() { Text = $"{record.Name ?? record.Id} {text}" };

    private static ControlFaultException Refusal(string code, string text, string? hint) =>
        new(new Fault { Code = code, Text = text, Hint = hint });
}
