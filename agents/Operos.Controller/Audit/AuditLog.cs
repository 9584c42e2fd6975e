using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using Operos.Linux;

namespace Operos.Controller.Audit;

/// <summary>
/// Who asked for what, and what became of it: JSON lines, each fsynced before the operation goes on, in the folder's <c>audit.jsonl</c>.
/// Where it cannot be written the entry goes to the journal, and <see cref="Trouble"/> says so.
/// </summary>
internal sealed class AuditLog(string folder, TimeProvider time, ILogger<AuditLog> logger, long largest = 4 << 20)
{
    private const int LongestValue = 256, LongestText = 512, MostArguments = 32;

    private readonly Lock fileLock = new();
    private readonly LineLog lines = new(folder, "audit", largest, isDurable: true, logger.Torn);

    /// <summary>Why the last entry could not be written, and since when none can; null while all is well.</summary>
    public (string Text, DateTimeOffset Since)? Trouble { get; private set; }

    /// <summary>A new entry, of words that are printable and bounded.</summary>
    public AuditEntry Describe(string user, string role, string from, string operation, IEnumerable<(string Name, string? Value)> arguments)
    {
        var kept = new Dictionary<string, string>();
        foreach (var (name, value) in arguments.Take(MostArguments))
            if (value is not null) kept[Printable(name, LongestValue)] = Printable(value, LongestValue);
        return new AuditEntry
        {
            Id = Guid.CreateVersion7(time.GetUtcNow()).ToString("N"), At = time.GetUtcNow(), User = Printable(user, LongestValue),
            Role = role, From = Printable(from, LongestValue), Operation = Printable(operation, LongestValue), Arguments = kept,
        };
    }

    /// <summary>Writes that it was asked for; false where that cannot be written.</summary>
    public bool Asked(AuditEntry entry) => Append(entry);

    /// <summary>Writes what became of it.</summary>
    public void Ended(AuditEntry entry, AuditOutcome outcome, string? text) =>
        Append(entry with { Outcome = outcome, Text = PrintableText.Line(text, LongestText) });

    /// <summary>The newest entries, oldest first.</summary>
    /// <param name="user">Null for everybody.</param>
    public AuditExcerpt Read(DateTimeOffset since, string? user, int most)
    {
        lock (fileLock)
        {
            var found = new Dictionary<string, AuditEntry>(StringComparer.Ordinal);
            var (damaged, newer) = (0, 0);
            foreach (var line in lines.Read())
            {
                if (Parse(line, out var isNewer) is not { } entry)
                {
                    if (isNewer) newer++;
                    else damaged++;
                }
                else if (entry.At >= since && (user is null || entry.User == user)) found[entry.Id] = entry;
            }
            List<AuditEntry> entries = [.. found.Values.OrderBy(entry => entry.At).ThenBy(entry => entry.Id, StringComparer.Ordinal)];
            return new AuditExcerpt([.. entries.TakeLast(most)], damaged, newer, entries.Count > most);
        }
    }

    /// <param name="newer">Whether a newer version wrote it: it may look like an entry of ours, and mean something else.</param>
    private static AuditEntry? Parse(string line, out bool newer)
    {
        newer = false;
        try
        {
            newer = RecordFile.ReadFormat(Encoding.UTF8.GetBytes(line)) > AuditEntry.CurrentFormat;
            if (newer) return null;
            var entry = JsonSerializer.Deserialize(line, AuditJson.Default.AuditEntry);
            return entry is null or { Id: null } or { User: null } or { Operation: null } or { Arguments: null } ? null : entry;
        }
        catch (JsonException) { return null; }
    }

    private bool Append(AuditEntry entry)
    {
        var line = JsonSerializer.Serialize(entry, AuditJson.Default.AuditEntry);
        lock (fileLock)
        {
            try
            {
                lines.Append(Encoding.UTF8.GetBytes(line));
                if (Trouble is not null) logger.WrittenAgain();
                Trouble = null;
                return true;
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException or LinuxException)
            {
                Trouble = (e.Message, Trouble?.Since ?? time.GetUtcNow());
                // The journal is the next best place.
                logger.NotWritten(e.Message, line);
                return false;
            }
        }
    }

    private static string Printable(string text, int most) => PrintableText.Line(text, most) ?? "";
}
