using Operos.Linux;
using Operos.Storage.Classes;
using Operos.Storage.Contents;
using Operos.Storage.Layouts;
using Operos.Storage.Looks;
using Operos.Storage.Records;
using Operos.Storage.Signatures;

namespace Operos.Storage.Work;

/// <summary>
/// Sets up a disk: claims it by its record, splits it by systemd-repart, makes what is in its partitions. Whatever step is cut, the next
/// run goes on from there.
/// </summary>
/// <param name="progress">Is told each step, in words.</param>
/// <param name="keyOf">
/// The key, 32 bytes, that local volumes of the disk with this id are encrypted with; null where they are not. It is asked when the
/// disk's record is written and its partitions are not yet made.
/// </param>
public sealed class DiskSetUp(DiskPolicy policy, Action<string> progress, Func<Guid, CancellationToken, Task<byte[]?>>? keyOf = null)
{
    private const string Mapper = "/dev/mapper/", ClearName = "operos-set-up-";
    private static readonly TimeSpan LockPatience = TimeSpan.FromSeconds(10);

    /// <summary>Of systemd-repart.</summary>
    internal string RepartPath { get; init; } = "systemd-repart";

    /// <summary>Is told the record of a disk that is this machine's from now on.</summary>
    public Action<DiskRecord> Claimed { get; init; } = _ => { };

    /// <summary>Is called between any two steps that change the disk.</summary>
    internal Action<string> Between { get; init; } = _ => { };

