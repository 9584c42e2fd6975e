namespace Operos.Controller.Configuration;

/// <summary>
/// More arguments for workers' kernels. They pass through two boot loaders, each with a language of its own: what would break a menu is
/// refused here, what would reach the kernel changed or not at all is doubted, and what GRUB hands on in quotes is quoted where its menu is
/// written (Boot/GrubScript.cs).
/// </summary>
internal static class KernelArguments
{
    private const int Longest = 512;

    /// <summary>GRUB puts a backslash before a quote or a backslash on the kernel's line, PXELINUX does not.</summary>
    private const string Refused = "\"\\;{}$";

    /// <summary>What is wrong with them; null where nothing is.</summary>
    public static string? Problem(string text)
    {
        if (text.Length > Longest) return $"plain kernel arguments of at most {Longest} characters are expected";
        if (text.Any(c => c is < ' ' or > '~')) return "plain kernel arguments are expected, in printable ASCII";
        if (text.AsSpan().IndexOfAny(Refused) is >= 0 and var place)
            return $"holds {text[place]}, which boot loaders do not hand on as it is: arguments without any of {Refused} are expected";
        return null;
    }

    /// <summary>What does not do what it says, on one of the boot loaders or at all; null where nothing is.</summary>
    public static string? Doubt(string text)
    {
        if (text.Contains('\'', StringComparison.Ordinal)) return "holds ', which GRUB hands on with a backslash before it: leave it out";
        foreach (var word in Split(text))
        {
            // What a boot loader adds after it would be told to the first process and not to the kernel (kernel-parameters.rst).
            if (word == "--") return "holds the word --, after which a kernel reads no arguments: leave it out";
            // PXELINUX loads what stands there, and not the release's.
            if (word.StartsWith("initrd=", StringComparison.Ordinal)) return $"holds {word}: the initramfs is the release's, leave it out";
        }
        return null;
    }

    public static IReadOnlyList<string> Split(string text) => text.Split(' ', StringSplitOptions.RemoveEmptyEntries);
}
