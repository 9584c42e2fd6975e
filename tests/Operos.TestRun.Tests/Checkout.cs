namespace Operos.TestRun.Tests;

/// <summary>The checkout whose code is read.</summary>
internal static class Checkout
{
    public static string Folder { get; } = Find();

    private static string Find()
    {
        for (var at = AppContext.BaseDirectory; at is not null; at = Path.GetDirectoryName(at))
            if (File.Exists(Path.Combine(at, "Operos.sln"))) return at;
        throw new InvalidOperationException($"there is no Operos.sln above {AppContext.BaseDirectory}: run this in a checkout");
    }
}
