using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Operos.Storage.Tests;

/// <summary>A disk of any size in memory: what was never written costs nothing. It can fail to read, and lose power in a write.</summary>
internal sealed class SparseImage(long bytes, byte background = 0) : IDiskBlocks
{
    public const int Page = 4096;
    private const int Longest = 1 << 20;
    private static readonly byte[] Zeros = new byte[Longest], Ones = [.. Enumerable.Repeat((byte)0xFF, Longest)];

    private readonly SortedDictionary<long, byte[]> pages = [];
    private readonly HashSet<long> bad = [];
    private readonly byte[] scratch = new byte[Longest];

    public long Bytes { get; private set; } = bytes;

    /// <summary>After so many bytes more a write is cut; null for never.</summary>
    public long? PowerFor { get; set; }

    /// <summary>The pages that were ever written, in order.</summary>
    public IEnumerable<KeyValuePair<long, byte[]>> Pages => pages.Where(page => page.Key < Bytes);

    public ReadOnlySpan<byte> Read(long offset, int length)
    {
        Assert.InRange(length, 0, Longest);
        length = (int)Math.Clamp(Bytes - offset, 0, length);
        var (first, last) = (offset / Page * Page, offset + length);
        if (bad.Any(page => page >= first && page < last)) throw new IOException("pread: Input/output error (errno 5)");
        // Of few pages each is asked, of many those that lie there.
        var inside = (pages.Count <= (last - first) / Page ? pages.Keys.Where(page => page >= first && page < last)
            : from i in Enumerable.Range(0, (int)((last - first + Page - 1) / Page)) select first + (long)i * Page into page
              where pages.ContainsKey(page) select page).ToList();
        var empty = background == 0 ? Zeros : Ones;
        if (inside.Count == 0) return empty.AsSpan(0, length);
        empty.AsSpan(0, length).CopyTo(scratch);
        foreach (var page in inside)
        {
            var (from, to) = (Math.Max(page, offset), Math.Min(page + Page, last));
            pages[page].AsSpan((int)(from - page), (int)(to - from)).CopyTo(scratch.AsSpan((int)(from - offset)));
        }
        return scratch.AsSpan(0, length);
    }

    /// <summary>As a device: whole blocks, until the power goes.</summary>
    public void Write(long offset, ReadOnlySpan<byte> blocks)
    {
        Assert.Equal(0, offset % Page);
        Assert.True(blocks.Length % Page == 0 || offset + blocks.Length == Bytes, $"{blocks.Length} bytes at {offset}");
        if (PowerFor is { } left)
        {
            PowerFor = Math.Max(0, left - blocks.Length);
            Put(offset, blocks[..(int)Math.Min(left, blocks.Length)]);
            if (left < blocks.Length) throw new IOException("the power is gone");
            return;
        }
        // What is written as nothing costs nothing.
        for (var at = 0; at < blocks.Length; at += Page)
        {
            var block = blocks.Slice(at, Math.Min(Page, blocks.Length - at));
            if (!block.ContainsAnyExcept(background)) pages.Remove(offset + at);
            else Put(offset + at, block);
        }
    }

    public void Flush()
    {
    }

    /// <summary>Any bytes, anywhere; what would be beyond the ends is not there.</summary>
    public void Put(long offset, ReadOnlySpan<byte> content)
    {
        for (var done = 0; done < content.Length;)
        {
            var at = offset + done;
            var page = (long)Math.Floor((double)at / Page) * Page;
            var count = (int)Math.Min(content.Length - done, page + Page - at);
            if (at >= 0 && at < Bytes)
            {
                if (!pages.TryGetValue(page, out var old)) pages[page] = old = NewPage();
                content.Slice(done, count).CopyTo(old.AsSpan((int)(at - page)));
            }
            done += count;
        }
    }

    /// <summary>Overwrites all that was ever written in a range, as <c>dd</c> or a discard does.</summary>
    public void Fill(long offset, long length, byte value)
    {
        foreach (var page in pages.Keys.Where(page => page + Page > offset && page < offset + length).ToList())
        {
            var (from, to) = (Math.Max(page, offset), Math.Min(page + Page, offset + length));
            pages[page].AsSpan((int)(from - page), (int)(to - from)).Fill(value);
        }
    }

    public void Resize(long to) => Bytes = to;

    /// <summary>The page cannot be read any more.</summary>
    public void Break(long offset) => bad.Add(offset / Page * Page);

    /// <summary>Of all that is on it.</summary>
    public string Digest()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Span<byte> place = stackalloc byte[8];
        foreach (var (page, content) in pages)
        {
            BinaryPrimitives.WriteInt64LittleEndian(place, page);
            hash.AppendData(place);
            hash.AppendData(content);
        }
        return Convert.ToHexString(hash.GetHashAndReset());
    }

    private byte[] NewPage()
    {
        var page = new byte[Page];
        page.AsSpan().Fill(background);
        return page;
    }
}
