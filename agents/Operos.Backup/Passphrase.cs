using System.Text;

namespace Operos.Backup;

/// <summary>The passphrase of a backup, from a file or from whoever sits at the terminal.</summary>
public static class Passphrase
{
    public const int Shortest = 8;
    private const int Longest = 1024;

    /// <param name="file">Its first line is it; null to ask.</param>
    /// <param name="isNew">Whether it is chosen now: then it is asked for twice, and one that is short is refused.</param>
    /// <exception cref="BackupException">There is none.</exception>
    public static string Read(string? file, bool isNew = false)
    {
        var passphrase = file is not null ? File.ReadLines(file).FirstOrDefault() ?? "" : Ask("passphrase: ");
        if (passphrase.Length is 0 or > Longest || (isNew && passphrase.Length < Shortest))
            throw new BackupException($"a passphrase of {(isNew ? Shortest : 1)} to {Longest} characters is expected"
                + (file is null ? "" : $" in the first line of {file}"));
        if (isNew && file is null && Ask("the same once more: ") != passphrase) throw new BackupException("the two are not the same");
        return passphrase;
    }

    private static string Ask(string prompt)
    {
        if (Console.IsInputRedirected)
            throw new BackupException("there is no terminal to ask for the passphrase at: --passphrase-file FILE");
        Console.Error.Write(prompt);
        var typed = new StringBuilder();
        for (ConsoleKeyInfo key; (key = Console.ReadKey(intercept: true)).Key != ConsoleKey.Enter;)
        {
            if (key.Key != ConsoleKey.Backspace) typed.Append(key.KeyChar);
            else if (typed.Length > 0) typed.Length--;
        }
        Console.Error.WriteLine();
        return typed.ToString();
    }
}
