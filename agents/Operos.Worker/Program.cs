using System.CommandLine;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Operos.CommandLine;
using Operos.Hardware.Fingerprint;
using Operos.Hardware.Inventories;
using Operos.Linux.Supervision;
using Operos.Linux.Units;
using Operos.Node.Cni;
using Operos.Storage.Reports;
using Operos.Worker;
using Operos.Worker.Configuration;
using Operos.Worker.Diagnosis;
using Operos.Worker.Disks;
using Operos.Worker.Enrolment;
using Operos.Worker.Node;
using Operos.Worker.Orders;
using Operos.Worker.Osds;
using Operos.Worker.Volumes;
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
var root = new RootCommand("operos-worker: the agent of an Operos worker")
    { Run(), InventoryCommand(), Fingerprint(), Disks(), Status(), Diag() };
root.Options.Add(stateFolder);
HelpText.Attach(root);
var parsed = root.Parse(args);
if (UsageErrors.Tell(parsed, Console.Error)) return UsageErrors.ExitCode;
try { return await parsed.InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false }); }
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
    var disks = new Option<string[]>("--disk")
        { Description = "With --no-apply: an image that is a disk of the simulated machine; may be given more than once" };
    var command = new Command("run", "Enrol and stay connected (as its service does)") { control, ca, inventory, noApply, disks };
    command.Validators.Add(result =>
    {
        if (result.GetValue(disks) is { Length: > 0 } && !result.GetValue(noApply)) result.AddError("--disk is for --no-apply alone");
    });
    command.SetAction(async (result, cancellationToken) =>
    {
        var settings = WorkerSettings.Load(result.GetValue(control), result.GetValue(ca), result.GetValue(inventory),
            result.GetValue(stateFolder), !result.GetValue(noApply)) with { Disks = result.GetValue(disks) ?? [] };
        await using var log = new LoggerConfiguration().MinimumLevel.Information()
            .MinimumLevel.Override("Microsoft", Serilog.Events.LogEventLevel.Warning)
            .WriteTo.Console(outputTemplate: "{Level:u3} {SourceContext}: {Message:lj}{NewLine}{Exception}",
                formatProvider: CultureInfo.InvariantCulture)
            .CreateLogger();
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
        builder.Services.AddSystemd().AddSerilog(log).AddSingleton(settings)
            .AddSingleton(_ => new Systemd()).AddSingleton<NodeVitals>().AddSingleton(_ => new DeviceNodes()).AddSingleton<DiskTokens>()
            .AddSingleton(services => new LocalVolumes(new DiskPaths().Volumes, services.GetRequiredService<ILogger<LocalVolumes>>()))
            .AddSingleton(services => new NodeState(settings.StateFolder, settings.Apply, services.GetRequiredService<Systemd>(),
                services.GetRequiredService<ILogger<NodeState>>()))
            .AddSingleton(services => DaemonHost.Choose(services.GetRequiredService<ILogger<DaemonHost>>())).AddSingleton<OsdKeeper>()
            .AddSingleton<ControllerGrants>().AddSingleton<VolumePlugin>()
            .AddSingleton<DiskBoard>().AddSingleton<DiskKeeper>().AddSingleton<DiskReporter>().AddSingleton<SimulatedDisks>()
            .AddSingleton(TimeProvider.System).AddSingleton<DiskOrders>().AddSingleton<DiskSession>()
            .AddHostedService(services => services.GetRequiredService<DiskOrders>())
            .AddSingleton<NodeMembership>().AddHostedService(services => services.GetRequiredService<NodeMembership>())
            .AddHostedService<MachineClock>().AddHostedService<WorkerAgent>();
        if (settings.Apply)
            builder.Services.AddHostedService(services => services.GetRequiredService<DiskKeeper>()).AddHostedService<VolumeExcess>()
                .AddHostedService(services => services.GetRequiredService<OsdKeeper>())
                .AddHostedService(services => services.GetRequiredService<VolumePlugin>());
        else builder.Services.AddHostedService(services => services.GetRequiredService<SimulatedDisks>());
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

Command Disks()
{
    var json = new Option<bool>("--json") { Description = "As JSON" };
    var ca = new Option<string?>("--ca") { Description = $"The cluster's CA certificate (default {WorkerSettings.AnchorPath})" };
    var files = new Argument<string[]>("files") { Description = "Images instead of this machine's disks" };
    var command = new Command("disks", "Look at the disks without writing: whose each is, and why") { json, ca, files };
    command.SetAction(async (result, cancellationToken) =>
    {
        var images = result.GetValue(files) ?? [];
        var policy = DiskSettings.Load(result.GetValue(ca), result.GetValue(stateFolder), images.Length > 0);
        var verdicts = await MachineDisks.LookAsync(policy, images, cancellationToken);
        var disks = verdicts.Select(DiskReport.Of).ToList();
        Console.WriteLine(result.GetValue(json) ? DiskReport.ToJson(disks) : Reports.Disks(disks));
        return 0;
    });
    return command;
}

Command Status()
{
    var json = new Option<bool>("--json") { Description = "As the agent wrote it" };
    var command = new Command("status", "Show how the agent stands with the controller") { json };
    command.SetAction(async (result, cancellationToken) =>
    {
        var folder = result.GetValue(stateFolder);
        if (result.GetValue(json)) Console.WriteLine(StatusFile.ReadText(folder));
        else
        {
            var (status, clock, now) = (StatusFile.Read(folder), await ClockView.AskAsync(cancellationToken), DateTimeOffset.UtcNow);
            Console.WriteLine($"{StatusText.Write(status, now)}\n{StatusText.Write("clock", clock, now)}");
        }
    });
    return command;
}

Command Diag()
{
    var control = new Option<string?>("--control") { Description = "Controller's ADDRESS:PORT (default: from the boot record)" };
    var ca = new Option<string?>("--ca") { Description = $"The cluster's CA certificate (default {WorkerSettings.AnchorPath})" };
    var json = new Option<bool>("--json") { Description = "As JSON" };
    var command = new Command("diag", "Show all that helps to find out why this machine is not up") { control, ca, json };
    command.SetAction(async (result, cancellationToken) =>
    {
        var found = await MachineDiagnosis.MakeAsync(
            result.GetValue(control), result.GetValue(ca), result.GetValue(stateFolder), cancellationToken);
        Console.WriteLine(result.GetValue(json)
            ? JsonSerializer.Serialize(found, DiagnosisJson.Default.MachineDiagnosis) : DiagnosisText.Write(found));
        return 0;
    });
    return command;
}
