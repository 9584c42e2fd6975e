using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.Extensions.Logging;
using Operos.Linux;

namespace Operos.Controller.Machines;

/// <summary>Something that happened to a machine.</summary>
internal sealed record MachineHappening
{
    public const int CurrentFormat = 1;

    public int Format { get; init; } = CurrentFormat;
    public required DateTimeOffset At { get; init; }
    /// <summary>UUID.</summary>
    public required string Machine { get; init; }
    /// <summary>Its name then.</summary>
    public string? Name { get; init; }
    public required string Text { get; init; }
}

/// <summary>
/// What happened to all machines, also to those that were removed since: JSON lines in the folder's <c>events.jsonl</c>, bounded. Lost in a
/// power cut are the last ones, which their machines' records have.
/// </summary>
internal sealed class EventLog(string folder, TimeProvider time, ILogger<EventLog> logger, long largest = 2 << 20)
{
    /// <summary>What happens again and again is told once in this time.</summary>
    private static readonly TimeSpan Again = TimeSpan.FromMinutes(1);
    private const int MostRemembered = 4096;

    private readonly Lock fileLock = new();
    private readonly LineLog lines = new(folder, "events", largest, isDurable: false);
    private readonly Dictionary<(string Machine, string Text), DateTimeOffset> told = [];
    private bool isWritten = true;

    /// <summary>Of admitted machines alone: strangers, who come in any number, must not push out what happened to these.</summary>
    public void Add(MachineRecord machine, RecordedEvent happened)
    {
        if (machine.Standing != MachineStanding.Admitted) return;
        lock (fileLock)
        {
            var now = time.GetUtcNow();
            if (told.TryGetValue((machine.Id, happened.Text), out var last) && now - last < Again) return;
            if (told.Count >= MostRemembered) told.Clear();
            told[(machine.Id, happened.Text)] = now;
            var line = new MachineHappening { At = happened.At, Machine = machine.Id, Name = machine.Name, Text = happened.Text };
            try
            {
                lines.Append(JsonSerializer.SerializeToUtf8Bytes(line, EventJson.Default.MachineHappening));
                isWritten = true;
            }
            // The machine's own record has it, or says why not.
            catch (Exception e) when (e is IOException or UnauthorizedAccessException or LinuxException)
            {
                if (isWritten) logger.EventsNotWritten(e.Message);
                isWritten = false;
            }
        }
    }

    /// <summary>The newest that fit, oldest first; lines that are none, and a newer version's, are left out.</summary>
    public (IReadOnlyList<MachineHappening> Events, bool More) Read(Func<MachineHappening, bool> fits, int most)
    {
        lock (fileLock)
        {
            List<MachineHappening> found = [.. lines.Read().Select(Parse).OfType<MachineHappening>().Where(fits)
                .OrderBy(happened => happened.At)];
            return ([.. found.TakeLast(most)], found.Count > most);
        }
    }

    private static MachineHappening? Parse(string line)
    {
        try
        {
            return JsonSerializer.Deserialize(line, EventJson.Default.MachineHappening) is { Format: <= MachineHappening.CurrentFormat,
                Machine: not null, Text: not null } happened ? happened : null;
        }
        catch (JsonException) { return null; }
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(MachineHappening))]
internal sealed partial class EventJson : JsonSerializerContext;
