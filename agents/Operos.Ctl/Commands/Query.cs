using System.CommandLine;
using Operos.Ctl.Rendering;
using Operos.Proto;

namespace Operos.Ctl.Commands;

/// <summary>
/// A command that asks one question and shows the answer as a table or, with <c>--json</c>, as JSON; with <c>--watch</c> again and again.
/// </summary>
internal static class Query
{
    /// <summary>The screen alone (ECMA-48, CUP and ED): what was there before can still be scrolled back to.</summary>
    private const string ClearScreen = "\u001b[H\u001b[2J";

    /// <param name="exitCode">What the answer means for a script; 0 where it is not given.</param>
    public static void Shows<TReply>(this Command command, Func<ParseResult, Message> request, Func<TReply, string> render,
        Func<TReply, int>? exitCode = null) where TReply : Message =>
        command.Shows((result, cancellationToken) => AskAsync<TReply>(result, request(result), cancellationToken), render, exitCode);

    /// <summary>One whose answer takes several questions.</summary>
    public static void Shows<TReply>(this Command command, Func<ParseResult, CancellationToken, Task<TReply>> ask,
        Func<TReply, string> render, Func<TReply, int>? exitCode = null) where TReply : Message
    {
        var json = new Option<bool>("--json") { Description = "As JSON, for scripts" };
        var watch = new Option<bool>("--watch") { Description = "Show again every second until Ctrl-C" };
        command.Options.Add(json);
        command.Options.Add(watch);
        command.SetAction(async (result, cancellationToken) =>
        {
            while (true)
            {
                var answer = await ask(result, cancellationToken);
                if (result.GetValue(watch) && !Console.IsOutputRedirected) Console.Write(ClearScreen);
                Console.Write(result.GetValue(json) ? AnswerJson.Render(answer) + "\n" : Terminal.Page(render(answer)));
                if (!result.GetValue(watch)) return exitCode?.Invoke(answer) ?? 0;
                await Task.Delay(TimeSpan.FromSeconds(1), cancellationToken);
            }
        });
    }

    /// <summary>What is only shown may be asked for twice, as where the controller's agent ended before it answered.</summary>
    public static async Task<TReply> AskAsync<TReply>(ParseResult result, Message request, CancellationToken cancellationToken)
        where TReply : Message
    {
        var ended = false;
        try
        {
            return await Credentials.UseAsync(result, async (connection, _) =>
            {
                try { return await connection.CallAsync<TReply>(request, cancellationToken); }
                catch (IOException e) when (ended = connection.IsEndedBy(e)) { throw; }
            }, cancellationToken);
        }
        catch (IOException) when (ended) { return await Credentials.AskAsync<TReply>(result, request, cancellationToken); }
    }

    /// <summary>A command that changes something and says what was done.</summary>
    public static void Does(this Command command, Func<ParseResult, Message> request) =>
        command.SetAction((result, cancellationToken) => DoAsync(result, request(result), cancellationToken));

    /// <returns>The exit code.</returns>
    public static async Task<int> DoAsync(ParseResult result, Message request, CancellationToken cancellationToken)
    {
        var done = await Credentials.AskAsync<Done>(result, request, cancellationToken);
        Console.WriteLine(Terminal.Page(done.Text));
        return 0;
    }
}
