using System.Text.Json.Serialization;

namespace Operos.Controller.Jobs;

/// <summary>What a job does to its machine.</summary>
internal enum JobKind { Drain, Reboot, Remove }

internal enum JobState
{
    Running,
    Done,
    /// <summary>It could not be done; its text says why.</summary>
    Failed,
    /// <summary>An operator ended it.</summary>
    Cancelled,
    /// <summary>The controller ended in a step that cannot be gone on with; its text says what to look at.</summary>
    Interrupted,
}

/// <summary>A long operation: one file, readable by people too.</summary>
internal sealed record JobRecord
{
    public const int CurrentFormat = 1;

    public int Format { get; init; } = CurrentFormat;
    public required string Id { get; init; }
    public required JobKind Kind { get; init; }
    /// <summary>The machine's UUID.</summary>
    public required string Machine { get; init; }
    /// <summary>The machine's name when it was asked for, or its UUID.</summary>
    public required string Name { get; init; }
    /// <summary>Who asked, in which role, from which address.</summary>
    public required string By { get; init; }
    public required string Role { get; init; }
    public required string From { get; init; }
    public required DateTimeOffset Asked { get; init; }
    /// <summary>When pods must have left.</summary>
    public required DateTimeOffset Deadline { get; init; }
    /// <summary>Whether pods that stay are no obstacle.</summary>
    public bool Force { get; init; }
    /// <summary>Whether it leaves pods where they are: a reboot that is only waited for.</summary>
    public bool LeavesPods { get; init; }
    /// <summary>
    /// Whether it is this job that keeps new pods off the machine, which took some before: then it lets them come again.
    /// </summary>
    public bool? Cordoned { get; init; }
    /// <summary>In place of <see cref="Cordoned"/> in records of a version without it: whether the machine took no pods before.</summary>
    public bool? KeepsCordon { get; init; }
    /// <summary>The one boot of its machine that it is meant for; null for whichever it is in when it is told.</summary>
    public string? OnlyBoot { get; init; }
    /// <summary>Why its machine was not empty when it was gone on with by force, in words; null where it was.</summary>
    public string? Left { get; init; }
    /// <summary>Whether new pods are this job's to let come again.</summary>
    [JsonIgnore] public bool HoldsCordon => Cordoned ?? KeepsCordon == false;
    public required JobState State { get; init; }
    /// <summary>The step that it is in, which is written before the step begins.</summary>
    public JobStep Step { get; init; }
    /// <summary>The boot that a machine was in when it was told to reboot: whoever waits for another one need not tell it again.</summary>
    public string? Boot { get; init; }
    /// <summary>What it waits for, or its outcome.</summary>
    public required string Text { get; init; }
    /// <summary>The next step, for a person, where it was not done.</summary>
    public string? Hint { get; init; }
    public DateTimeOffset? Ended { get; init; }
}

/// <summary>The steps of jobs. What comes before <see cref="Reboot"/> may be done twice.</summary>
internal enum JobStep
{
    Drain,
    /// <summary>The machine was told, or is about to be.</summary>
    Reboot,
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true, UseStringEnumConverter = true,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(JobRecord))]
internal sealed partial class JobJson : JsonSerializerContext;
