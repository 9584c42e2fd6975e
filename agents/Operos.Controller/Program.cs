using System.CommandLine;
using System.Globalization;
using System.Security.Cryptography;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Operos.CommandLine;
using Operos.Controller;
using Operos.Controller.Backups;
using Operos.Controller.Configuration;
using Operos.Controller.Setup;
using Operos.Node.Cni;
using Serilog;
using Serilog.Events;

// The container runtime calls us by another name for each pod: this must cost little.
if (CniPlugin.IsCalledAs(Environment.GetCommandLineArgs()[0]))
{
    await using var input = Console.OpenStandardInput();
    await using var output = Console.OpenStandardOutput();
    return await CniPlugin.RunAsync(Environment.GetEnvironmentVariable, input, output, CancellationToken.None);
}

var defaults = new ControllerPaths();
var config = new Option<string>("--config") { Description = "The configuration file", DefaultValueFactory = _ => defaults.Configuration,
    Recursive = true };

var root = new RootCommand("operos-controller: boot service, registry and certificate authority of an Operos cluster")
{
    Run(), CheckConfig(), Setup(), RecoverAdmin(), ReleaseKeysCommand.Create(defaults), RestoreCommand.Create(defaults),
};
root.Options.Add(config);
HelpText.Attach(root);
var parsed = root.Parse(args);
if (UsageErrors.Tell(parsed, Console.Error)) return UsageErrors.ExitCode;
// Setup writes a configuration, and restore brings one: neither reads this one.
config.Hidden = parsed.CommandResult.Command.Name is "setup" or "restore";
return await parsed.InvokeAsync();

Command Run()
{
    var state = new Option<string>("--state") { Description = "Where state is kept", DefaultValueFactory = _ => defaults.State };
    var run = new Option<string>("--run") { Description = "Where run-time files go", DefaultValueFactory = _ => defaults.Run };
    var releases = new Option<string>("--releases") { Description = "Where the releases are",
        DefaultValueFactory = _ => defaults.Releases };
    var loaders = new Option<string>("--loaders") { Description = "Root below which the boot loaders are installed",
        DefaultValueFactory = _ => defaults.Loaders };
    var verbose = new Option<bool>("--verbose") { Description = "Log every DHCP and TFTP exchange" };
    var command = new Command("run", "Run the controller (as its service does)") { state, run, releases, loaders, verbose };
    command.SetAction(async (result, cancellationToken) =>
    {
        ControllerSettings settings;
        try { settings = SettingsReader.Load(result.GetValue(config)!, strict: false); }
        catch (ConfigurationException e) { return Report(e, "; the controller does not start with it"); }
        var paths = defaults with
        {
            Configuration = result.GetValue(config)!, State = result.GetValue(state)!, Run = result.GetValue(run)!,
            Releases = result.GetValue(releases)!, Loaders = result.GetValue(loaders)!,
        };
        if (BackupRestore.IsUnfinished(paths.State))
        {
            Console.Error.WriteLine($"operos-controller: {paths.State} is part of a backup and part of what was before: a restore was cut "
                + "off. Next: operos-controller restore FILE, once more");
            return 1;
        }
        await using var log = new LoggerConfiguration()
            .MinimumLevel.Is(result.GetValue(verbose) ? LogEventLevel.Debug : LogEventLevel.Information)
            .MinimumLevel.Override("Microsoft", LogEventLevel.Warning)
            .WriteTo.Console(outputTemplate: "{Level:u3} {SourceContext}: {Message:lj}{NewLine}{Exception}",
                formatProvider: CultureInfo.InvariantCulture)
            .CreateLogger();
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
        builder.Services.AddSystemd().AddSerilog(log).AddSingleton(settings).AddSingleton(paths).AddSingleton(TimeProvider.System)
            .AddHostedService<ControllerHost>();
        using var host = builder.Build();
        await host.RunAsync(cancellationToken).ConfigureAwait(false);
        return Environment.ExitCode;
    });
    return command;
}

Command CheckConfig()
{
    var command = new Command("check-config", "Check the configuration file and say all that is wrong with it");
    command.SetAction(result =>
    {
        try { SettingsReader.Load(result.GetValue(config)!); }
        catch (ConfigurationException e) { return Report(e, ""); }
        Console.WriteLine($"{result.GetValue(config)}: valid");
        return 0;
    });
    return command;
}

