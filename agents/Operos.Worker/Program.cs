using System.CommandLine;
using System.Globalization;
using System.Text;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Operos.Hardware.Fingerprint;
using Operos.Hardware.Inventories;
using Operos.Linux.Units;
using Operos.Node.Cni;
using Operos.Worker;
using Operos.Worker.Configuration;
using Operos.Worker.Enrolment;
using Operos.Worker.Node;
using Serilog;

// The runtime calls us by another name for each pod: this must cost little.
if (CniPlugin.IsCalledAs(Environment.GetCommandLineArgs()[0]))
{
    await using var input = Console.OpenStandardInput();
    await using var output = Console.OpenStandardOutput();
    return await CniPlugin.RunAsync(Environment.GetEnvironmentVariable, input, output, CancellationToken.None);
}

var stateFolder = new Option<string?>("--state-dir")
    { Description = $"Where key, certificate and status are (default {WorkerSettings.StatePath})", Recursive = true };
var root = new RootCommand("operos-worker: the agent of an Operos worker") { Run(), InventoryCommand(), Fingerprint(), Status(), Diag() };
root.Options.Add(stateFolder);
try { return await root.Parse(args).InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false }); }
catch (Exception e) when (e is IOException or FormatException or UnauthorizedAccessException)
{
    Console.Error.WriteLine($"operos-worker: {e.Message}");
    return 1;
}

Command Run()
{
    var control = new Option<string?>("--control") { Description = "Controller's ADDRESS:PORT (default: from the boot record)" };
    var ca = new Option<string?>("--ca") { Description = $"The cluster's CA certificate (default {WorkerSettings.AnchorPath})" };
    var inventory = new Option<string?>("--inventory") { Description = "Enrol with this inventory instead of this machine's (simulation)" };
    var noApply = new Option<bool>("--no-apply") { Description = "Leave hostname and clock alone" };
    var command = new Command("run", "Enrol and stay connected (as its service does)") { control, ca, inventory, noApply };
    command.SetAction(async (result, cancellationToken) =>
    {
        var settings = WorkerSettings.Load(result.GetValue(control), result.GetValue(ca), result.GetValue(inventory),
            result.GetValue(stateFolder), !result.GetValue(noApply));
        await using var log = new LoggerConfiguration().MinimumLevel.Information()
            .MinimumLevel.Override("Microsoft", Serilog.Events.LogEventLevel.Warning)
            .WriteTo.Console(outputTemplate: "{Level:u3} {SourceContext}: {Message:lj}{NewLine}{Exception}",
                formatProvider: CultureInfo.InvariantCulture)
            .CreateLogger();
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
        builder.Services.AddSystemd().AddSerilog(log).AddSingleton(settings)
            .AddSingleton(_ => new Systemd()).AddSingleton<NodeVitals>()
            .AddSingleton(services => new NodeState(settings.StateFolder, settings.Apply, services.GetRequiredService<Systemd>(),
                services.GetRequiredService<ILogger<NodeState>>()))
            .AddSingleton<NodeMembership>().AddHostedService(services => services.GetRequiredService<NodeMembership>())
            .AddHostedService<WorkerAgent>();
        using var host = builder.Build();
        await host.RunAsync(cancellationToken).ConfigureAwait(false);
        return 0;
    });
    return command;
}

Command InventoryCommand()
{
    var json = new Option<bool>("--json") { Description = "As JSON" };
    var command = new Command("inventory", "Show what this machine is made of") { json };
    command.SetAction(result =>
    {
        var inventory = new InventoryReader().Read();
        Console.WriteLine(result.GetValue(json) ? Encoding.UTF8.GetString(inventory.ToJson()) : Reports.Inventory(inventory));
    });
    return command;
}

Command Fingerprint()
{
    var file = new Option<string?>("--inventory") { Description = "Of this inventory instead of this machine's" };
    var compare = new Option<string[]>("--compare") { Description = "Two inventories: what agrees, what differs, with weights",
        Arity = new ArgumentArity(2, 2), AllowMultipleArgumentsPerToken = true };
    var command = new Command("fingerprint", "Show the evidence that identifies a machine, and its first UUID") { file, compare };
    command.SetAction(result =>
    {
        if (result.GetValue(compare) is [var left, var right])
        {
            Console.WriteLine(Reports.Comparison(Inventory.Parse(File.ReadAllBytes(left)), Inventory.Parse(File.ReadAllBytes(right))));
            return;
        }
        Console.WriteLine(Reports.Fingerprint(result.GetValue(file) is { } path
            ? Inventory.Parse(File.ReadAllBytes(path)) : new InventoryReader().Read()));
    });
    return command;
}

Command Status()
{
    var command = new Command("status", "Show how the agent stands with the controller");
    command.SetAction(result =>
    {
        var path = NodeState.StatusPath(result.GetValue(stateFolder) ?? WorkerSettings.StatePath);
        if (!File.Exists(path))
            throw new IOException($"{path} is missing: is operos-worker.service running? (systemctl status operos-worker)");
        Console.WriteLine(File.ReadAllText(path));
    });
    return command;
}

Command Diag()
{
    var command = new Command("diag", "Show all that helps to find out why this machine is not up");
    command.SetAction(result =>
    {
        foreach (var path in (string[])[NodeState.StatusPath(result.GetValue(stateFolder) ?? WorkerSettings.StatePath),
            Operos.Release.BootRecord.Path])
            Console.WriteLine($"== {path}\n{(File.Exists(path) ? File.ReadAllText(path) : "missing")}");
        Console.WriteLine($"== fingerprint\n{Reports.Fingerprint(new InventoryReader().Read())}");
        Console.WriteLine("== next\njournalctl -u operos-worker   ip address   ip route");
    });
    return command;
}
