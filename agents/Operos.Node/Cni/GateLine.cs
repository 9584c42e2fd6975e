namespace Operos.Node.Cni;

/// <summary>One line on the plugin's socket.</summary>
internal static class GateLine
{
    public static byte[] Write(byte[] text) => [.. text, (byte)'\n'];

    /// <exception cref="IOException">It ended before a whole line, or the line is longer than it may be.</exception>
    public static async Task<byte[]> ReadAsync(Stream stream, int most, CancellationToken cancellationToken)
    {
        using var line = new MemoryStream();
        var buffer = new byte[4096];
        while (true)
        {
            var count = await stream.ReadAsync(buffer, cancellationToken).ConfigureAwait(false);
            if (count == 0) throw new IOException("the peer closed the socket");
            var end = buffer.AsSpan(0, count).IndexOf((byte)'\n');
            line.Write(buffer, 0, end < 0 ? count : end);
            if (end >= 0) return line.ToArray();
            if (line.Length > most) throw new IOException($"a line of more than {most} bytes");
        }
    }
}
