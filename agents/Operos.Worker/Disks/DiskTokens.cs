using Microsoft.Extensions.Logging;
using Operos.Linux;
using Operos.Proto;
using Operos.Storage.Classes;
using Operos.Storage.Records;
using Operos.Storage.Reports;
using Operos.Worker.Configuration;

namespace Operos.Worker.Disks;

/// <summary>
/// The secret by which this machine is known again: its disks carry it over a reboot, a file in RAM over the end of an agent.
/// </summary>
internal sealed class DiskTokens(WorkerSettings settings, DeviceNodes nodes, DiskBoard board, ILogger<DiskTokens> logger)
{
    private const string FileName = "token";

    /// <summary>What the disks carry, to be shown at enrolment; of disks that were another machine's, too, which proves nothing.</summary>
    public async Task<IReadOnlyList<Proof>> ShowAsync(CancellationToken cancellationToken)
    {
        if (!settings.Apply || nodes.Foreign is not null) return [];
        var own = await OwnRecords.ReadAsync(DiskPolicy.ClusterOf(settings.Authority), cancellationToken).ConfigureAwait(false);
        return [.. own.Select(disk => disk.Record.Token).OfType<MachineToken>().Distinct().Take(Proof.Most)
            .Select(token => new Proof { Kind = Proof.DiskToken, Value = token.Bytes.ToArray() })];
    }

    /// <summary>Keeps a new one; the disks are to carry it, and whoever works on them writes it.</summary>
    public void Keep(byte[]? token)
    {
        if (settings.Apply && MachineToken.Of(token) is not null)
            AtomicFile.Write(Path.Combine(settings.StateFolder, FileName), token!, FileModes.Private);
        board.Ask();
    }

    /// <summary>Has this machine's own disks carry the last that was kept. One that fails is told, and is tried at the next pass.</summary>
    /// <param name="disks">Those that were found to be this machine's own, and are used.</param>
    public void Carry(IEnumerable<DiskVerdict> disks)
    {
        if (!settings.Apply || nodes.Foreign is not null || Read() is not { } token) return;
        foreach (var disk in disks)
        {
            if (disk is not { Class: DiskClass.Ours, IsAnotherMachines: false, Record: { } record } || token.Equals(record.Token)) continue;
            var path = disk.Evidence.Facts.Path;
            try { OwnRecords.Carry(path, record, token, DateTimeOffset.UtcNow); }
            catch (IOException e) { logger.TokenNotCarried(path, e.Message); }
        }
    }

    private MachineToken? Read()
    {
        try { return MachineToken.Of(File.ReadAllBytes(Path.Combine(settings.StateFolder, FileName))); }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException) { return null; }
    }
}