Command Setup()
{
    var folder = new Option<string>("--dir") { Description = "Folder to write to; a rerun keeps its certificate authority",
        Required = true };
    var address = new Option<string>("--address") { Description = "The controller's address, such as 10.77.0.1/24", Required = true };
    var nic = new Option<string?>("--nic") { Description =
        "MAC of the network card that has the address; to be given where the machine has several" };
    var key = new Option<string?>("--release-key")
        { Description = "File of the public keys that sign releases, PEM: release.pub of `operosctl release keygen`", Required = true };
    var admission = new ChoiceOption("--admission", "Whether machines join by themselves, or when an operator approves them",
        ["auto", "approve"]) { DefaultValueFactory = _ => ["approve"] };
    var mode = new ChoiceOption("--dhcp-mode", "Whether the controller gives addresses, boot files beside another server, or neither",
        ["full", "proxy", "off"]) { DefaultValueFactory = _ => ["full"] };
    var range = new Option<string?>("--dhcp-range")
    {
        Description = "The first and the last address that machines are given, with a comma; needed with --dhcp-mode full",
        HelpName = "first,last",
    };
    var keys = new Option<string?>("--authorized-keys")
        { Description = "File of SSH public keys that may log in as root, on the controller and on every worker" };
    var extra = new Option<string?>("--extra-config") { Description = "File of further configuration tables" };
    var command = new Command("setup", "Make the certificate authority, configuration and credentials of a new controller")
        { folder, address, nic, key, admission, mode, range, keys, extra };
    command.SetAction(result =>
    {
        try
        {
            var setup = new ControllerSetup
            {
                Folder = result.GetValue(folder)!,
                Address = result.GetValue(address)!,
                Nic = result.GetValue(nic),
                ReleaseKeyPem = Text(result, key)!,
                Admission = result.GetValue(admission)![0],
                DhcpMode = result.GetValue(mode)![0],
                DhcpRange = result.GetValue(range),
                AuthorizedKeys = Text(result, keys),
                ExtraConfiguration = Text(result, extra),
            };
            var again = setup.IsDone;
            var settings = setup.Run();
            Console.WriteLine($"controller {settings.Address}: set up in {setup.Folder}"
                + (again ? "; its authority and its operators were kept, configuration and credentials are new" : ""));
            Console.WriteLine($"  the operator's credentials are in {Path.Combine(setup.Folder, "admin")}. Next: images/disk.sh makes the "
                + "controller's disk of a release and this folder");
            return 0;
        }
        catch (ConfigurationException e) { return Report(e, "; nothing was changed"); }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or Operos.Release.ReleaseFormatException)
        {
            Console.Error.WriteLine($"operos-controller: {e.Message}");
            return 1;
        }
    });
    return command;
}

Command RecoverAdmin()
{
    var state = new Option<string>("--state") { Description = "Where state is kept", DefaultValueFactory = _ => defaults.State };
    var folder = new Option<string>("--out") { Description =
        "Folder for the credentials; operosctl on the controller looks into this one" };
    folder.DefaultValueFactory = _ => "/etc/operos/operosctl";
    const string description =
        "Make a new admin and its credentials, as root on the controller: the way back in when no operator's certificate works";
    var command = new Command("recover-admin", description) { state, folder };
    command.SetAction(result =>
    {
        try
        {
            var paths = defaults with { Configuration = result.GetValue(config)!, State = result.GetValue(state)! };
            paths.RequireState();
            var name = AdminRecovery.Run(paths, SettingsReader.Load(paths.Configuration, strict: false), result.GetValue(folder)!);
            Console.WriteLine(
                $"made the admin {name}; its credentials are in {result.GetValue(folder)}. Next: operosctl operators, then add and revoke");
            return 0;
        }
        catch (ConfigurationException e) { return Report(e, "; no admin was made"); }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or CryptographicException
            or Operos.Proto.Connection.ControlFaultException)
        {
            Console.Error.WriteLine($"operos-controller: no admin was made: {e.Message}");
            Console.Error.WriteLine("  it is made by root, where the controller's state is: see --state, --config and --out");
            return 1;
        }
    });
    return command;
}

static int Report(ConfigurationException e, string consequence)
{
    foreach (var error in e.Errors) Console.Error.WriteLine($"operos-controller: {error}");
    Console.Error.WriteLine($"  {e.Errors.Count} error{(e.Errors.Count == 1 ? "" : "s")}{consequence}");
    return 1;
}

// The text of a file that an option names; null where it is not given.
static string? Text(ParseResult result, Option<string?> option)
{
    if (result.GetValue(option) is not { } path) return null;
    try { return File.ReadAllText(path); }
    catch (Exception e) when (e is IOException or UnauthorizedAccessException)
    {
        throw new ConfigurationException([$"{option.Name} {path}: cannot be read: {UnreadableFile.Why(path, e)}"]);
    }
}
