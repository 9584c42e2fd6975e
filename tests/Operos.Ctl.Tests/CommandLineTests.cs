using System.CommandLine;
using System.Security.Authentication;
using Operos.CommandLine;
using Operos.Ctl.Commands;
using Operos.Proto;
using Operos.Proto.Connection;

namespace Operos.Ctl.Tests;

/// <summary>What an operator types, and what is said of what was typed wrong.</summary>
public sealed class CommandLineTests
{
    /// <summary>Every command, with the names that lead to it.</summary>
    private static IEnumerable<(string Line, Command Command)> All
    {
        get
        {
            var open = new Queue<(string Line, Command Command)>(new Command[]
            {
                MachineCommands.Create(), DiskCommands.Create(), OperatorCommands.Create(), ReleaseCommands.Create(), JobCommands.Create(),
                StorageCommands.Create(),
            }.Concat(ClusterCommands.Create()).Select(command => (command.Name, command)));
            while (open.TryDequeue(out var next))
            {
                yield return next;
                foreach (var below in next.Command.Subcommands) open.Enqueue(($"{next.Line} {below.Name}", below));
            }
        }
    }

    [Fact]
    public void A_bad_number_is_told_with_its_option_and_what_is_allowed_and_not_in_the_library_s_words()
    {
        var numbers = All.SelectMany(entry => entry.Command.Options).Append(Credentials.Patience)
            .Where(option => option.ValueType != typeof(string) && option.ValueType != typeof(bool) && !option.ValueType.IsArray
                && Nullable.GetUnderlyingType(option.ValueType) is null).ToList();
        Assert.Contains(numbers, option => option.Name == "--drain-seconds");
        foreach (var option in numbers)
            foreach (var bad in (string[])["abc", "-1", "99999999999999999999", "1\u001b[2J"])
            {
                var errors = new RootCommand { option }.Parse([option.Name, bad]).Errors;
                Assert.True(errors.Count > 0, $"{option.Name} {bad} is taken");
                Assert.DoesNotContain(errors, error => error.Message.Contains("System.", StringComparison.Ordinal)
                    || error.Message.Contains("Cannot parse", StringComparison.Ordinal) || error.Message.Contains('\u001b'));
            }
        Assert.Equal("--timeout: 'abc' is no time: a number and s, m, h or d, such as 30s, 90m, 8h or 7d; from 1s to 1h",
            Assert.Single(new RootCommand { Credentials.Patience }.Parse(["--timeout", "abc"]).Errors).Message);
    }

    [Theory]
    [InlineData("machins", "there is no command 'machins'; did you mean machines?")]
    [InlineData("machines cordn m1", "there is no command 'machines cordn'; did you mean machines cordon?")]
    [InlineData("cordon m1", "there is no command 'cordon'; did you mean machines cordon?")]
    [InlineData("version --help", "there is no command 'version'; ROOT has machines, operators, release, jobs, backup, status, ")]
    [InlineData("machines nosuch --help", "there is no command 'machines nosuch'; ROOT machines has list, show, ")]
    [InlineData("disks wipe", "ROOT disks wipe needs <disk>: MACHINE/NAME such as w1/sda, or its identity")]
    [InlineData("disks locate w1/sda --seconds 2h", "--seconds: '2h' is no time: ")]
    [InlineData("safe-to-pull", "ROOT safe-to-pull needs <what>: A disk (MACHINE/NAME or its identity), a machine")]
    [InlineData("storage osd out", "ROOT storage osd out needs <osd>: Its number, as operosctl storage osd list has it")]
    [InlineData("storage osd replace osd.3", "<osd>: 'osd.3' is no number of an OSD: operosctl storage osd list has them")]
    [InlineData("storage pool set", "--copies or --min-size says what is set")]
    [InlineData("storage pool set --copies 1", "--copies: '1' is neither 2 nor 3")]
    [InlineData("storage rebuild", "ROOT storage rebuild needs --without")]
    [InlineData("storage rebuild --without 3,osd.4", "--without: '3 osd.4' is no list of OSDs, such as 3,7")]
    [InlineData("wipe w1/sda", "there is no command 'wipe'; did you mean disks wipe?")]
    [InlineData("release", "ROOT release needs a command: keygen, build, sign, verify")]
    [InlineData("machines reboot", "ROOT machines reboot needs <machine>: Name, UUID or a unique start of it, address, or MAC")]
    [InlineData("operators add", "ROOT operators add needs <name>, --role and --out")]
    [InlineData("machines --stat up", "ROOT machines has no option '--stat'; did you mean --state?")]
    [InlineData("why a b", "'b' is one word too many for ROOT why")]
    [InlineData("machines --state up,bogus", "--state: 'bogus' is none of up, down, rebooting, pending, ambiguous, rejected")]
    [InlineData("machines list --kind x", "--kind: 'x' is none of worker, controller")]
    [InlineData("machines -l rack=r1,=x", "--label: '=x' selects no label: key, key=value, key!=value or !key")]
    [InlineData("operators add bob --role boss --out d", "--role: 'boss' is none of admin, operator, viewer")]
    [InlineData("audit --since 3x", "--since: '3x' is no time: a number and s, m, h or d")]
    [InlineData("status --timeout 5 --timeout 6", "--timeout is given more than once")]
    [InlineData("status --config", "--config needs a value: Folder with ca.crt")]
    [InlineData("backup verify a --file b", "give the name of a backup on the controller, or --file, a copy of one")]
    public void What_is_typed_wrong_is_told_once_in_our_words_and_with_whose_help_says_more(string line, string expected)
    {
        var parsed = Parse(line);
        var root = parsed.RootCommandResult.Command.Name;
        var error = Assert.Single(UsageErrors.Find(parsed));
        Assert.StartsWith(expected.Replace("ROOT", root, StringComparison.Ordinal), error, StringComparison.Ordinal);
        var told = new StringWriter();
        Assert.True(UsageErrors.Tell(parsed, told));
        Assert.Matches($"^{root}: .*\n  see {root}.* --help\n$", told.ToString());
    }

