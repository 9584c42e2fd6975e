namespace Operos.Controller.Configuration;

/// <summary>Why a file that somebody named cannot be read.</summary>
internal static class UnreadableFile
{
    public static string Why(string path, Exception failure) => failure switch
    {
        FileNotFoundException or DirectoryNotFoundException => "there is no such file",
        _ when Directory.Exists(path) => "it is a folder",
        UnauthorizedAccessException => "only root, or its owner, may",
        _ => failure.Message,
    };
}
