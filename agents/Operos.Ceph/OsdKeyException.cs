namespace Operos.Ceph;

/// <summary>The cluster has an OSD of this UUID with another key: whoever asks with that one has another disk.</summary>
public sealed class OsdKeyException(string text, Exception reason) : Exception(text, reason);
