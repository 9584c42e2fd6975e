using System.CommandLine;
using System.CommandLine.Completions;
using Operos.Ctl.Rendering;
using Operos.Proto;

namespace Operos.Ctl.Commands;

/// <summary>
/// <c>operosctl completion</c>: what makes a shell complete operosctl's commands, options and the names of machines. The shell's part only
/// asks; what there is to choose from is told by the commands themselves, and by the controller.
/// </summary>
internal static class CompletionCommand
{
    /// <summary>Somebody waits at a prompt.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    private const string Bash = """
        # For ~/.bashrc: source <(operosctl completion bash)
        _operosctl() {
            local IFS=$'\n'
            COMPREPLY=($("${COMP_WORDS[0]}" completion suggest "$COMP_POINT" "$COMP_LINE" 2> /dev/null))
        }
        complete -o default -F _operosctl operosctl

        """;

    private const string Zsh = """
        #compdef operosctl
        # For ~/.zshrc, after compinit: source <(operosctl completion zsh)
        _operosctl() {
            local line="${(j: :)words[1,CURRENT-1]} $PREFIX"
            local -a found=(${(f)"$(${words[1]} completion suggest ${#line} "$line" 2> /dev/null)"})
            if (( ${#found} )); then compadd -a found; else _files; fi
        }
        if [[ ${funcstack[1]} == _operosctl ]]; then _operosctl "$@"; else compdef _operosctl operosctl; fi

        """;

    /// <summary>The command, for all that <paramref name="root"/> holds by then.</summary>
    public static Command Create(RootCommand root)
    {
        foreach (var machine in Within(root).SelectMany(command => command.Arguments).Where(argument => argument.Name == "machine"))
            machine.CompletionSources.Add(Machines);
        foreach (var disk in Within(root).SelectMany(command => command.Arguments).Where(argument => argument.Name == "disk"))
            disk.CompletionSources.Add(Disks);
        return new LocalCommand("completion", "Print what makes a shell complete operosctl's words: source <(operosctl completion bash)")
        {
            Prints("bash", Bash), Prints("zsh", Zsh), Suggest(root),
        };
    }

    private static Command Prints(string shell, string script)
    {
        var command = new Command(shell, $"For {shell}");
        command.SetAction(_ => Console.Out.Write(script));
        return command;
    }

    private static Command Suggest(RootCommand root)
    {
        var position = new Argument<int>("position") { Description = "The cursor's place in the line" };
        var line = new Argument<string>("line") { Description = "The line, its first word the program" };
        var command = new Command("suggest", "List what could stand at the cursor, as a shell asks") { position, line };
        command.Hidden = true;
        command.SetAction(result =>
        {
            // What runs operosctl may say where its credentials are.
            if (result.GetValue(Credentials.Folder) is { } folder) Environment.SetEnvironmentVariable(Credentials.Variable, folder);
            var text = result.GetRequiredValue(line);
            foreach (var word in Find(root, text[..Math.Clamp(result.GetValue(position), 0, text.Length)])) Console.WriteLine(word);
        });
        return command;
    }

    /// <summary>What the last word of a line could be, whole.</summary>
    /// <param name="line">Up to the cursor, its first word the program.</param>
    internal static IEnumerable<string> Find(RootCommand root, string line)
    {
        var words = line.TrimStart();
        var program = words.IndexOf(' ', StringComparison.Ordinal);
        if (program < 0) return [];
        var begun = words[(words.LastIndexOf(' ') + 1)..];
        // A file that the line names with @ would be read.
        var parsed = root.Parse(words[program..], new ParserConfiguration { ResponseFileTokenReplacer = null });
        return parsed.GetCompletions(words.Length - program).Select(item => item.Label)
            .Where(word => word.StartsWith(begun, StringComparison.Ordinal) && word.StartsWith('-') == begun.StartsWith('-')
                && word.All(IsPlain) && !word.StartsWith('/'))
            .Distinct().Order(StringComparer.Ordinal);
    }

    /// <summary>Neither a shell nor a terminal makes something else of it. A disk is called by its machine, a slash and its name.</summary>
    private static bool IsPlain(char c) => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.' or '/';

    /// <summary>The machines' names, or UUIDs where they have none. Whatever is wrong, there is just nothing to choose from.</summary>
    private static IEnumerable<CompletionItem> Machines(CompletionContext context) =>
        Ask(token => Credentials.AskAsync<MachineList>(context.ParseResult, new ListMachines(), token))?.Machines
            .Select(machine => new CompletionItem(machine.Name ?? machine.Id)) ?? [];

    /// <summary>The disks, each with its machine.</summary>
    private static IEnumerable<CompletionItem> Disks(CompletionContext context) =>
        Ask(token => DiskPages.AskAsync(context.ParseResult, "", token))?.Disks
            .Select(entry => new CompletionItem(DiskTable.Call(entry))) ?? [];

    /// <summary>Null where there is no answer in time.</summary>
    private static TReply? Ask<TReply>(Func<CancellationToken, Task<TReply>> ask) where TReply : Message
    {
        try
        {
            using var limit = new CancellationTokenSource(Patience);
            var asked = Task.Run(() => ask(limit.Token), limit.Token);
            return asked.Wait(Patience) ? asked.Result : null;
        }
        catch (Exception e) when (e is AggregateException or OperationCanceledException) { return null; }
    }

    private static IEnumerable<Command> Within(Command command) =>
        command.Subcommands.SelectMany(Within).Prepend(command);
}
