using Operos.Init.Fetch;
using Operos.Linux;

namespace Operos.Init.Boot;

/// <summary>Hands the trust anchor on to the system, which verifies the controller by it.</summary>
internal static class Anchor
{
    public static void Keep()
    {
        const string target = "/run/operos/anchor";
        Directory.CreateDirectory(target);
        foreach (var file in Directory.EnumerateFiles(ReleaseVerifier.AnchorFolder))
            AtomicFile.Write(Path.Combine(target, Path.GetFileName(file)), File.ReadAllBytes(file), FileModes.ReadOnly);
    }
}
