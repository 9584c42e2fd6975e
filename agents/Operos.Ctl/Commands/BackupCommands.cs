using System.CommandLine;
using Operos.Backup;
using Operos.Ctl.Rendering;
using Operos.Linux;
using Operos.Proto;

namespace Operos.Ctl.Commands;

/// <summary><c>operosctl backup</c>: of the controller, on its disk; copies of them elsewhere are encrypted.</summary>
internal static class BackupCommands
{
    /// <summary>A large etcd takes a slow disk so long.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(10);

    public static Command Create()
    {
        var backup = new Command("backup", "List the controller's backups (etcd, keys, registry, configuration); subcommands make, check "
            + "and copy one") { List(), Make(), Verify(), Copy(), Restore() };
        backup.Shows<BackupList>(_ => new ListBackups(), Render);
        return backup;
    }

    private static Command List()
    {
        var command = new Command("list", "List the backups on the controller's disk");
        command.Shows<BackupList>(_ => new ListBackups(), Render);
        return command;
    }

    private static Command Make()
    {
        var json = new Option<bool>("--json") { Description = "As JSON, for scripts" };
        var command = new Command("create", "Make a backup now, on the controller's disk") { json };
        command.SetAction(async (result, cancellationToken) =>
        {
            var made = await Credentials.AskAsync<BackupReply>(result, new CreateBackup(), cancellationToken, Patience);
            Console.WriteLine(result.GetValue(json) ? AnswerJson.Render(made)
                : Terminal.Page($"{made.Backup.Name}: {Describe(made.Backup)}\n  next: operosctl backup copy, to where the controller's "
                    + "disk is not"));
        });
        return command;
    }

    private static Command Verify()
    {
        var name = new Argument<string?>("name") { Description = "As list shows it; the newest where none is given",
            Arity = ArgumentArity.ZeroOrOne };
        var file = new Option<string?>("--file") { Description = "A copy on this machine instead; needs no controller" };
        var passphrase = PassphraseFile();
        var command = new Command("verify", "Read all of a backup and compare it with its manifest") { name, file, passphrase };
        command.Validators.Add(result =>
        {
            if (result.GetValue(name) is not null && result.GetValue(file) is not null)
                result.AddError("give the name of a backup on the controller, or --file, a copy of one");
        });
        command.SetAction(async (result, cancellationToken) =>
        {
            if (result.GetValue(file) is { } path)
            {
                var manifest = BackupCopy.Verify(path, () => Passphrase.Read(result.GetValue(passphrase)), cancellationToken);
                Console.WriteLine(Terminal.Page($"{path}: whole, of {manifest.Created.UtcDateTime:yyyy-MM-dd HH:mm} UTC, "
                    + $"{manifest.Parts.Count} files, cluster {manifest.Cluster[..16]}"));
                return;
            }
            var verified = await Credentials.UseAsync(result, async (connection, _) => await connection.CallAsync<BackupReply>(
                new VerifyBackup { Name = await BackupCopy.NameAsync(connection, result.GetValue(name), cancellationToken) },
                cancellationToken), cancellationToken, Patience);
            Console.WriteLine(Terminal.Page($"{verified.Backup.Name}: whole, {Describe(verified.Backup)}"));
        });
        return command;
    }

    private static Command Copy()
    {
        var name = new Argument<string?>("name") { Description = "As list shows it; the newest where none is given",
            Arity = ArgumentArity.ZeroOrOne };
        var target = new Option<string>("--out") { Description = "The file to write; age --decrypt opens it too", Required = true };
        var passphrase = PassphraseFile();
        var command = new Command("copy", "Fetch a backup, encrypted with a passphrase (admins only: every key is in it)")
            { name, target, passphrase };
        command.SetAction(async (result, cancellationToken) =>
        {
            var path = result.GetValue(target)!;
            var copied = await Credentials.UseAsync(result, (connection, _) => BackupCopy.FetchAsync(connection, result.GetValue(name),
                path, () => Passphrase.Read(result.GetValue(passphrase), isNew: true), cancellationToken), cancellationToken, Patience);
            Console.WriteLine(Terminal.Page($"{path}: the backup {copied}, encrypted and read back. Without the passphrase it is nothing"));
        });
        return command;
    }

    /// <summary>What is put back is not the API's to do: the API is a part of it.</summary>
    private static Command Restore()
    {
        var command = new LocalCommand("restore", "Say how a backup is put back, which is done on the controller's console");
        command.SetAction(_ => Console.WriteLine("""
            A backup is put back on the controller's own console, as root; its workers come back by themselves.

              a disk that is new:   images/disk.sh makes one from a release and a folder of `operos-controller setup`; boot it. Then, with a
                                    copy on a stick or by scp:  operos-controller restore FILE, and reboot
              before it is made:    operos-controller restore FILE --dir DIR writes the folder that images/disk.sh takes
              the same controller:  operos-controller restore /var/lib/operos/backups/NAME.tar, and reboot: all since then is lost
            """));
        return command;
    }

    private static Option<string?> PassphraseFile() => new("--passphrase-file")
        { Description = "File whose first line is the passphrase; without it you are asked" };

    internal static string Render(BackupList list)
    {
        var text = list.Backups.Count == 0 ? "no backups yet\n" : Table.Render(["NAME", "AGE", "SIZE", "FILES", "RELEASE", ""],
            [.. list.Backups.Select(backup => (IReadOnlyList<string>)
            [
                backup.Name, backup.CreatedUnixMs == 0 ? "-" : Figures.Age(backup.CreatedUnixMs, DateTimeOffset.UtcNow),
                Figures.Size(backup.SizeBytes), $"{backup.Files}", backup.Release ?? "-",
                backup.Problem is { } problem ? $"DAMAGED: {problem}" : "",
            ])]);
        return text + (list.NextUnixMs == 0 ? "none is made by itself (backup.keep)\n"
            : $"the next by itself: {Figures.Time(list.NextUnixMs).UtcDateTime:yyyy-MM-dd HH:mm} UTC\n");
    }

    private static string Describe(BackupSummary backup) =>
        $"{Figures.Size(backup.SizeBytes)}, {backup.Files} files" + (backup.Revision == 0 ? "" : $", etcd at revision {backup.Revision}");
}
