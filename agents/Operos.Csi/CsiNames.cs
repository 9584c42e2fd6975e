using Operos.Ceph.Pools;

namespace Operos.Csi;

/// <summary>What the plugin is called, and where the kubelet finds it.</summary>
public static class CsiNames
{
    /// <summary>As <c>CSIDriver</c>, storage classes and volumes name it.</summary>
    public const string Driver = PoolImages.Driver;
}
