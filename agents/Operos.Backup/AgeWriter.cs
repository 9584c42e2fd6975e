using System.Security.Cryptography;

namespace Operos.Backup;

/// <summary>Encrypts what is written to it. What <see cref="Complete"/> did not end is no age file.</summary>
public sealed class AgeWriter : Stream
{
    private readonly Stream output;
    private readonly AgeChunks chunks;
    private readonly byte[] plain = new byte[AgeChunks.ChunkBytes], chunk = new byte[AgeChunks.ChunkBytes + AgeChunks.TagBytes];
    private int filled;

    /// <summary>Writes the head; this takes a second and 256 MB.</summary>
    public AgeWriter(Stream output, string passphrase) : this(output, passphrase, AgeHeader.UsualCost) { }

    internal AgeWriter(Stream output, string passphrase, int cost)
    {
        this.output = output;
        var (key, nonce) = (AgeHeader.Write(output, passphrase, cost), RandomNumberGenerator.GetBytes(AgeChunks.NonceBytes));
        output.Write(nonce);
        chunks = new AgeChunks(key, nonce);
    }

    public override bool CanRead => false;
    public override bool CanSeek => false;
    public override bool CanWrite => true;
    public override long Length => throw new NotSupportedException();
    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        while (buffer.Length > 0)
        {
            // The last chunk may be full, and only then is it known to be none.
            if (filled == plain.Length) Put(isLast: false);
            var taken = Math.Min(buffer.Length, plain.Length - filled);
            buffer[..taken].CopyTo(plain.AsSpan(filled));
            filled += taken;
            buffer = buffer[taken..];
        }
    }

    /// <summary>Writes the last chunk.</summary>
    public void Complete() => Put(isLast: true);

    public override void Flush() => output.Flush();
    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing) chunks.Dispose();
        base.Dispose(disposing);
    }

    private void Put(bool isLast)
    {
        var size = filled + AgeChunks.TagBytes;
        chunks.Seal(plain.AsSpan(0, filled), chunk.AsSpan(0, size), isLast);
        output.Write(chunk, 0, size);
        filled = 0;
    }
}
