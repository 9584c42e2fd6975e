using Operos.Storage.Classes;
using Operos.Storage.Looks;

namespace Operos.Storage.Reports;

/// <summary>The disks of this machine, looked at side by side and judged together.</summary>
public static class MachineDisks
{
    /// <param name="files">Images instead of this machine's disks.</param>
    public static async Task<IReadOnlyList<DiskVerdict>> LookAsync(DiskPolicy policy, IReadOnlyList<string> files,
        CancellationToken cancellationToken)
    {
        var disks = files.Count > 0
            ? files.Select(path => new DiskFacts { Name = Path.GetFileName(path), Path = path, Transport = Transport.File }).ToList()
            : [.. new DiskFactsReader().Read(new BootMedium().Find()).Where(IsDisk)];
        var looks = await Task.WhenAll(disks.Select(facts => facts.Transport.IsLookedAt()
            ? DiskLook.TakeAsync(facts.Path, facts, cancellationToken)
            : Task.FromResult(new DiskEvidence { Facts = facts }))).ConfigureAwait(false);
        return DiskClassifier.Classify(looks, policy);
    }

    /// <summary>RAM, and loop devices without a file, are nobody's disks.</summary>
    private static bool IsDisk(DiskFacts facts) =>
        facts.Transport != Transport.Memory && (facts.Bytes > 0 || facts.Transport is not (Transport.File or Transport.Network));
}
