using System.CommandLine;
using Operos.Ctl.Rendering;
using Operos.Proto;

namespace Operos.Ctl.Commands;

/// <summary>
/// A command that asks one question and shows the answer as a table or, with <c>--json</c>, as JSON; with <c>--watch</c> again and again.
/// </summary>
internal static class Query
{
    public static void Shows<TReply>(this Command command, Func<ParseResult, Message> request, Func<TReply, string> render) where TReply
        : Message
    {
        var json = new Option<bool>("--json") { Description = "As JSON, for scripts" };
        var watch = new Option<bool>("--watch") { Description = "Show again every second until Ctrl-C" };
        command.Options.Add(json);
        command.Options.Add(watch);
        command.SetAction(async (result, cancellationToken) =>
        {
            while (true)
            {
                var answer = await Credentials.AskAsync<TReply>(result, request(result), cancellationToken);
                if (result.GetValue(watch) && !Console.IsOutputRedirected) Console.Clear();
                Console.Write(result.GetValue(json) ? AnswerJson.Render(answer) + "\n" : Terminal.Page(render(answer)));
                if (!result.GetValue(watch)) return;
                await Task.Delay(TimeSpan.FromSeconds(1), cancellationToken);
            }
        });
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
