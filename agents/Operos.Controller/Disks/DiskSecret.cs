using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Operos.Linux;

namespace Operos.Controller.Disks;

/// <summary>
/// What the keys of all disks are made from: 32 bytes, made once, before the first backup, so that every backup has it. Where it is lost
/// nothing else is made in its place: the disks' contents would be lost with it.
/// </summary>
/// <param name="path">Of the secret itself.</param>
/// <param name="record">Of what says which secret it must be.</param>
internal sealed class DiskSecret(string path, string record, TimeProvider time)
{
    public const int KeyBytes = 32;

    private readonly string wayOut = "put the file back from a backup (operosctl backup list), or from before-restore/pki after a restore: "
        + "keys of another secret open no disk. "
        + $"Where none has it, what is on the encrypted disks is lost: remove {record} and {path}, and another is made for new disks";
    private readonly Lock secretLock = new();
    private byte[]? secret;

    /// <summary>Why no key could be given last, with the way out; null while all can.</summary>
    public string? Trouble { get; private set; }

    /// <summary>The key of a disk, by the id in its record.</summary>
    /// <exception cref="RefusedException">The secret cannot be read, or is another than it was.</exception>
    public byte[] KeyOf(Guid disk)
    {
        lock (secretLock) return Derive(secret ??= Open(), $"disk {disk}");
    }

    /// <summary>
    /// The secret of the OSD on a partition of a disk: the same for ever, so that who asks again, or makes the monitor's store anew, gets
    /// the same. Who has another disk gets another.
    /// </summary>
    /// <exception cref="RefusedException">The secret cannot be read, or is another than it was.</exception>
    public byte[] OsdSecretOf(Guid disk, Guid partition)
    {
        lock (secretLock) return Derive(secret ??= Open(), $"osd {partition} of disk {disk}");
    }

    /// <summary>The secret of the client of Ceph that a machine maps volumes as; the same for ever.</summary>
    /// <exception cref="RefusedException">The secret cannot be read, or is another than it was.</exception>
    public byte[] ClientSecretOf(Guid machine)
    {
        lock (secretLock) return Derive(secret ??= Open(), $"ceph client of machine {machine}");
    }

    /// <summary>Makes it where there never was one. What keeps it from that is in <see cref="Trouble"/>, and is tried again.</summary>
    public void Prepare()
    {
        lock (secretLock)
            try { secret ??= Open(); }
            catch (RefusedException) { }
    }

    private byte[] Open()
    {
        try
        {
            var expected = File.Exists(record)
                ? RecordFile.Read(record, DiskJson.Default.DiskSecretRecord, DiskSecretRecord.CurrentFormat)?.Check : null;
            if (!File.Exists(path))
            {
                if (expected is not null) throw Lost($"{path}, which the keys of disks are made from, is missing");
                Directory.CreateDirectory(Path.GetDirectoryName(path)!, FileModes.PrivateFolder);
                AtomicFile.Write(path, RandomNumberGenerator.GetBytes(KeyBytes));
            }
            var read = File.ReadAllBytes(path);
            if (read.Length != KeyBytes)
                throw Lost($"{path}, which the keys of disks are made from, is damaged: it has {read.Length} bytes");
            var check = Convert.ToHexStringLower(SHA256.HashData(Derive(read, "check")));
            if (expected is not null && expected != check)
                throw Lost($"{path} is not what the keys of this cluster's disks were made from");
            if (expected is null) Remember(check);
            Trouble = null;
            return read;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or LinuxException or JsonException)
        {
            throw Lost($"{path}, which the keys of disks are made from, cannot be read or made: {e.Message}");
        }
    }

    private void Remember(string check)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(record)!, FileModes.PrivateFolder);
        RecordFile.Write(record, new DiskSecretRecord { Check = check, Made = time.GetUtcNow() }, DiskJson.Default.DiskSecretRecord,
            DiskSecretRecord.CurrentFormat);
    }

    /// <summary>RFC 5869; the secret is uniformly random, so that it needs no salt.</summary>
    private static byte[] Derive(byte[] secret, string what) =>
        HKDF.DeriveKey(HashAlgorithmName.SHA256, secret, KeyBytes, info: Encoding.ASCII.GetBytes($"operos disk keys 1: {what}"));

    private RefusedException Lost(string text)
    {
        Trouble = $"no keys of disks are given out: {text}; {wayOut}";
        return new(RefusalKind.Conflict, text, wayOut);
    }
}
