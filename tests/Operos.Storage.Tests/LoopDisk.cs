using System.Globalization;
using Microsoft.Win32.SafeHandles;
using Operos.Linux;
using Operos.Linux.Programs;
using Operos.Storage.Classes;
using Operos.Storage.Layouts;
using Operos.Storage.Looks;
using Operos.Storage.Work;

namespace Operos.Storage.Tests;

/// <summary>A real block device over a sparse file, which goes with its partitions when this does, and when the process does.</summary>
internal sealed class LoopDisk : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("operos-loop-").FullName;
    private readonly SafeFileHandle handle;

    public LoopDisk(int sector, long bytes)
    {
        File = Path.Combine(folder, "disk");
        using (var file = System.IO.File.Create(File)) file.SetLength(bytes);
        handle = LoopDevice.Attach(File, FileAccess.ReadWrite, sector, partitions: true, out var path);
        Device = path;
    }

    /// <summary>Its path.</summary>
    public string Device { get; }

    /// <summary>Of its bytes.</summary>
    public string File { get; }

    /// <summary>A folder of its own.</summary>
    public string Folder => folder;

    public static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async Task<DiskVerdict> LookAsync(DiskPolicy? policy = null)
    {
        var facts = new DiskFactsReader().Find(Path.GetFileName(Device))!;
        return DiskClassifier.Classify(await DiskLook.TakeAsync(Device, facts, Cancellation), policy ?? Disks.Policy);
    }

    /// <summary>As the next boot does it: looks, plans, and sets up what is to be.</summary>
    public async Task<OwnDisk> SetUpAsync(DiskSetUp setUp, DiskShares? shares = null)
    {
        var plan = MachineLayout.Plan([await LookAsync()], shares ?? new());
        Assert.True(plan.Count == 1, string.Join("; ", (await LookAsync()).Reasons));
        return await setUp.RunAsync(plan[0].Disk, plan[0].Layout, Cancellation);
    }

    public void Put(long offset, ReadOnlySpan<byte> bytes)
    {
        using var device = BlockDevice.OpenForWriting(Device);
        var block = device.Read(offset / 4096 * 4096, 4096).ToArray();
        bytes.CopyTo(block.AsSpan((int)(offset % 4096)));
        device.Write(offset / 4096 * 4096, block);
        device.Flush();
    }

    public static async Task<string> ShellAsync(string script)
    {
        var result = await ProgramCall.RunAsync("/bin/sh", ["-ec", $"PATH=$PATH:/usr/sbin:/sbin; export LC_ALL=C; {script}"], Cancellation);
        Assert.True(result.Code == 0, $"{script}: {result.Errors}{result.Output}");
        return result.Output;
    }

    /// <summary>A program that calls another one, or does something else first.</summary>
    public string Script(string text)
    {
        var path = Path.Combine(folder, string.Create(CultureInfo.InvariantCulture, $"script-{Guid.NewGuid():N}"));
        System.IO.File.WriteAllText(path, $"#!/bin/sh\n{text}\n");
        System.IO.File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        return path;
    }

    /// <summary>The image's systemd-repart where the image was made, else null.</summary>
    public static string? ImageRepart(LoopDisk disk)
    {
        for (var up = new DirectoryInfo(AppContext.BaseDirectory); up is not null; up = up.Parent)
        {
            var roots = Path.Combine(up.FullName, "out/images/roots");
            var program = Path.Combine(roots, "node/usr/bin/systemd-repart");
            if (!System.IO.File.Exists(program)) continue;
            var libraries = string.Join(':', from layer in (string[])["base", "node"] from folder in (string[])["", "/systemd"]
                                             select $"{roots}/{layer}/usr/lib/x86_64-linux-gnu{folder}");
            return disk.Script($"exec '{roots}/base/usr/lib64/ld-linux-x86-64.so.2' --library-path '{libraries}' '{program}' \"$@\"");
        }
        return null;
    }

    public void Dispose()
    {
        handle.Dispose();
        Directory.Delete(folder, recursive: true);
    }
}
