using System.CommandLine;
using Operos.Proto;

namespace Operos.Ctl.Commands;

/// <summary>What takes long to do to a machine: <c>machines drain</c>, <c>remove</c> and <c>reboot</c>.</summary>
internal static class MachineOrders
{
    public static Command Drain()
    {
        var machine = MachineCommands.MachineArgument();
        var time = DrainTime();
        var command = new Command("drain", "Take a machine's pods away and keep new ones from coming") { machine, time };
        var waits = JobCommands.Waits(command);
        command.SetAction((result, cancellationToken) => JobCommands.DoAsync(result,
            new DrainMachine { Machine = result.GetRequiredValue(machine), DrainSeconds = (int)result.GetValue(time).TotalSeconds },
            waits(result), cancellationToken));
        return command;
    }

    public static Command Remove()
    {
        var machine = MachineCommands.MachineArgument();
        var yes = Confirmation.Create();
        var time = DrainTime();
        var force = new Option<bool>("--force") { Description = "Remove it even where its pods do not leave, or the API server is away" };
        var command = new Command("remove", "Drain and forget a machine; it must be admitted again") { machine, yes, time, force };
        var waits = JobCommands.Waits(command);
        command.SetAction(async (result, cancellationToken) =>
        {
            var name = result.GetRequiredValue(machine);
            // What was confirmed is removed, whatever is called so by then.
            if (!result.GetValue(yes)) name = await ConfirmAsync(result, yes, name, cancellationToken);
            return await JobCommands.DoAsync(result, new RemoveMachine
            {
                Machine = name, DrainSeconds = (int)result.GetValue(time).TotalSeconds, Force = result.GetValue(force), Detach = true,
            }, waits(result), cancellationToken);
        });
        return command;
    }

    /// <summary>Asks of a machine that there is, under all its names. One that the controller will not remove needs no question.</summary>
    /// <returns>Its id.</returns>
    private static async Task<string> ConfirmAsync(ParseResult result, Option<bool> yes, string called,
        CancellationToken cancellationToken)
    {
        var found = (await Credentials.AskAsync<MachineDetail>(result, new ShowMachine { Machine = called }, cancellationToken)).Summary;
        var name = found.Name is null ? found.Id : $"{found.Name} ({found.Id})";
        if (found.Kind != "controller")
            Confirmation.Ask(result, yes, $"Remove {name}? Its pods will be evicted and its certificate will no longer count.");
        return found.Id;
    }

    public static Command Reboot()
    {
        var machine = MachineCommands.MachineArgument();
        var now = new Option<bool>("--now")
            { Description = "Reboot at once, with the pods that are on it; waited for with --wait only" };
        // As it was asked for while it was not the usual way.
        var drain = new Option<bool>("--drain") { Description = "Take its pods away first, which is usual", Hidden = true };
        var time = DrainTime();
        var force = new Option<bool>("--force")
        {
            Description = "Reboot it even where its pods do not leave, the API server is away, or it was told to reboot already",
        };
        var command = new Command("reboot", "Take a worker's pods away, shut it down cleanly, wait until it is back, let pods come again")
            { machine, now, drain, time, force };
        var waits = JobCommands.Waits(command);
        command.Validators.Add(result =>
        {
            if (result.GetValue(now) && result.GetValue(drain)) result.AddError("--now takes no pods away: give it or --drain");
        });
        command.SetAction((result, cancellationToken) => JobCommands.DoAsync(result, new RebootMachine
        {
            Machine = result.GetRequiredValue(machine), Drain = !result.GetValue(now),
            DrainSeconds = (int)result.GetValue(time).TotalSeconds, Force = result.GetValue(force),
            Wait = result.GetValue(now) && JobCommands.IsAskedToWait(result),
        }, waits(result), cancellationToken));
        return command;
    }

    private static Option<TimeSpan> DrainTime() => DurationOption.Create("--drain-seconds", "How long its pods may take to leave",
        TimeSpan.FromMinutes(1), TimeSpan.FromHours(1));
}
