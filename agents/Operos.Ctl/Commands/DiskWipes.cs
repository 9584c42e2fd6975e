using System.CommandLine;
using System.Diagnostics;
using Operos.Ctl.Rendering;
using Operos.Proto;
using Operos.Proto.Connection;

namespace Operos.Ctl.Commands;

/// <summary><c>operosctl disks wipe</c>: shows what will be lost, asks, orders it as it was shown, and tells how it goes.</summary>
internal static class DiskWipes
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(500);

    /// <summary>So long nothing may be heard of a wipe before it is left alone.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    public static Command Wipe()
    {
        var disk = DiskCommands.DiskArgument();
        var yes = Confirmation.Create();
        var noWait = new Option<bool>("--no-wait") { Description = "Do not wait for the end: operosctl disks show tells it" };
        var command = new Command("wipe", "Erase what a disk holds, so that it is blank; all on it is lost") { disk, yes, noWait };
        command.SetAction(async (result, cancellationToken) =>
        {
            var seen = (await Credentials.AskAsync<DiskReply>(result, new ShowDisk { Disk = result.GetRequiredValue(disk) },
                cancellationToken)).Entry;
            Console.Write(Terminal.Page(DiskTable.Render(seen, DateTimeOffset.UtcNow)));
            // Nobody is asked for what would be refused.
            if (seen.NotWiped is { } reason) throw new ControlFaultException(new Fault { Code = FaultCode.Conflict, Text = reason });
            Confirmation.Ask(result, yes, $"Erase {DiskTable.Call(seen)}? All on it is lost"
                + (seen.Excluded is null ? ", and it is put to work again (operosctl disks exclude keeps it out)."
                    : "; it stays kept out."));
            var ordered = await Credentials.AskAsync<WipeOrdered>(result,
                new OrderWipe { Disk = $"{seen.Machine}/{seen.Disk.Name}", Evidence = seen.Disk.Evidence }, cancellationToken);
            if (!result.GetValue(noWait)) return await FollowAsync(result, ordered, DiskTable.Call(seen), cancellationToken);
            Console.WriteLine(Terminal.Page(ordered.Text));
            return 0;
        });
        return command;
    }

    /// <summary>By the order's id: what was wiped may have another name, and another identity.</summary>
    private static async Task<int> FollowAsync(ParseResult result, WipeOrdered ordered, string call, CancellationToken cancellationToken)
    {
        var (heard, shown) = (Stopwatch.StartNew(), "");
        while (heard.Elapsed < Patience)
        {
            await Task.Delay(Pause, cancellationToken);
            DiskWipe? wipe;
            try
            {
                var list = await DiskPages.AskAsync(result, ordered.Machine, cancellationToken);
                wipe = list.Disks.Select(entry => entry.Disk.Wipe).FirstOrDefault(wipe => wipe?.Order == ordered.Order);
            }
            // It goes on while the controller starts anew, or has no time.
            catch (Exception e) when (e is IOException or TimeoutException or ControlFaultException { Code: FaultCode.Busy }) { continue; }
            if (wipe is null || (wipe.State == DiskWipe.Running && wipe.Text == shown)) continue;
            heard.Restart();
            shown = wipe.Text;
            if (wipe.State == DiskWipe.Running) await Console.Error.WriteLineAsync(Terminal.Line($"{call}: {wipe.Text}"));
            else if (wipe.State == DiskWipe.Finished)
            {
                Console.WriteLine(Terminal.Line($"{call}: {wipe.Text}"));
                return 0;
            }
            else throw new ControlFaultException(new Fault { Code = FaultCode.Conflict, Text = $"{call}: {wipe.Text}",
                Hint = $"operosctl disks show {call}" });
        }
        throw new ControlFaultException(new Fault
        {
            Code = FaultCode.Internal, Text = $"nothing was heard of the wipe of {call} for {Patience.TotalMinutes:0} minutes",
            Hint = $"its machine may have rebooted, and completes it then: operosctl disks show {call}",
        });
    }
}