    /// <summary>Closes what an agent left open that ended while it made a file system: its disk counts as in use until then.</summary>
    /// <exception cref="IOException">One cannot be closed.</exception>
    public static async Task CloseLeftOpenAsync(CancellationToken cancellationToken)
    {
        if (!Directory.Exists(Mapper)) return;
        foreach (var path in Directory.GetFileSystemEntries(Mapper, ClearName + "*"))
            await Encryption.CloseAsync(Path.GetFileName(path), cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Brings a disk to where it can be used.</summary>
    /// <param name="disk">Blank, or one of ours whose setting up was cut; it is looked at again before anything is written.</param>
    /// <param name="layout">Of no matter where its own table is whole.</param>
    /// <exception cref="StorageException">It is refused or fails; what is on the disk then is known again at the next look.</exception>
    public async Task<OwnDisk> RunAsync(DiskVerdict disk, DiskLayout layout, CancellationToken cancellationToken)
    {
        var name = disk.Evidence.Facts.Name;
        if (disk.Class is not (DiskClass.Blank or DiskClass.UnfinishedOurs) || disk.Record?.Work == DiskWork.Wiping)
            throw new StorageException($"{name} is not set up: {string.Join("; ", disk.Reasons)}");
        try
        {
            // From before it is looked at again until all is done.
            using var held = HeldDisk.Open(disk.Evidence.Facts.Path);
            if (OwnTable.On(disk.Evidence) is null || LacksProtection(disk))
            {
                if (layout.Partitions.Count == 0)
                    throw new StorageException($"{name} is not set up: there is nothing that it is to be for");
                var claimed = await ClaimAsync(disk, cancellationToken).ConfigureAwait(false);
                Between("claimed");
                progress($"{name}: splitting it into {layout.Partitions.Count} partitions");
                await new Repart(RepartPath).WriteAsync(disk.Evidence.Facts.Path, claimed.Disk, layout, cancellationToken)
                    .ConfigureAwait(false);
                Between("partitioned");
                disk = await LookAsync(disk, cancellationToken).ConfigureAwait(false);
                Compare(disk, layout);
            }
            else
            {
                // Nobody else has it, and it is what it was.
                using var gate = await DiskGate.OpenAsync(disk, policy, $"{name} is not set up", cancellationToken).ConfigureAwait(false);
                disk = gate.Verdict;
            }
            return await FinishAsync(disk, cancellationToken).ConfigureAwait(false);
        }
        catch (IOException e) when (e is not StorageException)
        {
            throw new StorageException($"{name} is not set up: {e.Message}; it is tried again", e);
        }
    }

    /// <summary>
    /// systemd-repart writes the sector that keeps others away last: without it the kernel reads no table at the next boot.
    /// </summary>
    private static bool LacksProtection(DiskVerdict disk) => disk.Record?.Work == DiskWork.Claimed
        && disk.Evidence.Signatures.All(signature => signature.Name != PartitionTables.ProtectiveMbr);

    /// <summary>Writes the record of a disk that has none, or begins again on one whose table is not whole.</summary>
    private async Task<DiskRecord> ClaimAsync(DiskVerdict disk, CancellationToken cancellationToken)
    {
        var name = disk.Evidence.Facts.Name;
        using var gate = await DiskGate.OpenAsync(disk, policy, $"{name} is not set up", cancellationToken).ConfigureAwait(false);
        var id = gate.Verdict.Record?.Disk ?? Guid.NewGuid();
        var record = gate.Verdict.Record is { Work: DiskWork.Claimed } former && former.Machine == policy.Machine ? former : new DiskRecord
        {
            Cluster = policy.Cluster, Disk = id, Machine = policy.Machine, Table = Repart.TableOf(id), Work = DiskWork.Claimed,
            Sequence = (gate.Verdict.Record?.Sequence ?? 0) + 1, Bytes = gate.Blocks.Bytes, Written = DateTimeOffset.UtcNow,
        };
        if (record.Table != Repart.TableOf(id))
            throw new StorageException($"{name} is not set up: its record names a table that another program was to make: wipe it");
        if (record != gate.Verdict.Record)
        {
            progress($"{name}: claiming it as disk {id}");
            DiskRecordWriter.Write(gate.Blocks, record);
        }
        Claimed(record);
        Between("record");
        // Nothing else is there, as the look just said; systemd-repart takes a disk without any table alone.
        foreach (var remains in gate.Verdict.Evidence.Remains)
        {
            gate.Blocks.Write(remains.Offset, new byte[remains.Length]);
            Between("remains");
        }
        gate.Blocks.Flush();
        return record;
    }

    private async Task<OwnDisk> FinishAsync(DiskVerdict disk, CancellationToken cancellationToken)
    {
        var facts = disk.Evidence.Facts;
        // Nobody reads its table anew while its partitions are made.
        using var held = await DeviceLock.TakeAsync(facts.Path, LockPatience, cancellationToken).ConfigureAwait(false);
        var own = OwnDisk.Read(disk);
        await PartitionNodes.EnsureAsync(own, facts, cancellationToken).ConfigureAwait(false);
        if (own.Record.Work < DiskWork.Partitioned)
            own = await StepAsync(own, DiskWork.Partitioned, cancellationToken).ConfigureAwait(false);
        if (own.Record.Work < DiskWork.Formatted)
        {
            // Not before the record tells of a table: until then nothing but erased bytes is expected.
            using (var device = await DiskGate.ClaimAsync(own.Path, $"{own.Path} is not set up", cancellationToken).ConfigureAwait(false))
                BootCode.Write(new DeviceBytes(device));
            Between("boot code");
            foreach (var volumes in own.Partitions.Where(partition => partition.Use == PartitionUse.Volumes))
                await MakeVolumesAsync(own, volumes, cancellationToken).ConfigureAwait(false);
            own = await StepAsync(own, DiskWork.Formatted, cancellationToken).ConfigureAwait(false);
        }
        await StepAsync(own, DiskWork.Ready, cancellationToken).ConfigureAwait(false);
        progress($"{facts.Name}: ready");
        return OwnDisk.Read(await LookAsync(disk, cancellationToken).ConfigureAwait(false));
    }

    private async Task MakeVolumesAsync(OwnDisk own, OwnPartition volumes, CancellationToken cancellationToken)
    {
        var label = PartitionTypes.LabelOf(PartitionUse.Volumes);
        var key = keyOf is null ? null : await keyOf(own.Record.Disk, cancellationToken).ConfigureAwait(false);
        progress($"{volumes.Path}: making a file system for local volumes{(key is null ? "" : ", encrypted")}");
        if (key is null)
        {
            await FileSystem.MakeAsync(volumes.Path, label, cancellationToken).ConfigureAwait(false);
            Between("file system");
            return;
        }
        var name = ClearName + own.Record.Disk;
        await Encryption.FormatAsync(volumes.Path, key, cancellationToken).ConfigureAwait(false);
        Between("encryption");
        var clear = await Encryption.OpenAsync(volumes.Path, name, key, cancellationToken).ConfigureAwait(false);
        try { await FileSystem.MakeAsync(clear, label, cancellationToken).ConfigureAwait(false); }
        finally { await Encryption.CloseAsync(name, CancellationToken.None).ConfigureAwait(false); }
        Between("file system");
    }

    /// <summary>Says in the record how far the work is.</summary>
    private async Task<OwnDisk> StepAsync(OwnDisk own, DiskWork work, CancellationToken cancellationToken)
    {
        var record = own.Record with
        {
            Work = work, Sequence = own.Record.Sequence + 1, Written = DateTimeOffset.UtcNow, Machine = policy.Machine,
        };
        using (var device = await DiskGate.ClaimAsync(own.Path, $"{own.Path} is not set up", cancellationToken).ConfigureAwait(false))
        {
            var blocks = new DeviceBytes(device);
            // A disk that grew meanwhile has its record at its new end.
            record = record with { Bytes = blocks.Bytes };
            DiskRecordWriter.Write(blocks, record);
        }
        Between($"{work}");
        return own with { Record = record };
    }

    private async Task<DiskVerdict> LookAsync(DiskVerdict disk, CancellationToken cancellationToken)
    {
        var facts = disk.Evidence.Facts;
        facts = new DiskFactsReader().Find(facts.Name) ?? facts;
        return DiskClassifier.Classify(await DiskLook.TakeAsync(facts.Path, facts, cancellationToken).ConfigureAwait(false), policy);
    }

    /// <summary>What was written must be what was planned.</summary>
    private static void Compare(DiskVerdict disk, DiskLayout layout)
    {
        var name = disk.Evidence.Facts.Name;
        if (disk.Class != DiskClass.UnfinishedOurs || OwnTable.On(disk.Evidence) is not { } table)
            throw new StorageException($"{name} was partitioned, and is not what it was to be: {string.Join("; ", disk.Reasons)}");
        if (!table.Partitions.Select(partition => partition with { Id = Guid.Empty }).SequenceEqual(Repart.Expected(layout)))
            throw new StorageException($"{name} was partitioned otherwise than planned: wipe it");
    }
}