    [Theory]
    [InlineData("machines reboot --help")]
    [InlineData("--version")]
    [InlineData("status --timeout 1m")]
    [InlineData("disks list w1")]
    [InlineData("disks wipe w1/sda --yes --no-wait")]
    [InlineData("disks locate wwn:0x5000c5 --seconds 2m")]
    [InlineData("machines drain m1 --drain-seconds 5m")]
    [InlineData("machines drain m1 --drain-seconds 300")]
    [InlineData("audit --since 600")]
    [InlineData("machines --state up,down -l !rack,row!=3,a/b -l c=d --kind worker")]
    [InlineData("completion suggest 9 operosctl")]
    public void What_is_typed_right_is_not_refused(string line) => Assert.Empty(UsageErrors.Find(Parse(line)));

    [Theory]
    [InlineData("machines")]
    [InlineData("disks")]
    [InlineData("operators")]
    [InlineData("jobs")]
    [InlineData("backup")]
    public void A_family_of_commands_lists_alone_and_with_list(string family)
    {
        foreach (var line in (string[])[family, $"{family} list"])
        {
            Assert.Empty(UsageErrors.Find(Parse(line)));
            Assert.NotNull(Parse(line).CommandResult.Command.Action);
        }
    }

    [Theory]
    [InlineData("events", "Usage:\n  ROOT events [<machine>] [options]\n", "00:00:00")]
    [InlineData("kubeconfig", "at most 24h [default: 8h]", "08:00")]
    [InlineData("operators add", "[default: 365d]", "365.00")]
    [InlineData("operators add", "--role <admin|operator|viewer>", "[default: admin")]
    [InlineData("", "  events [<machine>]  ", "  events <machine>")]
    [InlineData("machines", "  approve [<machine>]  ", "suggest")]
    [InlineData("machines label", "ROOT machines label <machine> <labels>... [options]", "[<labels>")]
    public void Help_shows_what_may_be_left_out_and_defaults_as_they_are_typed(string line, string expected, string absent)
    {
        var parsed = Parse(line);
        var help = HelpText.Render(parsed.CommandResult, width: 200);
        Assert.Contains(expected.Replace("ROOT", parsed.RootCommandResult.Command.Name, StringComparison.Ordinal), help,
            StringComparison.Ordinal);
        Assert.DoesNotContain(absent, help, StringComparison.Ordinal);
        Assert.All(HelpText.Render(parsed.CommandResult, width: 80).Split('\n'), row => Assert.True(row.Length <= 80, row));
    }

