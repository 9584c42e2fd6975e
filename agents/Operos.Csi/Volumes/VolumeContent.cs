using System.Globalization;
using Operos.Csi.Rbd;
using Operos.Linux;
using Operos.Linux.Programs;
using Operos.Storage.Contents;
using Operos.Storage.Looks;
using Operos.Storage.Work;

namespace Operos.Csi.Volumes;

/// <summary>The file system of an image.</summary>
internal sealed class VolumeContent
{
    /// <summary>Checking a file system that was not unmounted, and growing one, takes no longer.</summary>
    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(10);
    private const string Label = "volume", Ext = "ext2/3/4";
    /// <summary>Of the first superblock, in bytes; its copies alone are no file system that can be mounted.</summary>
    private const long SuperBlock = 1024;

    /// <summary>
    /// Makes the file system of an image that is provably blank, and has one that was not unmounted checked. What holds anything else is
    /// left as it is.
    /// </summary>
    /// <exception cref="VolumeException">It is neither.</exception>
    public async Task PrepareAsync(RbdDevice device, CancellationToken cancellationToken)
    {
        var facts = new DiskFacts { Name = Path.GetFileName(device.Path), Bytes = device.Bytes };
        var look = await DiskLook.TakeAsync(device.Path, facts, cancellationToken).ConfigureAwait(false);
        if (look.Signatures.Any(found => found is { Name: Ext, Offset: SuperBlock }))
        {
            await CheckAsync(device, cancellationToken).ConfigureAwait(false);
            return;
        }
        if (PartitionLook.WhyNotBlank(look) is { } reason)
            throw new VolumeException(VolumeProblem.Failure,
                $"{device.Pool}/{device.Image} is neither blank nor has it a file system of ours ({reason}): it is left as it is; "
                + "whoever wrote it must say what becomes of it");
        await FileSystem.MakeAsync(device.Path, Label, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Lets the file system grow to its device; where it is as large already nothing happens.</summary>
    /// <exception cref="IOException">It does not.</exception>
    public async Task GrowAsync(RbdDevice device, CancellationToken cancellationToken)
    {
        var grown = await ProgramCall.RunAsync("resize2fs", [device.Path], cancellationToken, longest: Longest).ConfigureAwait(false);
        if (grown.Code != 0)
            throw new IOException(string.Create(CultureInfo.InvariantCulture,
                $"the file system of {device} does not grow: resize2fs ended with {grown.Code}: {PrintableText.Line(grown.LastLine)}"));
    }

    /// <summary>What is safe to mend is mended (e2fsck(8), <c>-p</c>); the rest is a person's.</summary>
    private static async Task CheckAsync(RbdDevice device, CancellationToken cancellationToken)
    {
        const int uncorrected = 4;
        var check = await ProgramCall.RunAsync("e2fsck", ["-p", device.Path], cancellationToken, longest: Longest).ConfigureAwait(false);
        if (check.Code >= uncorrected)
            throw new VolumeException(VolumeProblem.Failure, string.Create(CultureInfo.InvariantCulture,
                $"the file system of {device} is damaged, and is left as it is: e2fsck ended with {check.Code}: "
                + $"{PrintableText.Line(check.LastLine)}"));
    }
}
