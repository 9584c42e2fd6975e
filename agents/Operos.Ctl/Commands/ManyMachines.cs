using System.CommandLine;
using Operos.Ctl.Rendering;
using Operos.Proto;
using Operos.Proto.Connection;

namespace Operos.Ctl.Commands;

/// <summary>One word of an operator for many machines: they are shown first, and it counts for those that were shown.</summary>
internal static class ManyMachines
{
    /// <param name="request">What is asked for a machine; null for one that it does not concern.</param>
    /// <returns>The exit code: that of a refusal where the controller refused one; the others are done.</returns>
    public static async Task<int> ActAsync(
        ParseResult result, Option<bool> yes, string question, Func<MachineSummary, Message?> request, CancellationToken cancellationToken)
    {
        var list = await Credentials.AskAsync<MachineList>(result, new ListMachines(), cancellationToken);
        var shown = list.Machines.Where(machine => request(machine) is not null).ToList();
        if (shown.Count == 0)
        {
            Console.WriteLine("no machine waits for that; operosctl machines lists them all");
            return 0;
        }
        Console.Write(Terminal.Page(MachineCommands.RenderList(list with { Machines = shown })));
        Confirmation.Ask(result, yes, question);
        return await Credentials.UseAsync(result, async (connection, _) =>
        {
            var code = 0;
            foreach (var machine in shown)
            {
                try { Console.WriteLine(Terminal.Page((await connection.CallAsync<Done>(request(machine)!, cancellationToken)).Text)); }
                catch (ControlFaultException e)
                {
                    code = Outcome.Refused;
                    Console.Error.WriteLine(Terminal.Page($"operosctl: {e.Message}{(e.Hint is null ? "" : $"; next: {e.Hint}")}"));
                }
            }
            return code;
        }, cancellationToken);
    }
}
