using System.CommandLine;
using Operos.Ctl;
using Operos.Ctl.Commands;

var root = new RootCommand(
    "operosctl: the operator's command line for an Operos cluster. Exit codes: 0 done, 1 failed, 2 usage, 3 controller not reached, 4 "
    + "refused or not found")
{
    MachineCommands.Create(),
    OperatorCommands.Create(),
    ReleaseCommands.Create(),
    JobCommands.Create(),
};
foreach (var command in ClusterCommands.Create()) root.Subcommands.Add(command);
root.Options.Add(Credentials.Folder);
root.Options.Add(Credentials.Endpoint);
root.Options.Add(Credentials.Seconds);
return await Outcome.RunAsync(root, args);
