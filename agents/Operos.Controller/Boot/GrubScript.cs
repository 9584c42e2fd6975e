namespace Operos.Controller.Boot;

/// <summary>Words of GRUB's language, which is much of a shell's: quotes, comments, lists, wildcards (GRUB manual, 6.2).</summary>
internal static class GrubScript
{
    /// <summary>A word that GRUB takes for this text, whatever it holds; in single quotes nothing has a meaning.</summary>
    public static string Word(string text) =>
        text.Length > 0 && text.All(IsPlain) ? text : $"'{text.Replace("'", "'\\''", StringComparison.Ordinal)}'";

    private static bool IsPlain(char c) => char.IsAsciiLetterOrDigit(c) || "._,:/=@%+-".Contains(c, StringComparison.Ordinal);
}
