using System.Runtime.InteropServices;
using System.Text;

namespace Operos.Linux.Ceph;

/// <summary>An open image of a block device; it is closed before its pool is.</summary>
public sealed unsafe partial class RbdImage : IDisposable
{
    private const int ERANGE = 34, LongestValue = 64 << 10, MostWatchers = 1024;

    private readonly string name;
    private readonly Image image;

    internal RbdImage(string name, RbdPool.Context context, nint handle) => (this.name, image) = (name, new Image(context, handle));

    public long Bytes
    {
        get
        {
            RadosConnection.Check(rbd_get_size(image, out var bytes), $"rbd_get_size {name}");
            return (long)Math.Min(bytes, long.MaxValue);
        }
    }

    /// <summary>RBD_FEATURE_*.</summary>
    public ulong Features
    {
        get
        {
            RadosConnection.Check(rbd_get_features(image, out var features), $"rbd_get_features {name}");
            return features;
        }
    }

    /// <summary>Who has it open to write, by address with its nonce (<c>10.0.0.7:0/2754081033</c>); this one is not among them.</summary>
    public IReadOnlyList<string> Watchers
    {
        get
        {
            nuint count = MostWatchers;
            var watchers = new Watcher[(int)count];
            fixed (Watcher* first = watchers)
            {
                RadosConnection.Check(rbd_watchers_list(image, first, &count), $"rbd_watchers_list {name}");
                try { return [.. watchers.Take((int)count).Select(watcher => Marshal.PtrToStringUTF8(watcher.Address) ?? "")]; }
                finally { rbd_watchers_list_cleanup(first, count); }
            }
        }
    }

    /// <summary>
    /// Who has its lock, by address as of <see cref="Watchers"/>: whoever wrote last and did not close it, be it dead. Null where nobody
    /// has.
    /// </summary>
    public string? LockOwner
    {
        get
        {
            // Of one that is open to read alone rbd_lock_get_owners tells nothing.
            const int room = 1024;
            byte* tag = stackalloc byte[room], clients = stackalloc byte[room], cookies = stackalloc byte[room];
            byte* addresses = stackalloc byte[room];
            nuint tagLength = room, clientsLength = room, cookiesLength = room, addressesLength = room;
            var count = rbd_list_lockers(image, out _, tag, &tagLength, clients, &clientsLength, cookies, &cookiesLength, addresses,
                &addressesLength);
            RadosConnection.Check((int)count, $"rbd_list_lockers {name}");
            return count == 0 ? null : Marshal.PtrToStringUTF8((nint)addresses);
        }
    }

    /// <summary>Makes it larger.</summary>
    /// <param name="goesOn">Told now and then.</param>
    /// <exception cref="RadosException">It would become smaller, or who has its lock does not let go of it.</exception>
    public void Grow(long bytes, Action goesOn)
    {
        var told = GCHandle.Alloc(goesOn);
        try
        {
            RadosConnection.Check(rbd_resize2(image, (ulong)bytes, allowShrink: 0, &RbdPool.GoOn, (void*)(nint)told),
                $"rbd_resize2 {name}");
        }
        finally { told.Free(); }
    }

    /// <summary>What is kept beside it by a key.</summary>
    /// <returns>Null where nothing is.</returns>
    public string? Find(string key)
    {
        for (nuint room = 256; ; room *= 4)
        {
            var (value, length) = (new byte[(int)room], room);
            fixed (byte* first = value)
            {
                var result = rbd_metadata_get(image, key, first, &length);
                if (result == -ERANGE && room < LongestValue) continue;
                if (result < 0 && new RadosException("", -result, "").IsMissing) return null;
                RadosConnection.Check(result, $"rbd_metadata_get {name} {key}");
                return Encoding.UTF8.GetString(value.AsSpan(0, Math.Max(0, value.AsSpan().IndexOf((byte)0))));
            }
        }
    }

    public void Keep(string key, string value) =>
        RadosConnection.Check(rbd_metadata_set(image, key, value), $"rbd_metadata_set {name} {key}");

    public void Dispose() => image.Dispose();

    /// <summary>Keeps its pool open until it is closed itself.</summary>
    private sealed class Image : SafeHandle
    {
        private readonly RbdPool.Context context;

        public Image(RbdPool.Context context, nint handle) : base(0, ownsHandle: true)
        {
            this.context = context;
            SetHandle(handle);
            var isAdded = false;
            context.DangerousAddRef(ref isAdded);
        }

        public override bool IsInvalid => handle == 0;

        protected override bool ReleaseHandle()
        {
            var isClosed = rbd_close(handle) == 0;
            context.DangerousRelease();
            return isClosed;
        }
    }

    /// <summary>rbd_image_watcher_t</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct Watcher
    {
        public nint Address;
        public long Id;
        public ulong Cookie;
    }

    [LibraryImport(RbdPool.Library)]
    private static partial int rbd_close(nint image);

    [LibraryImport(RbdPool.Library)]
    private static partial int rbd_get_size(Image image, out ulong bytes);

    [LibraryImport(RbdPool.Library)]
    private static partial int rbd_get_features(Image image, out ulong features);

    [LibraryImport(RbdPool.Library)]
    private static partial int rbd_resize2(Image image, ulong bytes, byte allowShrink,
        delegate* unmanaged[Cdecl]<ulong, ulong, void*, int> progress, void* told);

    [LibraryImport(RbdPool.Library)]
    private static partial nint rbd_list_lockers(Image image, out int exclusive, byte* tag, nuint* tagLength, byte* clients,
        nuint* clientsLength, byte* cookies, nuint* cookiesLength, byte* addresses, nuint* addressesLength);

    [LibraryImport(RbdPool.Library)]
    private static partial int rbd_watchers_list(Image image, Watcher* watchers, nuint* count);

    [LibraryImport(RbdPool.Library)]
    private static partial void rbd_watchers_list_cleanup(Watcher* watchers, nuint count);

    [LibraryImport(RbdPool.Library, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int rbd_metadata_get(Image image, string key, byte* value, nuint* length);

    [LibraryImport(RbdPool.Library, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int rbd_metadata_set(Image image, string key, string value);
}
