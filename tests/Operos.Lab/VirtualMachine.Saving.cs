using System.Text.Json.Nodes;

namespace Operos.Lab;

/// <summary>A machine that is saved, and one that wakes from what was saved.</summary>
public sealed partial class VirtualMachine
{
    private static readonly TimeSpan MigrationPatience = TimeSpan.FromMinutes(1), MigrationGlance = TimeSpan.FromMilliseconds(20);

    /// <summary>Processor seconds of its QEMU so far.</summary>
    public TimeSpan ProcessorTime
    {
        get
        {
            lock (power)
            {
                process.Refresh();
                return process.HasExited ? TimeSpan.Zero : process.TotalProcessorTime;
            }
        }
    }

    /// <summary>
    /// Saves a machine that is paused and was started with a <see cref="VirtualMachineOptions.Memory"/>, and switches it off. The memory is
    /// the file already: the stream holds just the devices, a few megabytes.
    /// </summary>
    public async Task<SavedMachine> SaveAsync(CancellationToken cancellationToken)
    {
        var memory = Options.Memory ?? throw new InvalidOperationException($"{Options.Name} has no memory that can be saved");
        var devices = folder[$"{Options.Name}.devices"];
        await LeaveMemoryOutAsync(cancellationToken).ConfigureAwait(false);
        var quick = new JsonObject { ["max-bandwidth"] = 10L << 30 };
        var file = new JsonObject { ["uri"] = $"exec:cat > {LabNetwork.Quote(devices)}" };
        await CommandAsync("migrate-set-parameters", quick, cancellationToken).ConfigureAwait(false);
        await CommandAsync("migrate", file, cancellationToken).ConfigureAwait(false);
        await MigratedAsync(cancellationToken).ConfigureAwait(false);
        Dispose();
        var variables = Options.Firmware == Firmware.Bios ? null : QemuCommandLine.VariablesPath(Options, folder);
        return new SavedMachine(Options with { Wakes = null, Memory = null }, memory, devices, variables);
    }

    /// <summary>Reads what was saved; the machine then stands paused.</summary>
    private async Task LoadAsync(SavedMachine saved, CancellationToken cancellationToken)
    {
        await LeaveMemoryOutAsync(cancellationToken).ConfigureAwait(false);
        var file = new JsonObject { ["uri"] = $"exec:cat {LabNetwork.Quote(saved.Devices)}" };
        await CommandAsync("migrate-incoming", file, cancellationToken).ConfigureAwait(false);
        await MigratedAsync(cancellationToken).ConfigureAwait(false);
    }

    private Task LeaveMemoryOutAsync(CancellationToken cancellationToken)
    {
        var list = new JsonArray(new JsonObject { ["capability"] = "x-ignore-shared", ["state"] = true });
        return CommandAsync("migrate-set-capabilities", new JsonObject { ["capabilities"] = list }, cancellationToken);
    }

    private async Task MigratedAsync(CancellationToken cancellationToken)
    {
        var wait = new Wait($"{Options.Name} is saved or loaded", MigrationPatience) { Pause = MigrationGlance };
        await wait.UntilAsync(async () =>
        {
            var reply = await CommandAsync("query-migrate", null, cancellationToken).ConfigureAwait(false);
            var status = reply.TryGetProperty("status", out var word) ? word.GetString() : "not begun";
            if (status is "failed" or "cancelled")
                throw new LabException($"{Options.Name} was not saved or loaded; QEMU says: {reply}\n{Describe()}");
            return status == "completed";
        }, cancellationToken).ConfigureAwait(false);
    }
}
