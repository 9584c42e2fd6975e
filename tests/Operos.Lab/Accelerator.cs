namespace Operos.Lab;

/// <summary>KVM where it runs what the lab runs, else QEMU's own translation.</summary>
public static class Accelerator
{
    internal const string Kvm = "kvm", Translation = "tcg,thread=multi,tb-size=2047";
    private const string Device = "/dev/kvm";
    private static readonly SemaphoreSlim ChosenLock = new(1, 1);
    private static string? chosen;

    /// <summary>QEMU's words for <c>-accel</c>. The first time it says in a line which one and why.</summary>
    public static async Task<string> ChooseAsync(CancellationToken cancellationToken)
    {
        await ChosenLock.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            if (chosen is not null) return chosen;
            var verdict = await DecideAsync(Device, Identify, AcceleratorRecords.Default, Probe).ConfigureAwait(false);
            Console.WriteLine(verdict.Line);
            return chosen = verdict.Works ? Kvm : Translation;
        }
        finally { ChosenLock.Release(); }

        Task<HostIdentity> Identify() => HostIdentity.ReadAsync(cancellationToken);

        Task<Verdict?> Probe() => KvmProbe.RunAsync(Kvm, cancellationToken);
    }

    /// <summary>Whether KVM was chosen, in this process.</summary>
    public static bool IsKvm => chosen == Kvm;

    /// <summary>From now on guests of this host are emulated, until it boots again: one failed under KVM in spite of the probe.</summary>
    public static async Task ForbidKvmAsync(string why, CancellationToken cancellationToken)
    {
        await ChosenLock.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            chosen = Translation;
            var verdict = new Verdict(false, why);
            Console.WriteLine(verdict.Line);
            AcceleratorRecords.Default.Write(await HostIdentity.ReadAsync(cancellationToken).ConfigureAwait(false), verdict);
        }
        finally { ChosenLock.Release(); }
    }

    /// <summary>What is plain at once is not recorded; what a probe found holds until the host boots again.</summary>
    internal static async Task<Verdict> DecideAsync(
        string device, Func<Task<HostIdentity>> identify, AcceleratorRecords records, Func<Task<Verdict?>> probe)
    {
        if (Unusable(device) is { } reason) return new Verdict(false, reason);
        var host = await identify().ConfigureAwait(false);
        if (records.Read(host) is { } known) return known;
        if (await probe().ConfigureAwait(false) is not { } found)
            return new Verdict(false, "there is no release in out/release whose kernel could be tried");
        records.Write(host, found);
        return found;
    }

    /// <summary>Why the device cannot even be opened; null where it can.</summary>
    private static string? Unusable(string device)
    {
        if (!File.Exists(device)) return $"there is no {device}";
        try
        {
            using var opened = File.OpenHandle(device, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
            return null;
        }
        catch (UnauthorizedAccessException) { return $"permission denied on {device}"; }
        catch (IOException e) { return $"{device} does not open: {e.Message}"; }
    }
}

/// <summary>Whether KVM runs what the lab runs, and why not.</summary>
internal sealed record Verdict(bool Works, string Reason)
{
    public string Line => Works ? $"kvm: used: {Reason}" : $"kvm: not used: {Reason}; guests are emulated";
}
