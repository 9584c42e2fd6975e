using System.CommandLine;

namespace Operos.Ctl.Commands;

/// <summary>All that can be typed.</summary>
internal static class CommandTree
{
    public static RootCommand Create()
    {
        var root = new RootCommand(
            "operosctl: the operator's command line for an Operos cluster. Exit codes: 0 done, 1 failed, 2 usage, 3 controller not "
            + "reached, 4 refused or not found")
        {
            MachineCommands.Create(),
            OperatorCommands.Create(),
            ReleaseCommands.Create(),
            JobCommands.Create(),
            BackupCommands.Create(),
        };
        foreach (var command in ClusterCommands.Create()) root.Subcommands.Add(command);
        root.Subcommands.Add(DiskCommands.Create());
        root.Subcommands.Add(StorageCommands.Create());
        root.Subcommands.Add(VolumeCommands.Create());
        root.Subcommands.Add(PullCommand.Create());
        root.Subcommands.Add(CompletionCommand.Create(root));
        foreach (var option in Credentials.All) root.Options.Add(option);
        return root;
    }
}
