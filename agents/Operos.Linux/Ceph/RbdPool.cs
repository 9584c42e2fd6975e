using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Operos.Linux.Ceph;

/// <summary>
/// The images of block devices in a pool, through librbd. Calls block, until the times that the connection was opened with; what removes or
/// grows tells that it goes on.
/// </summary>
public sealed unsafe partial class RbdPool : IDisposable
{
    /// <summary>RBD_FEATURE_*: those that Linux 6.12 maps, and no other.</summary>
    public const ulong Features = Layering | ExclusiveLock | ObjectMap | FastDiff | DeepFlatten;

    private const ulong Layering = 1 << 0, ExclusiveLock = 1 << 2, ObjectMap = 1 << 3, FastDiff = 1 << 4, DeepFlatten = 1 << 5;
    private const int ERANGE = 34, MostNames = 1 << 20;

    private readonly Context context;

    internal RbdPool(RadosConnection.Cluster cluster, nint handle) => context = new Context(cluster, handle);

    /// <summary>Makes an image of objects of 4 MiB.</summary>
    /// <exception cref="RadosException">There is one of this name, or it cannot be made.</exception>
    public void Create(string name, long bytes)
    {
        var order = 0;
        RadosConnection.Check(rbd_create2(context, name, (ulong)bytes, Features, &order), $"rbd_create2 {name}");
    }

    /// <summary>The names of all images.</summary>
    public IReadOnlyList<string> Names()
    {
        for (nuint room = 256; ; room *= 2)
        {
            var count = room;
            var specs = new Spec[(int)room];
            fixed (Spec* first = specs)
            {
                var result = rbd_list2(context, first, &count);
                if (result == -ERANGE && room < MostNames) continue;
                RadosConnection.Check(result, "rbd_list2");
                try { return [.. specs.Take((int)count).Select(spec => Marshal.PtrToStringUTF8(spec.Name) ?? "")]; }
                finally { rbd_image_spec_list_cleanup(first, count); }
            }
        }
    }

    /// <summary>Opens an image; with <paramref name="writable"/> this is one of its watchers until it is closed.</summary>
    /// <exception cref="RadosException">There is none, or it is not whole: <see cref="RadosException.IsMissing"/>.</exception>
    public RbdImage Open(string name, bool writable = false)
    {
        RadosConnection.Check(writable ? rbd_open(context, name, out var image, 0) : rbd_open_read_only(context, name, out image, 0),
            $"rbd_open {name}");
        return new RbdImage(name, context, image);
    }

    /// <summary>Removes an image with all that is in it, which may take minutes.</summary>
    /// <param name="goesOn">Told now and then.</param>
    /// <exception cref="RadosException">Somebody has it open (<see cref="RadosException.IsInUse"/>), or there is none.</exception>
    public void Remove(string name, Action goesOn)
    {
        var told = GCHandle.Alloc(goesOn);
        try { RadosConnection.Check(rbd_remove_with_progress(context, name, &GoOn, (void*)(nint)told), $"rbd_remove {name}"); }
        finally { told.Free(); }
    }

    public void Dispose() => context.Dispose();

    /// <exception cref="IOException">There is no librbd.</exception>
    internal static void RequireLibrary()
    {
        try { rbd_version(out _, out _, out _); }
        catch (Exception e) when (e is DllNotFoundException or EntryPointNotFoundException or BadImageFormatException)
        {
            throw new IOException($"this system has no {Library}: it was made without Ceph", e);
        }
    }

    /// <summary>librbd_progress_fn_t, of which <paramref name="told"/> is an <see cref="Action"/>.</summary>
    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    internal static int GoOn(ulong done, ulong all, void* told)
    {
        ((Action)GCHandle.FromIntPtr((nint)told).Target!)();
        return 0;
    }

    /// <summary>Keeps its connection open until it is closed itself.</summary>
    internal sealed class Context : SafeHandle
    {
        private readonly RadosConnection.Cluster cluster;

        public Context(RadosConnection.Cluster cluster, nint handle) : base(0, ownsHandle: true)
        {
            this.cluster = cluster;
            SetHandle(handle);
            var isAdded = false;
            cluster.DangerousAddRef(ref isAdded);
        }

        public override bool IsInvalid => handle == 0;

        protected override bool ReleaseHandle()
        {
            rados_ioctx_destroy(handle);
            cluster.DangerousRelease();
            return true;
        }
    }

    /// <summary>rbd_image_spec_t</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct Spec
    {
        public nint Id;
        public nint Name;
    }

    internal const string Library = "librbd.so.1";

    [LibraryImport("librados.so.2")]
    private static partial void rados_ioctx_destroy(nint context);

    [LibraryImport(Library)]
    private static partial void rbd_version(out int major, out int minor, out int extra);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int rbd_create2(Context context, string name, ulong bytes, ulong features, int* order);

    [LibraryImport(Library)]
    private static partial int rbd_list2(Context context, Spec* images, nuint* count);

    [LibraryImport(Library)]
    private static partial void rbd_image_spec_list_cleanup(Spec* images, nuint count);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int rbd_open(Context context, string name, out nint image, nint snapshot);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int rbd_open_read_only(Context context, string name, out nint image, nint snapshot);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int rbd_remove_with_progress(Context context, string name,
        delegate* unmanaged[Cdecl]<ulong, ulong, void*, int> progress, void* told);
}