    [Theory]
    [InlineData("release build", false)]
    [InlineData("completion bash", false)]
    [InlineData("backup restore", false)]
    [InlineData("backup verify", true)]
    [InlineData("status", true)]
    public void The_help_of_what_asks_no_controller_is_without_credentials(string line, bool asks) =>
        Assert.Equal(asks, Outcome.AsksController(Parse(line).CommandResult));

    [Fact]
    public void A_cause_that_is_told_is_not_told_again_and_a_script_can_tell_outcomes_apart()
    {
        Assert.Equal(["operosctl: it cannot be reached: No route to host"], Outcome.Words(
            new ControllerUnreachableException("it cannot be reached: No route to host", new IOException("No route to host"))));
        Assert.Equal(["operosctl: it failed", "  because: the disk is full"], Outcome.Words(
            new IOException("it failed", new IOException("the disk is full"))));
        Assert.Equal(Outcome.Refused, Outcome.ExitCode(new CredentialsExpiredException("expired", new IOException("ended"))));
        Assert.Equal(Outcome.Unreachable, Outcome.ExitCode(new IOException("not trusted", new AuthenticationException("no"))));
        Assert.Equal(Outcome.Usage, Outcome.ExitCode(new UnconfirmedException("add --yes")));
        Assert.Equal(Outcome.Failed, Outcome.ExitCode(new UnconfirmedException("nothing was done") { IsAnswered = true }));
        Assert.Equal(Outcome.Failed, Outcome.ExitCode(new IOException("the file is there")));
    }

    private static ParseResult Parse(string line)
    {
        var root = CommandTree.Create();
        HelpText.Attach(root);
        return root.Parse(line);
    }

    [Fact]
    public void A_bad_time_of_a_build_is_told_with_how_one_is_written()
    {
        const string Line = "build --dir d --key k --version 1 --kernel-release 6 --created";
        Assert.Empty(ReleaseCommands.Create().Parse($"{Line} 2026-01-31T12:00:00Z").Errors);
        Assert.Contains("'yesterday' is no time", Assert.Single(ReleaseCommands.Create().Parse($"{Line} yesterday").Errors).Message,
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("reboot m1", true)]
    [InlineData("reboot m1 --drain", true)]
    [InlineData("reboot m1 --wait", true)]
    [InlineData("reboot m1 --no-wait", true)]
    [InlineData("reboot m1 --now --wait", true)]
    [InlineData("reboot m1 --now --drain", false)]
    [InlineData("drain m1 --wait --no-wait", false)]
    [InlineData("remove m1 --drain-seconds 0", false)]
    [InlineData("list --state up,down --state pending -l rack=r1", true)]
    public void Orders_are_taken_as_they_are_meant(string line, bool taken) =>
        Assert.Equal(taken, MachineCommands.Create().Parse(line).Errors.Count == 0);

    [Fact]
    public void A_status_with_a_component_or_a_node_that_is_not_well_is_a_failure_for_a_script()
    {
        var well = new StatusReply { Version = "1", StartedUnixMs = 1, Admission = "auto",
            Components = [new ComponentStatus { Name = "etcd", Healthy = true, Text = "" }] };
        Assert.Equal(0, ClusterCommands.ExitCode(well));
        var failed = well with { Components = [.. well.Components, new ComponentStatus { Name = "knot", Healthy = false, Text = "no" }] };
        Assert.Equal(1, ClusterCommands.ExitCode(failed));
        var starting = new ComponentStatus { Name = "knot", Healthy = false, Starting = true, Text = "waits for etcd" };
        Assert.Equal(1, ClusterCommands.ExitCode(well with { Components = [starting] }));
        Assert.Matches("knot +starting ", ClusterCommands.RenderStatus(well with { Components = [starting] }));
        var nodes = well with { Nodes = [new NodeSummary { Id = "1", Ready = true }, new NodeSummary { Id = "2", Ready = false }] };
        Assert.Equal(1, ClusterCommands.ExitCode(nodes));
        Assert.Contains(", 2 wait for an operator: operosctl machines, 1 of",
            ClusterCommands.RenderStatus(nodes with { MachinesWaiting = 2 }), StringComparison.Ordinal);
        Assert.Contains(", 1 of 2 nodes Ready\n", ClusterCommands.RenderStatus(nodes), StringComparison.Ordinal);
    }

    [Fact]
    public void A_list_that_nothing_fits_says_so()
    {
        Assert.Contains("no machine fits", MachineCommands.RenderList(new MachineList { Machines = [], HasOthers = true }),
            StringComparison.Ordinal);
    }
}
