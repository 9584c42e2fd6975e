namespace Operos.Linux;

/// <summary>The permissions that files and folders of an agent have.</summary>
public static class FileModes
{
    /// <summary>0600: keys, records, all that only its owner may see.</summary>
    public const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>0644: what every user of the machine may read.</summary>
    public const UnixFileMode Readable = Private | UnixFileMode.GroupRead | UnixFileMode.OtherRead;

    /// <summary>0700: a folder that only its owner may enter.</summary>
    public const UnixFileMode PrivateFolder = Private | UnixFileMode.UserExecute;

    /// <summary>0755: a folder that every user may enter and list.</summary>
    public const UnixFileMode ReadableFolder = Readable | UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;
}
