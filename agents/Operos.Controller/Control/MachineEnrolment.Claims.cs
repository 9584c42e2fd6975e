using Microsoft.Extensions.Logging;
using Operos.Controller.Machines;
using Operos.Proto;

namespace Operos.Controller.Control;

/// <content>What is told to whoever claims to be a known machine and is not let in as it, and to the operator.</content>
internal sealed partial class MachineEnrolment
{
    /// <summary>Somebody who asks all the time costs no more writes than one who asks now and then.</summary>
    private static readonly TimeSpan ClaimInterval = TimeSpan.FromSeconds(10);

    private const string WhyUnordered = "it crashed or lost power";

    private EnrolReply Refuse(MachineRecord record, Newcomer newcomer, Verdict verdict, SignsOfLife life)
    {
        if (verdict == Verdict.TooSoon) return AskLater(record, life);
        var claim = Claim.IdOf(record.Id, newcomer.KeyHash);
        var reason = Reason(record, verdict);
        Remember(record, claim, newcomer, verdict, reason);
        if (verdict == Verdict.OwesToken)
            return new EnrolReply
            {
                Admission = Admission.DuplicateLive, MachineId = record.Id, Text = $"{reason}; it is asked again",
                RetryAfterSeconds = RetrySeconds,
            };
        var waits = verdict is Verdict.Waits or Verdict.WaitsChanged;
        return new EnrolReply
        {
            Admission = waits ? Admission.Pending : Admission.DuplicateLive,
            MachineId = record.Id,
            Text = $"{reason}; an operator decides: operosctl machines resolve {claim} --as {(waits ? record.Id : "new")}",
            RetryAfterSeconds = waits ? RetrySeconds : RetrySeconds * 4,
        };
    }

    private EnrolReply AskLater(MachineRecord record, SignsOfLife life) => new()
    {
        Admission = Admission.DuplicateLive,
        MachineId = record.Id,
        Text = life.IsOpen ? $"machine {record.Id} does not answer, but its connection is open: it may only be busy"
            : $"machine {record.Id} was alive a moment ago, and nobody ordered a reboot: it may only have lost its connection",
        RetryAfterSeconds = Math.Clamp((int)Math.Ceiling(readmission.SilentIn(record, life, time.GetUtcNow()).TotalSeconds), 1,
            RetrySeconds * 12),
    };

    private void Remember(MachineRecord record, string claim, Newcomer newcomer, Verdict verdict, string reason)
    {
        var now = time.GetUtcNow();
        if (record.Claims.FirstOrDefault(known => known.Id == claim) is { } known && now - known.Last <= ClaimInterval) return;
        logger.EvidencePresented(newcomer.Address, record.Id, reason);
        var happened = verdict switch
        {
            Verdict.IsAlive => "presented this machine's evidence while it was up: refused",
            Verdict.OtherKey => "told of this machine's boot with another key: refused",
            Verdict.OtherExpected => "presented this machine's evidence while another is expected: refused",
            Verdict.WaitsChanged => "came back as this machine with other parts: waits",
            Verdict.OwesToken => "came back as this machine and has not shown the secret of its disks yet: asked again",
            _ => $"came back as this machine by {WhyDoubted(record)}: waits",
        };
        var isReturn = verdict == Verdict.Waits;
        registry.Note(record.Id, machine => machine.WithClaim(newcomer, reason, isReturn, now).With(now, $"{newcomer.Address} {happened}"));
    }

    private string Reason(MachineRecord record, Verdict verdict) => verdict switch
    {
        Verdict.IsAlive => $"machine {record.Id} is up already: two machines with one identity",
        Verdict.OtherKey => $"machine {record.Id} has another key in this boot; a reboot gives it a new one",
        Verdict.WaitsChanged => $"it has but a part of what machine {record.Id} had, or other parts",
        Verdict.OtherExpected => $"an operator said that another is machine {record.Id}",
        Verdict.OwesToken => $"machine {record.Id} has not shown the secret that its disks carry yet",
        _ => $"machine {record.Id} comes back by {WhyDoubted(record)}",
    };

    private string WhyDoubted(MachineRecord record) => record.IsRebooting(time.GetUtcNow())
        ? "a reboot that was ordered, but without the secret of its disks" : $"a boot that nobody ordered ({WhyUnordered})";
}
