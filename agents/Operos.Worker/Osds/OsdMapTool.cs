using System.Formats.Tar;
using System.Globalization;
using System.Text.Json;
using Operos.Ceph.Osds;
using Operos.Linux;
using Operos.Linux.Programs;
using Operos.Storage.Work;
using Operos.Worker.Disks;

namespace Operos.Worker.Osds;

/// <summary>
/// Reads the maps of the cluster that stand on an OSD's partition while that OSD rests, by ceph-objectstore-tool. Nothing on the partition
/// is changed beside what a start of the OSD would change.
/// </summary>
/// <param name="areUnits">Whether systemd runs the tool: outside of this agent, whose memory is bounded, and as the daemons' user.</param>
internal sealed class OsdMapTool(OsdPaths paths, bool areUnits)
{
    private const string Prefix = "maps-", Data = "data", Store = "store";
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);
    private static readonly string[] Sandbox = ["NoNewPrivileges=yes", "ProtectSystem=strict", "PrivateNetwork=yes", "PrivateTmp=yes",
        "ProtectHome=yes", "CapabilityBoundingSet=", "DevicePolicy=closed", "DeviceAllow=block-* rw", "RestrictSUIDSGID=yes",
        "LimitNOFILE=1048576", "RuntimeMaxSec=10min"];

    /// <returns>The number of the newest map.</returns>
    /// <exception cref="IOException">It cannot be read.</exception>
    public Task<long> NewestAsync(OsdTarget target, OsdPlace place, CancellationToken cancellationToken) =>
        WithAsync(target, place, async folder =>
        {
            var said = await CallAsync(folder, ["--op", "dump-super"], cancellationToken).ConfigureAwait(false);
            // Its exit code is the superblock's length (18.2): what it prints counts.
            try
            {
                using var document = JsonDocument.Parse(said.Output);
                return document.RootElement.TryGetProperty("newest_map", out var newest) && newest.TryGetInt64(out var epoch) && epoch > 0
                    ? epoch : throw new StorageException("its superblock names no map");
            }
            catch (JsonException) { throw Failed(said); }
        }, cancellationToken);

    /// <summary>Writes a monitor's store with all its maps to a file, as an archive (tar).</summary>
    /// <exception cref="IOException">It cannot be read, or written.</exception>
    public Task PackAsync(OsdTarget target, OsdPlace place, string archive, CancellationToken cancellationToken) =>
        WithAsync(target, place, async folder =>
        {
            var store = Path.Combine(folder, Store);
            var said = await CallAsync(folder, ["--op", "update-mon-db", "--mon-store-path", store], cancellationToken)
                .ConfigureAwait(false);
            if (said.Code != 0) throw Failed(said);
            await TarFile.CreateFromDirectoryAsync(store, archive, includeBaseDirectory: false, cancellationToken).ConfigureAwait(false);
            return true;
        }, cancellationToken);

    /// <summary>Removes what an agent before this one left.</summary>
    public async Task ClearAsync(CancellationToken cancellationToken)
    {
        if (!Directory.Exists(paths.Run)) return;
        File.Delete(paths.Maps);
        foreach (var left in Directory.EnumerateDirectories(paths.Run, Prefix + "*"))
            await OsdFolder.RemoveAsync(left, cancellationToken).ConfigureAwait(false);
    }

    private async Task<T> WithAsync<T>(OsdTarget target, OsdPlace place, Func<string, Task<T>> workAsync,
        CancellationToken cancellationToken)
    {
        // No other disk gets its name while the tool works on it by that.
        using var held = await HeldDisk.OpenAsync(target.Disk, target.Partition, cancellationToken).ConfigureAwait(false);
        var verdict = OsdVerdict.Of(await OsdLook.TakeAsync(target.Partition, cancellationToken).ConfigureAwait(false), place.Map.Fsid,
            null);
        if (verdict.Work != OsdWork.Start) throw new StorageException($"no OSD of this cluster stands there: {verdict.Text}");
        Directory.CreateDirectory(paths.Run, FileModes.ReadableFolder);
        var folder = Path.Combine(paths.Run, $"{Prefix}{target.Id}");
        await OsdFolder.RemoveAsync(folder, cancellationToken).ConfigureAwait(false);
        try
        {
            Directory.CreateDirectory(folder, FileModes.PrivateFolder);
            OsdFolder.Make(Path.Combine(folder, Data), target, paths.User, keyring: null);
            var store = Path.Combine(folder, Store);
            Directory.CreateDirectory(store, FileModes.PrivateFolder);
            foreach (var given in (string[])[store, folder]) Ownership.Give(given, paths.User);
            return await workAsync(folder).ConfigureAwait(false);
        }
        finally { await OsdFolder.RemoveAsync(folder, CancellationToken.None).ConfigureAwait(false); }
    }

    private Task<ProgramResult> CallAsync(string folder, IReadOnlyList<string> arguments, CancellationToken cancellationToken)
    {
        string[] tool = [paths.MapTool, "--no-mon-config", "--data-path", Path.Combine(folder, Data), .. arguments];
        string[] command = areUnits ? ["systemd-run", "--pipe", "--wait", "--collect", "--quiet", .. Sandbox
            .Concat([$"User={paths.User}", $"Group={paths.User}", $"ReadWritePaths={paths.Run}"]).SelectMany(one => (string[])["-p", one]),
            "--", .. tool] : tool;
        return ProgramCall.RunAsync(command[0], command[1..], cancellationToken, longest: Patience);
    }

    private static StorageException Failed(ProgramResult said) => new(string.Create(CultureInfo.InvariantCulture,
        $"ceph-objectstore-tool ended with {said.Code}: {PrintableText.Line(said.LastLine, 300)}"));
}
