using System.Collections.Concurrent;
using System.Text.Json;
using System.Text.RegularExpressions;
using Operos.Linux;

namespace Operos.Node.Cni;

/// <summary>
/// The pods of this node's network, a file each, on RAM: an agent that starts again knows at once whose each address is, before the API
/// server tells.
/// </summary>
public sealed partial class AttachedPods
{
    private const string Suffix = ".json";
    private readonly string folder;
    private readonly ConcurrentDictionary<string, AttachedPod> pods = new(StringComparer.Ordinal);

    /// <summary>Reads what an agent before this one left.</summary>
    public AttachedPods(string folder)
    {
        this.folder = folder;
        Directory.CreateDirectory(folder, FileModes.PrivateFolder);
        foreach (var file in Directory.EnumerateFiles(folder, "*" + Suffix))
        {
            try { if (JsonSerializer.Deserialize(File.ReadAllBytes(file), CniJson.Default.AttachedPod) is { } pod) pods[pod.ContainerId] =
                pod; }
            // A pod without a record is unknown and so kept from talking: its next ADD brings it back.
            catch (JsonException) { File.Delete(file); }
        }
    }

    public IReadOnlyCollection<AttachedPod> All => [.. pods.Values];

    public AttachedPod? Find(string containerId) => pods.GetValueOrDefault(containerId);

    /// <summary>Notes a pod. Another one with an address of its is gone: that its end was not told changes nothing.</summary>
    /// <returns>The pods that are gone.</returns>
    public IReadOnlyList<AttachedPod> Add(AttachedPod pod)
    {
        var gone = pods.Values.Where(other => other.ContainerId != pod.ContainerId && other.Addresses.Intersect(pod.Addresses).Any())
            .ToList();
        foreach (var other in gone) Remove(other.ContainerId);
        AtomicFile.Write(FilePath(folder, pod.ContainerId), JsonSerializer.SerializeToUtf8Bytes(pod, CniJson.Default.AttachedPod));
        pods[pod.ContainerId] = pod;
        return gone;
    }

    public void Remove(string containerId)
    {
        pods.TryRemove(containerId, out _);
        Delete(folder, containerId);
    }

    /// <summary>Takes a pod's file away; where it, or the folder, is gone, there is nothing to do.</summary>
    /// <exception cref="FormatException">As of <see cref="FilePath"/>.</exception>
    internal static void Delete(string folder, string containerId)
    {
        try { File.Delete(FilePath(folder, containerId)); }
        catch (DirectoryNotFoundException) { }
    }

    /// <exception cref="FormatException">The runtime's name cannot be a file's (CNI specification, CNI_CONTAINERID).</exception>
    internal static string FilePath(string folder, string containerId) =>
        ContainerId().IsMatch(containerId)
            ? Path.Combine(folder, containerId + Suffix) : throw new FormatException($"'{containerId}' is no container id");

    [GeneratedRegex(@"\A[A-Za-z0-9][A-Za-z0-9_.-]{0,200}\z")]
    private static partial Regex ContainerId();
}
