using Operos.Linux;
using Operos.Storage.Classes;
using Operos.Storage.Looks;
using Operos.Storage.Records;

namespace Operos.Storage.Work;

/// <summary>
/// A finished disk that another machine of the cluster put to work becomes this one's. Whether that machine still has it nobody can tell
/// from here: the controller is asked first.
/// </summary>
public static class DiskTakeOver
{
    /// <summary>Says in the record that it is this machine's; nothing else of it changes.</summary>
    /// <param name="disk">Ours, as it was looked at.</param>
    /// <exception cref="StorageException">It is not what it was, does not answer, or cannot be written.</exception>
    public static async Task RunAsync(DiskVerdict disk, DiskPolicy policy, CancellationToken cancellationToken)
    {
        var facts = disk.Evidence.Facts;
        if (disk.Class != DiskClass.Ours || disk.Record is not { } record)
            throw new StorageException($"{facts.Name} is not taken over: {string.Join("; ", disk.Reasons)}");
        var written = Task.Factory.StartNew(() => Write(facts.Path, record, policy.Machine), cancellationToken,
            TaskCreationOptions.LongRunning, TaskScheduler.Default);
        try { await written.WaitAsync(DiskLook.Patience, cancellationToken).ConfigureAwait(false); }
        catch (TimeoutException e) { throw new StorageException($"{facts.Name} is not taken over: it does not answer", e); }
        catch (IOException e) when (e is not StorageException)
        {
            throw new StorageException($"{facts.Name} is not taken over: {e.Message}; it is tried again", e);
        }
    }

    private static void Write(string path, DiskRecord record, Guid machine)
    {
        // It may be mounted here by an agent that did not ask.
        using var device = BlockDevice.OpenForWritingInUse(path);
        var blocks = new DeviceBytes(device);
        if (DiskRecordWriter.Read(blocks) is not { Contradiction: null, Current: { } now } || now != record)
            throw new StorageException($"{path} is not taken over: its record changed since it was looked at");
        DiskRecordWriter.Write(blocks, record with
        {
            Machine = machine, Sequence = record.Sequence + 1, Bytes = blocks.Bytes, Written = DateTimeOffset.UtcNow,
        });
    }
}
