namespace Operos.Linux;

/// <summary>The permissions that files and folders of an agent have.</summary>
public static class FileModes
{
    /// <summary>0600: keys, records, all that only its owner may see.</summary>
    public const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>0644: what every user of the machine may read.</summary>
    public const UnixFileMode Readable = Private | UnixFileMode.GroupRead | UnixFileMode.OtherRead;

    /// <summary>0444: what nobody has to change any more.</summary>
    public const UnixFileMode ReadOnly = UnixFileMode.UserRead | UnixFileMode.GroupRead | UnixFileMode.OtherRead;

    /// <summary>0700: a folder that only its owner may enter.</summary>
    public const UnixFileMode PrivateFolder = Private | UnixFileMode.UserExecute;

    /// <summary>0711: a folder that every user may pass through, and only its owner may list.</summary>
    public const UnixFileMode PassableFolder = PrivateFolder | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;

    /// <summary>0750: a folder that its group may enter and list too.</summary>
    public const UnixFileMode GroupFolder = PrivateFolder | UnixFileMode.GroupRead | UnixFileMode.GroupExecute;

    /// <summary>0755: a folder that every user may enter and list.</summary>
    public const UnixFileMode ReadableFolder = Readable | UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;

    /// <summary>As an option of a mount (tmpfs(5)): <c>mode=0755</c>.</summary>
    public static string MountOption(UnixFileMode mode) => $"mode=0{Convert.ToString((int)mode, 8)}";
}
