using System.Text.Json.Serialization;
using Operos.Hardware.Inventories;

namespace Operos.Controller.Machines;

/// <summary>Where a machine stands with the operator.</summary>
internal enum MachineStanding { Admitted, Pending, Ambiguous, Rejected }

/// <summary>What the controller remembers of a machine: one file, readable by people too.</summary>
internal sealed record MachineRecord
{
    public const int CurrentFormat = 1, MaxEvents = 50;

    /// <summary>In place of a hash: what the machine had counts no longer.</summary>
    public const string Void = "void";

    /// <summary>0 in records that were written before there were formats.</summary>
    public int Format { get; init; }
    public required string Id { get; init; }
    public string Kind { get; init; } = "worker";
    public required MachineStanding Standing { get; init; }
    public string? Name { get; init; }
    public IReadOnlyDictionary<string, string> Labels { get; init; } = new Dictionary<string, string>();
    public required Inventory Inventory { get; init; }
    /// <summary>The last boot record as it came, JSON.</summary>
    public string? BootRecord { get; init; }
    public string? BootId { get; init; }
    public string? Address { get; init; }
    /// <summary>SHA-256 of the certificate that counts; an older one is refused.</summary>
    public string? CertificateHash { get; init; }
    public DateTimeOffset? CertificateExpires { get; init; }
    /// <summary>
    /// SHA-256 of the public key that is the machine's in its present boot; null in records of a controller that did not keep it.
    /// </summary>
    public string? KeyHash { get; init; }
    /// <summary>Null in records of a controller that gave none.</summary>
    public MachineTokens? Tokens { get; init; }
    /// <summary>It had a session when this was written: after a controller's crash, the machines that are about to come back.</summary>
    public bool Connected { get; init; }
    /// <summary>Until when a reboot that an operator ordered explains another boot.</summary>
    public DateTimeOffset? RebootUntil { get; init; }
    /// <summary>Who ordered it.</summary>
    public string? RebootBy { get; init; }
    /// <summary>The last time that it lost the disk with containerd's and the kubelet's folders; null where it never did.</summary>
    public LostDisk? LostDisk { get; init; }
    /// <summary>What an operator should know of, until <c>operosctl machines resolve</c> says that it is settled.</summary>
    public RecordedEvent? Alarm { get; init; }
    /// <summary>Who else claims to be it; not in older records.</summary>
    public IReadOnlyList<Claim> Claims { get => field ?? []; init; }
    public AwaitedKey? Awaited { get; init; }
    public required DateTimeOffset FirstSeen { get; init; }
    public DateTimeOffset LastSeen { get; init; }
    /// <summary>For an ambiguous newcomer: the machines that it may be.</summary>
    public IReadOnlyList<string> Candidates { get; init; } = [];
    /// <summary>An operator's answer to the question: a machine, or <c>new</c>.</summary>
    public string? ResolvedAs { get; init; }
    public string? Reason { get; init; }
    /// <summary>The Node that one who waits says that it is; null where it says none.</summary>
    public string? SaysNode { get; init; }
    public IReadOnlyList<RecordedEvent> Events { get; init; } = [];

    /// <summary>Whether it was told to reboot and has not booted since; not for longer than a reboot takes.</summary>
    public bool IsRebooting(DateTimeOffset now) => RebootUntil > now;

    /// <summary>Who told it to reboot, and when; null where nobody did since it booted.</summary>
    public string? RebootOrdered => RebootUntil is { } until
        ? $"told by {RebootBy ?? "an operator"} at {(until - Readmission.RebootWindow).UtcDateTime:HH:mm:ss} UTC" : null;

    /// <summary>Whether nothing is null that its type rules out, as it may be in a damaged file that is JSON all the same.</summary>
    public bool IsWhole() => Inventory is not null && Inventory.IsWhole() && Labels?.Values.All(value => value is not null) == true
        && Claims.All(claim => claim is not null) && Candidates?.All(id => id is not null) == true
        && Events?.All(happened => happened is not null) == true;

    /// <summary>
    /// Remembers somebody who claimed to be this machine, once under each key. Where room is short, the address that has most claims makes
    /// it, and none that an operator has judged.
    /// </summary>
    public MachineRecord WithClaim(Newcomer newcomer, string reason, bool isReturn, DateTimeOffset now)
    {
        var known = Claims.FirstOrDefault(claim => claim.KeyHash == newcomer.KeyHash);
        var claim = new Claim
        {
            Id = Claim.IdOf(Id, newcomer.KeyHash), KeyHash = newcomer.KeyHash, Address = newcomer.Address, First = known?.First ?? now,
            Last = now, Reason = reason,
            IsReturn = isReturn, IsNewMachine = known?.IsNewMachine ?? false,
        };
        List<Claim> others = [.. Claims.Where(other => other != known)];
        while (others.Count >= Claim.MaxOfMachine)
        {
            var leaves = others.Where(other => !other.IsNewMachine).GroupBy(other => other.Address).MaxBy(address => address.Count())?
                .MinBy(other => other.Last);
            others.Remove(leaves ?? others[0]);
        }
        return this with { Claims = [.. others, claim] };
    }

    /// <summary>What happens again and again is told once, with its last time: it must not push out what happened before.</summary>
    public MachineRecord With(DateTimeOffset at, string text)
    {
        var before = Events.Count > 0 && Events[^1].Text == text ? Events.SkipLast(1) : Events;
        return this with { Events = [.. before.TakeLast(MaxEvents - 1), new RecordedEvent(at, text)] };
    }
}

internal sealed record RecordedEvent(DateTimeOffset At, string Text);

/// <summary>A machine's loss of the disk with containerd's and the kubelet's folders, and what was done about it.</summary>
/// <param name="Boot">The kernel's boot id.</param>
/// <param name="Job">The reboot's; null where an operator is left to decide.</param>
internal sealed record LostDisk(string Boot, DateTimeOffset At, string? Job);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true, UseStringEnumConverter = true,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(MachineRecord))]
internal sealed partial class MachineJson : JsonSerializerContext;
