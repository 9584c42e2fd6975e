using System.Globalization;
using System.Text;
using Operos.Linux;

namespace Operos.Csi.Rbd;

/// <summary>
/// The kernel's client of images, by sysfs (Documentation/ABI/testing/sysfs-bus-rbd; options: Documentation/admin-guide of <c>rbd map</c>,
/// rbd(8)). What is written there is answered when it is done.
/// </summary>
internal sealed class RbdBus(CsiPaths paths)
{
    private const string Module = "rbd", NoSnapshot = "-";
    private const int LongestAttribute = 4096;
    /// <summary>How long the kernel looks for a monitor.</summary>
    private const int MountSeconds = 30;

    /// <summary>Has the kernel's client loaded, and says whether it is there.</summary>
    /// <exception cref="VolumeException">This kernel has none.</exception>
    public void Load()
    {
        if (Directory.Exists(paths.Bus)) return;
        var why = "there is no such module";
        using (var modules = new KernelModules())
            modules.Load(Module, (name, errno) => why = string.Create(CultureInfo.InvariantCulture, $"{name} is refused (errno {errno})"));
        if (!Directory.Exists(paths.Bus)) throw new VolumeException(VolumeProblem.Failure, $"the kernel has no client of images: {why}");
    }

    /// <summary>What is mapped now.</summary>
    public IReadOnlyList<RbdDevice> List()
    {
        var folder = Path.Combine(paths.Bus, "devices");
        if (!Directory.Exists(folder)) return [];
        return [.. Directory.EnumerateDirectories(folder).Select(Read).OfType<RbdDevice>().OrderBy(device => device.Id)];
    }

    /// <summary>The device of an image; null where it is not mapped.</summary>
    public RbdDevice? Find(Guid? fsid, string image) =>
        List().FirstOrDefault(device => device.Image == image && (fsid is null || device.Fsid == fsid));

    /// <summary>
    /// Maps an image. Its lock is the kernel's to give to who asks for it (not <c>exclusive</c>): the controller does, and makes it larger.
    /// That no second machine has it is the controller's business.
    /// </summary>
    /// <exception cref="VolumeException">It is refused, or nobody answers.</exception>
    public RbdDevice Add(ImageGrant grant)
    {
        var name = $"client.{grant.User}";
        // A key that stands in no file and on no command line; the kernel takes a copy as it maps.
        using var key = KernelKey.Add("ceph", name, Convert.FromBase64String(grant.Key.Text));
        var text = string.Create(CultureInfo.InvariantCulture,
            $"{string.Join(',', grant.Map.Monitors)} name={grant.User},key={name},ms_mode=prefer-crc,fsid={grant.Map.Fsid},"
            + $"mount_timeout={MountSeconds} {grant.Pool} {grant.Image} {NoSnapshot}");
        try { Write("add_single_major", text); }
        catch (IOException e)
        {
            throw new VolumeException(VolumeProblem.Failure,
                $"the kernel does not map {grant.Pool}/{grant.Image} of {string.Join(", ", grant.Map.Monitors)}: {e.Message}", e);
        }
        return Find(grant.Map.Fsid, grant.Image)
            ?? throw new VolumeException(VolumeProblem.Failure, $"{grant.Pool}/{grant.Image} was mapped, and is not there");
    }

    /// <summary>Lets an image go. It must not be in use.</summary>
    /// <exception cref="VolumeException">It is in use, or is not let go.</exception>
    public void Remove(RbdDevice device)
    {
        try { Write("remove_single_major", device.Id.ToString(CultureInfo.InvariantCulture)); }
        catch (FileNotFoundException) when (Find(device.Fsid, device.Image) is null) { }
        catch (IOException e)
        {
            throw new VolumeException(VolumeProblem.Failure, $"the kernel does not let {device} go: {e.Message}", e);
        }
    }

    /// <summary>Has the kernel ask for the image's size.</summary>
    /// <exception cref="IOException">Nobody answers.</exception>
    public void Refresh(RbdDevice device) =>
        Write(string.Create(CultureInfo.InvariantCulture, $"devices/{device.Id}/refresh"), "1");

    private RbdDevice? Read(string folder)
    {
        // The kernel unmaps it meanwhile: then it is none.
        return int.TryParse(Path.GetFileName(folder), NumberStyles.None, CultureInfo.InvariantCulture, out var id)
            && Guid.TryParse(Attribute("cluster_fsid"), out var fsid) && Attribute("name") is { Length: > 0 } image
            && Attribute("current_snap") is NoSnapshot
            ? new RbdDevice(id, fsid, Attribute("pool"), image, Attribute("client_addr"),
                Path.Combine(paths.Devices, string.Create(CultureInfo.InvariantCulture, $"rbd{id}"))) : null;

        string Attribute(string name) =>
            PrintableText.Line(Encoding.UTF8.GetString(KernelFile.Read(Path.Combine(folder, name), LongestAttribute)).Trim()) ?? "";
    }

    /// <summary>In one write(2): that is how the kernel reads it.</summary>
    private void Write(string name, string text)
    {
        using var file = new FileStream(Path.Combine(paths.Bus, name), FileMode.Open, FileAccess.Write, FileShare.ReadWrite, bufferSize: 0);
        file.Write(Encoding.ASCII.GetBytes(text));
    }
}
