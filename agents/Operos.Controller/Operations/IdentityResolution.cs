using Operos.Controller.Connections;
using Operos.Controller.Machines;
using Operos.Proto;

namespace Operos.Controller.Operations;

/// <summary>What an operator says about who is who: ambiguous newcomers, claims to be a known machine, and alarms.</summary>
internal sealed class IdentityResolution(MachineRegistry registry, Sessions sessions, TimeProvider time)
    : Operation<ResolveMachine>("machines resolve", OperatorRole.Operator)
{
    private const string NewMachine = "new";

    protected override IEnumerable<(string Name, string? Value)> Record(ResolveMachine input) =>
        [("machine", input.Machine), ("as", input.As)];

    /// <exception cref="RefusedException">It cannot be so; the hint says what can.</exception>
    protected override async Task<Message> RunAsync(ResolveMachine request, Caller caller, CancellationToken cancellationToken)
    {
        if (registry.FindClaim(request.Machine) is var (claimed, claim))
            return await ResolveClaimAsync(claimed, claim, request.As).ConfigureAwait(false);
        var record = registry.Find(request.Machine);
        var target = request.As == NewMachine ? null : FindAdmitted(request.As);
        if (record.Standing == MachineStanding.Ambiguous)
            return await ResolveAmbiguousAsync(record, target, cancellationToken).ConfigureAwait(false);
        if (target?.Id != record.Id || MachineViews.Alarm(record) is null)
            throw Refusal($"{record.Id} is not ambiguous, and nobody else claims to be it", "operosctl machines shows which are");
        registry.Update(record.Id, machine => machine with { Alarm = null, Claims = [] }, "an operator said that all is well");
        return Done(record, "is well: nothing is left to settle");
    }

    private async Task<Done> ResolveAmbiguousAsync(MachineRecord record, MachineRecord? target, CancellationToken cancellationToken)
    {
        if (target is not null && (await sessions.ProbeAsync(target.Id, cancellationToken).ConfigureAwait(false)).Answers)
        {
            var hint = $"operosctl machines resolve {record.Id} --as {NewMachine}; or shut {target.Id} down first";
            throw Refusal($"{target.Id} is up, so {record.Id} is another machine", hint);
        }
        var answer = target?.Id ?? NewMachine;
        registry.Update(record.Id, waits => waits with { ResolvedAs = answer }, $"resolved as {answer}");
        return Done(record, $"is {target?.Id ?? "a new machine"}; it joins when it asks next, within seconds");
    }

    private async Task<Done> ResolveClaimAsync(MachineRecord record, Claim claim, string target)
    {
        var others = record.Claims.Where(other => other.Id != claim.Id);
        if (target == NewMachine)
        {
            var answered = others.Append(claim with { IsNewMachine = true });
            registry.Update(record.Id, machine => machine with { Claims = [.. answered] },
                $"an operator said that {claim.Address} is another machine");
            return Done(record, $"stays itself; {claim.Address} is a new machine and joins when it asks next");
        }
        if (registry.Find(target).Id != record.Id)
            throw Refusal($"{claim.Id} claims to be {record.Id}, not {target}",
                $"operosctl machines resolve {claim.Id} --as {record.Id} (or {NewMachine})");
        var awaited = new AwaitedKey(claim.KeyHash, time.GetUtcNow() + Readmission.WordCounts);
        registry.Update(record.Id, machine => machine with
        {
            CertificateHash = MachineRecord.Void, KeyHash = MachineRecord.Void, Connected = false, Alarm = null, Claims = [.. others],
            Awaited = awaited,
        }, $"an operator said that {claim.Address} is this machine");
        // An operator's word is stronger than a session: who is not the machine is put out at once.
        await sessions.CloseAsync(record.Id).ConfigureAwait(false);
        return Done(record,
            $"is the machine at {claim.Address}; it joins when it asks next, within a minute, and nobody else does within the hour");
    }

    private MachineRecord FindAdmitted(string machine) =>
        registry.Find(machine) is { Standing: MachineStanding.Admitted } known
            ? known : throw Refusal($"{machine} is not an admitted machine", null);

    private static Done Done(MachineRecord record, string text) => Outcome.Done(record, text);

    private static RefusedException Refusal(string text, string? hint) => new(RefusalKind.Conflict, text, hint);
}
