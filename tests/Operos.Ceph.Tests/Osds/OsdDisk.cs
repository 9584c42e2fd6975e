using Microsoft.Win32.SafeHandles;
using Operos.Linux;
using Operos.Storage.Classes;
using Operos.Storage.Layouts;
using Operos.Storage.Reports;
using Operos.Storage.Work;
using Operos.Worker.Disks;

namespace Operos.Ceph.Tests.Osds;

/// <summary>A real block device over a sparse file, which is split as the worker's pass splits a disk that is all an OSD's.</summary>
internal sealed class OsdDisk : IDisposable
{
    private const long Bytes = 6L << 30;
    private static readonly DiskPolicy Policy = new() { Cluster = new string('5', 64), Machine = OsdRack.One, TakesFiles = true };
    private readonly SafeFileHandle handle;

    public OsdDisk(string file)
    {
        using (var image = File.Create(file)) image.SetLength(Bytes);
        handle = LoopDevice.Attach(file, FileAccess.ReadWrite, 512, partitions: true, out var device);
        Device = device;
    }

    /// <summary>Its path.</summary>
    public string Device { get; }

    public async Task<OsdTarget> SetUpAsync()
    {
        var (disk, layout) = MachineLayout.Plan(await MachineDisks.LookAsync(Policy, [Device], default),
            new DiskShares { LocalPercent = 0 }).Single();
        return OsdTarget.On(await new DiskSetUp(Policy, _ => { }).RunAsync(disk, layout, default), isRotational: false).Single();
    }

    /// <summary>As an agent finds one that was set up.</summary>
    public static async Task<OsdTarget> FindAsync(string device) =>
        OsdTarget.On(OwnDisk.Read((await MachineDisks.LookAsync(Policy, [device], default)).Single()), isRotational: false).Single();

    public void Dispose() => handle.Dispose();
}
