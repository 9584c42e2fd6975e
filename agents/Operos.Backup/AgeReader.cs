using System.Security.Cryptography;

namespace Operos.Backup;

/// <summary>Decrypts what is read from it; nothing is given out that was not authenticated.</summary>
public sealed class AgeReader : Stream
{
    private readonly Stream input;
    private readonly AgeChunks chunks;
    private readonly byte[] plain = new byte[AgeChunks.ChunkBytes], ahead = new byte[AgeChunks.ChunkBytes + AgeChunks.TagBytes + 1];
    private int length, position, held;
    private bool ended, begun;

    /// <summary>Reads the head; this takes a second and 256 MB.</summary>
    /// <exception cref="BackupException">It is none, or not for this passphrase.</exception>
    public AgeReader(Stream input, string passphrase)
    {
        this.input = input;
        var (key, nonce) = (AgeHeader.Read(input, passphrase), new byte[AgeChunks.NonceBytes]);
        if (input.ReadAtLeast(nonce, nonce.Length, throwOnEndOfStream: false) < nonce.Length) throw Damaged();
        chunks = new AgeChunks(key, nonce);
    }

    public override bool CanRead => true;
    public override bool CanSeek => false;
    public override bool CanWrite => false;
    public override long Length => throw new NotSupportedException();
    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override int Read(Span<byte> buffer)
    {
        if (position == length && !ended) Fetch();
        var taken = Math.Min(buffer.Length, length - position);
        plain.AsSpan(position, taken).CopyTo(buffer);
        position += taken;
        return taken;
    }

    public override void Flush() { }
    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing) chunks.Dispose();
        base.Dispose(disposing);
    }

    private void Fetch()
    {
        // A byte more than a chunk tells that it is not the last.
        held += input.ReadAtLeast(ahead.AsSpan(held), ahead.Length - held, throwOnEndOfStream: false);
        var isLast = held < ahead.Length;
        var size = isLast ? held : ahead.Length - 1;
        // Only of a file of nothing the last chunk is empty.
        if (size < AgeChunks.TagBytes || (size == AgeChunks.TagBytes && begun)) throw Damaged();
        (length, position) = (size - AgeChunks.TagBytes, 0);
        try { chunks.Open(ahead.AsSpan(0, size), plain.AsSpan(0, length), isLast); }
        catch (AuthenticationTagMismatchException)
        {
            length = 0;
            throw Damaged();
        }
        if (!isLast) ahead[0] = ahead[^1];
        (held, begun, ended) = (isLast ? 0 : 1, true, isLast);
    }

    private static BackupException Damaged() => new("the encrypted file is damaged or cut off. Next: take another copy");
}
