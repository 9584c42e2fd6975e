using System.CommandLine;
using Operos.Controller.Configuration;
using Operos.Release;

namespace Operos.Controller.Setup;

/// <summary>
/// <c>operos-controller release-keys</c>: whom this controller and its machines trust to make releases. Run on the controller, as root.
/// </summary>
internal static class ReleaseKeysCommand
{
    public static Command Create(ControllerPaths defaults)
    {
        const string Esp = "Where the controller's boot partition is mounted (default: the partition operos-esp, mounted for the while)";
        var state = new Option<string>("--state") { Description = "Where state is kept", DefaultValueFactory = _ => defaults.State };
        var run = new Option<string>("--run") { Description = "Where run-time files go", DefaultValueFactory = _ => defaults.Run };
        var releases = new Option<string>("--releases")
        {
            Description = "Where the releases are", DefaultValueFactory = _ => defaults.Releases,
        };
        var esp = new Option<string?>("--esp") { Description = Esp };
        var command = new Command("release-keys", "Whom this controller and its machines trust to make releases")
        {
            List(), Add(), Remove(),
        };
        foreach (var option in (Option[])[state, run, releases, esp])
        {
            option.Recursive = true;
            command.Options.Add(option);
        }
        return command;

        Command List()
        {
            var list = new Command("list", "Each key's fingerprint and which releases it signed");
            list.SetAction(result => Act(result, keys =>
            {
                foreach (var (fingerprint, _, signed) in keys.Read())
                    Console.WriteLine($"{fingerprint}  {(signed.Count == 0 ? "no release here" : string.Join(", ", signed))}");
            }));
            return list;
        }

        Command Add()
        {
            var file = new Argument<string>("file") { Description = "Public key, PEM" };
            var add = new Command("add", "Trust one more key; machines learn of it when they boot") { file };
            add.SetAction(result => Act(result, keys =>
                Console.WriteLine($"{keys.Add(File.ReadAllText(result.GetValue(file)!))} is trusted by whatever boots from now on")));
            return add;
        }

        Command Remove()
        {
            var fingerprint = new Argument<string>("fingerprint") { Description = "As list shows it" };
            var force = new Option<bool>("--force") { Description = "Also where releases are signed by it alone" };
            var remove = new Command("remove", "Trust a key no more; machines that run go on") { fingerprint, force };
            remove.SetAction(result => Act(result, keys =>
            {
                keys.Remove(result.GetValue(fingerprint)!, result.GetValue(force));
                Console.WriteLine($"{result.GetValue(fingerprint)} is trusted no more by whatever boots from now on");
            }));
            return remove;
        }

        int Act(ParseResult result, Action<TrustedKeys> act)
        {
            try
            {
                var paths = defaults with
                {
                    State = result.GetValue(state)!, Run = result.GetValue(run)!, Releases = result.GetValue(releases)!,
                };
                paths.RequireState();
                using var partition = new BootPartition(result.GetValue(esp), paths.Run);
                act(new TrustedKeys(paths, partition.Folder));
                return 0;
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException or ReleaseFormatException)
            {
                Console.Error.WriteLine($"operos-controller: {e.Message}");
                return 1;
            }
        }
    }
}
