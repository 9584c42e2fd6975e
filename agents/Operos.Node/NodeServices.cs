using Microsoft.Extensions.Logging;
using Operos.Linux.Units;
using Operos.Node.Certificates;
using Operos.Node.Configuration;
using Operos.Node.Memory;
using Operos.Node.Runtime;
using Operos.Proto;

namespace Operos.Node;

/// <summary>
/// Brings certificates, files, containerd, images, kubelet and kube-proxy up in their order, and keeps them so. Each round looks at all and
/// touches only what is not as it must be: an agent that starts again disturbs nothing.
/// </summary>
internal sealed class NodeServices(NodePaths paths, NodeSettings settings, NodeFacts facts, CertificateSource source, NodeStepBoard steps,
    TimeProvider time, ILogger logger) : IDisposable
{
    private static readonly TimeSpan CertificatesPeriod = TimeSpan.FromMinutes(1), ImagesPeriod = TimeSpan.FromMinutes(5),
        FirstRetry = TimeSpan.FromSeconds(10), LongestRetry = TimeSpan.FromMinutes(5), LastErrorPeriod = TimeSpan.FromSeconds(30);
    /// <summary>A kubelet's usage text follows its error.</summary>
    private const int LastWordsLines = 50;
    private readonly NodePki pki = new(paths, time);
    private readonly NodeFiles files = new(paths);
    private readonly Systemd units = new();
    private readonly ImageStore images = new(paths);
    private readonly HealthProbe health = new();
    private MemoryWatch memory = new(settings.Memory);
    /// <summary>As wanted, until it is known that what a node writes is on a disk.</summary>
    private NodeSettings settings = settings;
    private readonly Dictionary<string, (string Text, DateTimeOffset Due)> lastErrors = new(StringComparer.Ordinal);
    private readonly TaskCompletionSource credentials = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private DateTimeOffset renewalDue = DateTimeOffset.MinValue, imagesDue = DateTimeOffset.MinValue,
        certificatesDue = DateTimeOffset.MinValue;
    private TimeSpan retry = FirstRetry;
    private string imagesText = "", certificatesText = "";
    private string? lastRenewal;

    /// <summary>As <see cref="NodeAgent.Disks"/>.</summary>
    public Func<CancellationToken, Task<NodeDisks>>? Disks { get; init; }

    /// <summary>Completes when the node's certificates are there.</summary>
    public Task Credentials => credentials.Task;

    /// <returns>Whether every step is done.</returns>
    public async Task<bool> RoundAsync(CancellationToken cancellationToken)
    {
        if (!await StepAsync(NodeStepBoard.Certificates, null, () => CertificatesAsync(cancellationToken)).ConfigureAwait(false))
            return false;
        credentials.TrySetResult();
        // With a disk that fails a node runs on what is left; the kubelet's configuration depends on whether that is a disk.
        var complete = Disks is null
            || await StepAsync(NodeStepBoard.Disks, "being looked at", () => DisksAsync(Disks, cancellationToken)).ConfigureAwait(false);
        if (!await StepAsync(NodeStepBoard.Configuration, null, () => Task.FromResult(WriteFiles())).ConfigureAwait(false)) return false;
        if (!await StepAsync(NodeStepBoard.Containerd, "waits to be started", () => ContainerdAsync(cancellationToken))
            .ConfigureAwait(false)) return false;
        complete &= await StepAsync(NodeStepBoard.Memory, null, () => memory.LookAsync(cancellationToken)).ConfigureAwait(false);
        // Without its images a node still serves pods whose images come from a registry: the kubelet starts all the same.
        complete &= await StepAsync(NodeStepBoard.Images, "being imported", () => ImagesAsync(cancellationToken)).ConfigureAwait(false);
        complete &= await StepAsync(NodeStepBoard.Kubelet, "being started",
            () => ServiceAsync(NodeService.Kubelet, HealthProbe.Kubelet, cancellationToken)).ConfigureAwait(false);
        complete &= await StepAsync(NodeStepBoard.KubeProxy, "being started",
            () => ServiceAsync(NodeService.KubeProxy, HealthProbe.KubeProxy, cancellationToken)).ConfigureAwait(false);
        return complete;
    }

    public void Dispose()
    {
        health.Dispose();
        units.Dispose();
    }

    private async Task<bool> StepAsync(string name, string? begin, Func<Task<string>> act)
    {
        if (begin is not null && steps.Steps.FirstOrDefault(step => step.Name == name) is { Done: false, Text: NodeStep.NotBegun })
            steps.Set(name, false, begin);
        try
        {
            if (steps.Set(name, true, await act().ConfigureAwait(false))) logger.StepDone(name);
            return true;
        }
        catch (Exception e) when (e is NodeException or IOException or UnauthorizedAccessException or FormatException)
        {
            if (steps.Set(name, false, e.Message)) logger.StepFailed(name, e.Message);
            return false;
        }
    }

    /// <summary>Looks at them once a minute: building their chains is most of what a round would cost.</summary>
    private async Task<string> CertificatesAsync(CancellationToken cancellationToken)
    {
        if (time.GetUtcNow() < certificatesDue) return certificatesText;
        if (pki.AuthorityDiffers(settings.Cluster.Authority))
        {
            // Clients read their own certificates anew, but not whom they trust.
            files.MarkStale(NodeService.Kubelet);
            files.MarkStale(NodeService.KubeProxy);
            pki.KeepAuthority(settings.Cluster.Authority);
        }
        var due = pki.Due(settings.Name, facts.Address);
        var problem = due.Count == 0 ? null : await RenewAsync(due, cancellationToken).ConfigureAwait(false);
        var missing = pki.Missing(settings.Name);
        if (missing.Count > 0) throw new NodeException($"no certificate for {string.Join(", ", missing)}: {problem}");
        certificatesDue = time.GetUtcNow() + (problem is null ? CertificatesPeriod : TimeSpan.Zero);
        return certificatesText = $"until {pki.FirstExpiry():u}{(problem is null ? "" : $"; renewal: {problem}")}";
    }

    /// <returns>Why it failed, or that it waits for the next try; null when it is done.</returns>
    private async Task<string?> RenewAsync(IReadOnlyList<string> due, CancellationToken cancellationToken)
    {
        if (time.GetUtcNow() < renewalDue) return lastRenewal;
        try
        {
            await pki.RenewAsync(due, source, Keeping, cancellationToken).ConfigureAwait(false);
            logger.NewCertificates(string.Join(", ", due));
            (retry, renewalDue, lastRenewal) = (FirstRetry, DateTimeOffset.MinValue, null);
        }
        catch (NodeException e)
        {
            lastRenewal = e.Message;
            // A cluster's nodes must not all ask again at one time.
            renewalDue = time.GetUtcNow() + retry * (0.5 + Random.Shared.NextDouble());
            retry = retry * 2 < LongestRetry ? retry * 2 : LongestRetry;
        }
        return lastRenewal;
    }

    /// <summary>A kubelet before 1.31 reads its serving certificate once; its restart leaves pods alone.</summary>
    private void Keeping(string purpose)
    {
        if (purpose == NodeCertificate.KubeletServing && !facts.Version.IsAtLeast(1, 31)) files.MarkStale(NodeService.Kubelet);
    }

    private async Task<string> DisksAsync(Func<CancellationToken, Task<NodeDisks>> look, CancellationToken cancellationToken)
    {
        var disks = await look(cancellationToken).ConfigureAwait(false);
        if (settings.Memory is { } before)
        {
            var plan = (disks.OnDisk && before.HasFiles ? before.WithDisk() : before).WithDaemons(disks.Memory);
            if (plan != before)
            {
                settings = settings with { Memory = plan, ReservedMemoryBytes = plan.Reserved };
                memory = new MemoryWatch(plan);
            }
        }
        return disks.IsWell ? disks.Text : throw new NodeException(disks.Text);
    }

    private string WriteFiles()
    {
        files.Write(settings, facts);
        return $"Kubernetes {facts.Version}, address {facts.Address}";
    }

    private async Task<string> ContainerdAsync(CancellationToken cancellationToken)
    {
        if (await HealthProbe.ListensAsync(paths.ContainerdSocket, cancellationToken).ConfigureAwait(false)) return "";
        await EnsureRunningAsync(NodeService.Containerd, cancellationToken).ConfigureAwait(false);
        throw new NodeException($"it runs, but does not listen on {paths.ContainerdSocket} yet");
    }

    private async Task<string> ImagesAsync(CancellationToken cancellationToken)
    {
        if (time.GetUtcNow() < imagesDue) return imagesText;
        var (imported, archives) = await images.ImportAsync(cancellationToken).ConfigureAwait(false);
        if (imported > 0) logger.ImportedImages(imported, archives);
        imagesDue = time.GetUtcNow() + ImagesPeriod;
        return imagesText = $"{archives} archives";
    }

    private async Task<string> ServiceAsync(string service, string probe, CancellationToken cancellationToken)
    {
        if (files.IsStale(service))
        {
            await units.RestartAsync(service, cancellationToken).ConfigureAwait(false);
            files.MarkFresh(service);
            logger.RunsWithNewFiles(service);
        }
        // A service that answers is running: systemd is asked only about one that does not.
        if (await health.AskAsync(probe, cancellationToken).ConfigureAwait(false) is not { } problem) return "";
        await EnsureRunningAsync(service, cancellationToken).ConfigureAwait(false);
        throw new NodeException(await WithLastErrorAsync(service, problem, cancellationToken).ConfigureAwait(false));
    }

    private async Task EnsureRunningAsync(string service, CancellationToken cancellationToken)
    {
        var state = await units.ReadAsync(service, cancellationToken).ConfigureAwait(false);
        if (state.Load is "not-found" or "masked") throw new NodeException($"{service}.service is {state.Load}");
        if (state.IsDown)
        {
            await units.StartAsync(service, cancellationToken).ConfigureAwait(false);
            state = await units.ReadAsync(service, cancellationToken).ConfigureAwait(false);
        }
        if (!state.IsRunning) throw new NodeException(await WithLastErrorAsync(service, state.ToString(), cancellationToken)
            .ConfigureAwait(false));
    }

    private async Task<string> WithLastErrorAsync(string service, string problem, CancellationToken cancellationToken)
    {
        if (!lastErrors.TryGetValue(service, out var last) || time.GetUtcNow() >= last.Due)
        {
            var words = await UnitJournal.LastWordsAsync(service, LastWordsLines, cancellationToken).ConfigureAwait(false);
            last = lastErrors[service] = (words, time.GetUtcNow() + LastErrorPeriod);
        }
        return last.Text.Length > 0 ? $"{problem}; it said: {last.Text}" : problem;
    }
}
