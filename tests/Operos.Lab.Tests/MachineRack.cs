using System.Diagnostics;
using System.Globalization;
using System.Runtime.CompilerServices;

namespace Operos.Lab.Tests;

/// <summary>A folder, a switch and the machines on it; all gone with it.</summary>
internal sealed class MachineRack(LabFolder folder, LabNetwork network) : IDisposable
{
    public LabFolder Folder => folder;
    public LabNetwork Network => network;
    public MachineGroup Machines { get; } = new();

    public static async Task<MachineRack> CreateAsync([CallerMemberName] string name = "")
    {
        var folder = LabFolder.Create(Path.Combine(Build.FindRoot(), "out/test"), name);
        try { return new MachineRack(folder, await LabNetwork.CreateAsync(folder, null, default)); }
        catch
        {
            folder.Dispose();
            throw;
        }
    }

    public Task<VirtualMachine> StartAsync(VirtualMachineOptions options) => Machines.StartAsync(options, network, folder, default);

    /// <summary>The id of the machine's QEMU, as the host counts; null while there is none.</summary>
    public async Task<int?> ProcessAsync(VirtualMachine machine)
    {
        var inside = await Shell.RunAsync("ip", ["netns", "pids", network.Name], default);
        var found = Array.Find(inside.Split('\n', StringSplitOptions.RemoveEmptyEntries), IsIts);
        return found is null ? null : int.Parse(found, CultureInfo.InvariantCulture);

        bool IsIts(string id)
        {
            try { return File.ReadAllText($"/proc/{id}/cmdline").Contains($"\0-name\0{machine.Options.Name}\0", StringComparison.Ordinal); }
            catch (IOException) { return false; }
        }
    }

    public async Task KillAsync(VirtualMachine machine)
    {
        using var process = Process.GetProcessById((await ProcessAsync(machine))!.Value);
        process.Kill();
    }

    public void Dispose()
    {
        Machines.Dispose();
        folder.Dispose();
    }
}
