using System.Net;

namespace Operos.Node.Network;

/// <summary>A node as the pod network sees it.</summary>
/// <param name="Address">Its address on the machines' network; null while it has told none.</param>
/// <param name="Pods">The addresses of its pods; null until it was given some.</param>
/// <param name="CreatedUnixSeconds">Of two that claim the same addresses, the older is right.</param>
/// <param name="IsReady">Whether its kubelet says that it takes pods.</param>
public sealed record ClusterNode(
    string Name, IPAddress? Address, IPNetwork? Pods, long CreatedUnixSeconds = 0, bool IsReady = false);
