using Operos.Controller.Configuration;
using Operos.Hardware.Fingerprint;

namespace Operos.Controller.Machines;

/// <summary>What becomes of somebody who claims to be a known machine.</summary>
internal enum Verdict
{
    /// <summary>It is that machine: it has proved it, it was expected, or nobody was that machine before.</summary>
    Admitted,
    /// <summary>It is taken for that machine, and an operator is told: nobody ordered its boot.</summary>
    AdmittedWithAlarm,
    /// <summary>An operator decides: nobody ordered its boot.</summary>
    Waits,
    /// <summary>An operator decides: it has but a part of the machine's evidence.</summary>
    WaitsChanged,
    /// <summary>The machine answers: two with one identity.</summary>
    IsAlive,
    /// <summary>It tells of the machine's present boot and does not have that boot's key.</summary>
    OtherKey,
    /// <summary>An operator said that another is the machine.</summary>
    OtherExpected,
    /// <summary>The machine was alive a moment ago and may only have lost its connection.</summary>
    TooSoon,
    /// <summary>The machine's disks carried its secret when it enrolled last, and it has not shown it yet.</summary>
    OwesToken,
}

/// <summary>What is known of a machine's agent when somebody claims to be its machine.</summary>
/// <param name="Answers">It answered the controller's probe just now.</param>
/// <param name="Heard">Its last sign of life on the session that it has; null where it has none.</param>
/// <param name="IsOpen">It did not, and its connection has not ended: TCP tells within half a minute of a machine that is gone.</param>
internal readonly record struct SignsOfLife(bool Answers, DateTimeOffset? Heard, bool IsOpen = false);

/// <summary>
/// Who may be a known machine again. Evidence is a claim: anybody who has read it can tell it. The key of the machine's present boot is a
/// proof, and so is the secret that its disks carry. A machine whose disks have shown theirs once is expected to show it.
/// </summary>
/// <param name="Silence">How long a machine must not have been heard of before a boot that nobody ordered may be it.</param>
/// <param name="Started">When this controller did.</param>
internal sealed record Readmission(ReadmissionPolicy Policy, TimeSpan Silence, DateTimeOffset Started)
{
    /// <summary>How long an ordered reboot is expected to take at most: a large server tests its memory for a quarter of an hour.</summary>
    public static readonly TimeSpan RebootWindow = TimeSpan.FromMinutes(20);

    /// <summary>How long an operator's word on a claim counts.</summary>
    public static readonly TimeSpan WordCounts = TimeSpan.FromHours(1);

    /// <summary>How long disks may take to be found and to turn before their machine is judged without their secret.</summary>
    public static readonly TimeSpan DisksAppear = TimeSpan.FromSeconds(60);

    /// <summary>Agents that lost their controller are all back by then: they pause for at most 45 s between tries.</summary>
    private static readonly TimeSpan Reconnection = TimeSpan.FromSeconds(60);

    /// <summary>After that it is asked again whether a session that does not answer is open still.</summary>
    private static readonly TimeSpan OpenFor = TimeSpan.FromSeconds(5);

    public Verdict Judge(MachineRecord record, Newcomer newcomer, SignsOfLife life, DateTimeOffset now)
    {
        // The request for its certificate is signed with this key: whoever holds it is who was let in before.
        if (record.KeyHash is not null && record.KeyHash == newcomer.KeyHash) return Verdict.Admitted;
        var awaited = record.Awaited is { } word && word.Until > now ? word.KeyHash : null;
        if (awaited is not null && awaited != newcomer.KeyHash) return Verdict.OtherExpected;
        if (life.Answers) return Verdict.IsAlive;
        if (awaited is not null) return Verdict.Admitted;
        if (record is { CertificateHash: null, KeyHash: null }) return Verdict.Admitted;
        if (record.KeyHash is not null && record.BootId == newcomer.BootId) return Verdict.OtherKey;
        if (record.Tokens?.IsShown(newcomer.Tokens) == true) return Verdict.Admitted;
        // Its agent does not answer, but its kernel holds the session of the machine's present boot: it hangs, or is busy.
        if (life.IsOpen) return Verdict.TooSoon;
        var isWhole = IsWhole(record, newcomer);
        var owesToken = record.Tokens?.Shown is not null;
        if (isWhole && record.RebootUntil > now && !owesToken) return Verdict.Admitted;
        // Its disks may not have been found yet: it looks again at each try.
        if (owesToken && now - (record.Claims.FirstOrDefault(claim => claim.KeyHash == newcomer.KeyHash)?.First ?? now) < DisksAppear)
            return Verdict.OwesToken;
        if (SilentIn(record, life, now) > TimeSpan.Zero) return Verdict.TooSoon;
        if (!isWhole) return Verdict.WaitsChanged;
        return Policy == ReadmissionPolicy.Auto ? Verdict.AdmittedWithAlarm : Verdict.Waits;
    }

    /// <summary>Machines come back with one component changed; whoever has but a part of one's evidence lacks more than that.</summary>
    private static bool IsWhole(MachineRecord record, Newcomer newcomer) =>
        new Comparison(EvidenceReader.Read(record.Inventory), EvidenceReader.Read(newcomer.Inventory))
            .Components.Count(component => !component.IsGained && component.Agreement < 1) <= 1;

    /// <summary>How long until the machine has been silent for long enough; not positive where it has.</summary>
    public TimeSpan SilentIn(MachineRecord record, SignsOfLife life, DateTimeOffset now)
    {
        if (life.IsOpen) return OpenFor;
        var last = life.Heard > record.LastSeen ? life.Heard.Value : record.LastSeen;
        // A controller that starts knows of nobody's session; who had one when it ended gets the time to come back.
        var reconnection = record.Connected && life.Heard is null ? Started + Reconnection : last;
        return (last + Silence > reconnection ? last + Silence : reconnection) - now;
    }
}
