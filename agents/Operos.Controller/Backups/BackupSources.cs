using System.Security.Cryptography;
using Operos.Backup;
using Operos.Controller.Configuration;
using Operos.Linux;

namespace Operos.Controller.Backups;

/// <summary>A file as it was at one moment.</summary>
internal sealed record SavedFile(BackupPart Part, byte[] Contents);

/// <summary>
/// What of a controller's disk its cluster is made of, beside etcd: authority and keys, the registry, operators, their log, configuration.
/// Not jobs, which would be gone on with: what they had begun is over. Not what can be made anew.
/// </summary>
internal static class BackupSources
{
    private const long LongestFile = 64 << 20;
    private const string Configuration = "etc/operos/controller.toml";
    public static readonly string[] StateNames =
        ["pki", "machines", "operators", "operations", "history", "storage", "add-ons", "anchor.cpio", "release.pub", "dnsmasq.leases"];
    public static readonly string[] SystemNames =
        ["etc/operos/operosctl", "etc/systemd/network", "root/.ssh/authorized_keys"];

    /// <summary>Whether a part is one that a backup has: nothing else is put back, whatever a manifest says.</summary>
    public static bool Has(string part) => part == BackupPart.Snapshot || part == BackupPart.Root + Configuration
        || StateNames.Select(name => BackupPart.State + name).Concat(SystemNames.Select(name => BackupPart.Root + name))
            .Any(name => part == name || part.StartsWith(name + "/", StringComparison.Ordinal));

    /// <summary>Reads all of them. What goes away meanwhile is none of it.</summary>
    /// <exception cref="IOException">One cannot be read.</exception>
    public static IReadOnlyList<SavedFile> Read(ControllerPaths paths)
    {
        var files = new List<SavedFile>();
        foreach (var name in StateNames) Add(Path.Combine(paths.State, name), BackupPart.State + name);
        foreach (var name in SystemNames) Add(Path.Combine(paths.System, name), BackupPart.Root + name);
        Add(paths.Configuration, BackupPart.Root + Configuration);
        return files;

        void Add(string path, string name)
        {
            if (Directory.Exists(path))
                foreach (var file in Directory.EnumerateFiles(path, "*", new EnumerationOptions
                {
                    RecurseSubdirectories = true, AttributesToSkip = FileAttributes.ReparsePoint, IgnoreInaccessible = false,
                }).Order(StringComparer.Ordinal)) AddFile(file, $"{name}/{Path.GetRelativePath(path, file)}");
            else AddFile(path, name);
        }

        void AddFile(string path, string name)
        {
            if (path.EndsWith(AtomicFile.PartialSuffix, StringComparison.Ordinal)) return;
            try
            {
                var file = new FileInfo(path);
                if (!file.Exists || file.LinkTarget is not null) return;
                if (file.Length > LongestFile)
                    throw new BackupException($"{path} has {file.Length} bytes; no file of the controller's state has over {LongestFile}");
                var contents = File.ReadAllBytes(path);
                files.Add(new(new BackupPart
                {
                    Name = name, Size = contents.Length, Sha256 = Convert.ToHexStringLower(SHA256.HashData(contents)),
                    Mode = "0" + Convert.ToString((int)file.UnixFileMode & 0x1FF, 8),
                }, contents));
            }
            catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException) { }
        }
    }
}
