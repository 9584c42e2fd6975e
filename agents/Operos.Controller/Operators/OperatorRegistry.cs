using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Operos.Authority;
using Operos.Linux;
using Operos.Proto;

namespace Operos.Controller.Operators;

/// <summary>Who may operate the cluster. A certificate counts while its operator's record lists it and is not revoked.</summary>
internal sealed class OperatorRegistry
{
    /// <summary>The first operator, made at setup.</summary>
    public const string First = "admin";

    private static readonly TimeSpan SeenGrain = TimeSpan.FromHours(1);
    private const int LongestName = 63, MostOperators = 1000;

    private readonly Lock recordsLock = new();
    private readonly OperatorStore store;
    private readonly CertificateAuthority authority;
    private readonly TimeProvider time;
    private readonly Dictionary<string, OperatorRecord> records = new(StringComparer.Ordinal);
    /// <summary>Since this agent began: what is written down is of the hour.</summary>
    private readonly Dictionary<string, DateTimeOffset> seen = new(StringComparer.Ordinal);

    public OperatorRegistry(OperatorStore store, CertificateAuthority authority, TimeProvider time)
    {
        (this.store, this.authority, this.time) = (store, authority, time);
        foreach (var record in store.LoadAll()) records[record.Name] = record;
    }

    /// <summary>Why records could not be read at the start.</summary>
    public IReadOnlyList<string> Unreadable => store.Unreadable;

    public IReadOnlyList<OperatorRecord> All
    {
        get { lock (recordsLock) return [.. records.Values.OrderBy(record => record.Name, StringComparer.Ordinal)]; }
    }

    /// <summary>a-z, 0-9 and . _ @ -, a letter or digit first and last: a person's name or mail address, and a file's name.</summary>
    public static bool IsName(string? name) =>
        name is { Length: > 0 and <= LongestName } && name.All(c => IsAlphanumeric(c) || c is '.' or '_' or '@' or '-')
        && IsAlphanumeric(name[0]) && IsAlphanumeric(name[^1]);

    /// <summary>
    /// A rack that was set up before operators had records has one, whose certificates are in no list: it is an admin, whichever of them it
    /// shows, until it is revoked.
    /// </summary>
    public void AdoptFirst()
    {
        lock (recordsLock)
            if (store.IsNew)
                Note(new OperatorRecord { Name = First, Role = OperatorRole.Admin, Created = time.GetUtcNow(), CreatedBy = "setup",
                    Life = CertificateLives.Operator.Default, AcceptsUnlisted = true });
    }

    /// <summary>Whose certificate it is, if it counts now. Its chain to the cluster's authority has been verified.</summary>
    public OperatorRecord? Recognise(X509Certificate2 certificate)
    {
        if (CertificateAuthority.ReadHolder(certificate) is not (Role.Operator, var name) || !IsName(name)) return null;
        var now = time.GetUtcNow();
        lock (recordsLock)
        {
            // One that was made on the console meanwhile is not known yet.
            if (!records.TryGetValue(name, out var record) && store.Find(name) is { } made) records[name] = record = made;
            if (record is not { Revoked: null } || CertificateLife.Of(certificate).IsOver(now)) return null;
            var known = record;
            if (!record.Lists(certificate))
            {
                if (!record.AcceptsUnlisted) return null;
                record = record.With(certificate, now);
            }
            seen[name] = now;
            if (now - (record.LastSeen ?? default) > SeenGrain) record = record with { LastSeen = now };
            return record == known ? record : Note(record);
        }
    }

    /// <summary>When an operator's certificate was used last; of a time before this agent began, to the hour.</summary>
    public DateTimeOffset? LastSeen(OperatorRecord record)
    {
        lock (recordsLock) return seen.TryGetValue(record.Name, out var at) ? at : record.LastSeen;
    }

    /// <summary>An operator that is not revoked.</summary>
    /// <exception cref="RefusedException">There is none of that name.</exception>
    public OperatorRecord Find(string name)
    {
        lock (recordsLock) return Active(name);
    }

    /// <summary>A new operator and its first certificate.</summary>
    /// <exception cref="RefusedException">The name is taken, or one of them is malformed.</exception>
    public X509Certificate2 Add(string name, OperatorRole role, TimeSpan life, string by, byte[] csr)
    {
        if (!IsName(name))
            throw Refusal(RefusalKind.Invalid, "the operator's name is none",
                $"1 to {LongestName} of a-z, 0-9 and . _ @ -, a letter or digit first and last");
        if (!Enum.IsDefined(role)) throw Refusal(RefusalKind.Invalid, "there is no such role", "admin, operator or viewer");
        if (!CertificateLives.Operator.Allow(life))
            throw Refusal(RefusalKind.Invalid, "its life is out of bounds",
            $"from 1 minute to {CertificateLives.Operator.Longest.TotalDays:0} days");
        lock (recordsLock)
        {
            if (records.GetValueOrDefault(name) is { Revoked: null })
                throw Refusal(RefusalKind.Conflict, $"there is an operator {name}",
                    $"operosctl operators renew {name} --out DIR, or revoke it first");
            if (records.Count >= MostOperators && !records.ContainsKey(name))
                throw Refusal(RefusalKind.Conflict, $"there are {MostOperators} operators, revoked ones among them",
                    "take files of revoked ones out of the controller's state folder, operators/, and restart it");
            seen.Remove(name);
            return Certify(new OperatorRecord { Name = name, Role = role, Created = time.GetUtcNow(), CreatedBy = by, Life = life }, csr);
        }
    }

    /// <summary>One more certificate of an operator.</summary>
    /// <exception cref="RefusedException">There is no such operator, or the request is malformed.</exception>
    public X509Certificate2 Certify(string name, byte[] csr)
    {
        lock (recordsLock) return Certify(Active(name), csr);
    }

    /// <exception cref="RefusedException">There is no such operator.</exception>
    public OperatorRecord Revoke(string name, string by)
    {
        lock (recordsLock) return Put(Active(name) with { Revoked = time.GetUtcNow(), RevokedBy = by, Certificates = [],
            AcceptsUnlisted = false });
    }

    private X509Certificate2 Certify(OperatorRecord record, byte[] csr)
    {
        try
        {
            var certificate = authority.SignOperator(csr, record.Name, record.Life);
            Put(record.With(certificate, time.GetUtcNow()));
            return certificate;
        }
        catch (CryptographicException e) { throw Refusal(RefusalKind.Invalid, $"the certificate request is refused: {e.Message}", null); }
    }

    private OperatorRecord Active(string name) =>
        records.GetValueOrDefault(name) is { Revoked: null } record
            ? record : throw Refusal(RefusalKind.NotFound, $"no operator '{name}'", "operosctl operators lists them");

    private static bool IsAlphanumeric(char c) => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c);

    /// <summary>A disk that cannot be written must not keep an operator out: then it is known as long as this agent lives.</summary>
    private OperatorRecord Note(OperatorRecord record)
    {
        try { store.Save(record); }
        catch (IOException e) when (e is not RecordFormatException) { store.NotSaved(record.Name, e); }
        return records[record.Name] = record;
    }

    private OperatorRecord Put(OperatorRecord record)
    {
        store.Save(record);
        return records[record.Name] = record;
    }

    private static RefusedException Refusal(RefusalKind kind, string text, string? hint) => new(kind, text, hint);
}
