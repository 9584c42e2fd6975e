using System.CommandLine;
using Operos.Ctl;
using Operos.Ctl.Commands;

var root = new RootCommand("operosctl: the operator's command line for an Operos cluster")
{
    ReleaseCommands.Create(),
};
return await Outcome.RunAsync(root, args);
