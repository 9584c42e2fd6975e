using System.Security.Cryptography;

namespace Operos.Controller.Backups;

/// <summary>Who may read which backup, for an hour: what is in the audit log is the ticket, and not each of the reads.</summary>
internal sealed class BackupTickets(BackupStore store, TimeProvider time)
{
    private const int Most = 16, LargestPart = 1 << 20;
    private static readonly TimeSpan Life = TimeSpan.FromHours(1);

    private sealed record Ticket(string Path, string Holder, DateTimeOffset Ends);

    private readonly Dictionary<string, Ticket> tickets = new(StringComparer.Ordinal);

    /// <returns>The ticket and the backup's size in bytes.</returns>
    /// <exception cref="RefusedException">There is no such backup.</exception>
    public (string Ticket, long Size) Issue(string name, string holder)
    {
        var path = store.Find(name);
        lock (tickets)
        {
            foreach (var over in tickets.Where(ticket => ticket.Value.Ends < time.GetUtcNow()).ToList()) tickets.Remove(over.Key);
            if (tickets.Count >= Most) tickets.Remove(tickets.MinBy(ticket => ticket.Value.Ends).Key);
            var id = RandomNumberGenerator.GetHexString(32, lowercase: true);
            tickets[id] = new(path, holder, time.GetUtcNow() + Life);
            return (id, new FileInfo(path).Length);
        }
    }

    /// <summary>Some bytes from there on; none at the end.</summary>
    /// <exception cref="RefusedException">The ticket is not the holder's, or the backup is gone.</exception>
    public byte[] Read(string id, string holder, long offset)
    {
        Ticket? ticket;
        lock (tickets) ticket = tickets.GetValueOrDefault(id);
        if (ticket is null || ticket.Holder != holder || ticket.Ends < time.GetUtcNow() || offset < 0)
            throw new RefusedException(RefusalKind.Forbidden, "this ticket to read a backup does not count, or not any more",
                "operosctl backup copy asks for another");
        try
        {
            using var file = File.OpenRead(ticket.Path);
            file.Position = offset;
            var part = new byte[Math.Clamp(file.Length - offset, 0, LargestPart)];
            file.ReadExactly(part);
            return part;
        }
        catch (FileNotFoundException)
        {
            throw new RefusedException(RefusalKind.NotFound, "the backup is gone: newer ones took its place", "operosctl backup list");
        }
    }
}
