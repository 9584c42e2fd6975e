using Microsoft.Extensions.Logging;
using Operos.ControlPlane.Components;
using Operos.ControlPlane.Configuration;
using Operos.ControlPlane.Objects;
using Operos.Kubernetes;

namespace Operos.ControlPlane;

/// <summary>Keeps the built-in objects and the add-ons in the API server: at each change of the folder, and every few minutes.</summary>
public sealed class ClusterObjects(ControlPlaneSettings settings, ControlPlanePaths paths, ApiClient client, ControlPlaneHealth state,
    TimeProvider time, ILoggerFactory loggers)
{
    private const string BuiltInPart = "built-in objects", AddOnsPart = "add-ons", FieldManager = "operos-controller";
    private static readonly TimeSpan Look = TimeSpan.FromSeconds(2), AfterProblem = TimeSpan.FromSeconds(10),
        Again = TimeSpan.FromMinutes(3);
    private readonly ApiDiscovery discovery = new(client);
    private readonly ILogger logger = loggers.CreateLogger<ClusterObjects>();

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        var addOns = new AddOns(paths.AddOns, new ObjectApplier(client, discovery, AddOns.FieldManager), loggers.CreateLogger<AddOns>());
        var (last, next) = ("", DateTimeOffset.MinValue);
        while (true)
        {
            await Task.Delay(Look, time, cancellationToken).ConfigureAwait(false);
            await state.UntilHealthyAsync(Component.ApiServer, cancellationToken).ConfigureAwait(false);
            try
            {
                var now = addOns.Fingerprint();
                if (now == last && time.GetUtcNow() < next) continue;
                await ApplyBuiltInAsync(cancellationToken).ConfigureAwait(false);
                var (count, problems) = await addOns.ApplyAsync(cancellationToken).ConfigureAwait(false);
                Tell(AddOnsPart, problems.Count == 0, problems.Count == 0
                    ? $"{count} objects applied"
                    : $"{string.Join("; ", problems.Take(3))}{(problems.Count > 3 ? $" and {problems.Count - 3} more" : "")}");
                (last, next) = (now, time.GetUtcNow() + (problems.Count == 0 ? Again : AfterProblem));
            }
            catch (Exception e) when (e is ApiException or IOException or UnauthorizedAccessException or InvalidOperationException)
            {
                Tell(AddOnsPart, false, e.Message);
                next = time.GetUtcNow() + Look;
                last = "";
            }
        }
    }

    private async Task ApplyBuiltInAsync(CancellationToken cancellationToken)
    {
        var applier = new ObjectApplier(client, discovery, FieldManager);
        foreach (var value in BuiltInObjects.For(settings))
        {
            try { await applier.ApplyAsync(value, cancellationToken).ConfigureAwait(false); }
            catch (ApiException e)
            {
                Tell(BuiltInPart, false, $"{ObjectName.Of(value)}: {e.Message}");
                throw;
            }
        }
        Tell(BuiltInPart, true, "applied");
    }

    private void Tell(string part, bool healthy, string text)
    {
        if (!state.Set(part, healthy, text)) return;
        if (healthy) logger.PartIsWell(part, text);
        else logger.PartAils(part, text);
    }
}
