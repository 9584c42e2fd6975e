using System.Globalization;
using System.Text;

namespace Operos.Boot;

/// <summary>A request that the boot server answers: GET or HEAD, one range at most (RFC 9110, RFC 9112).</summary>
internal sealed record HttpRequest
{
    public const int MaxHeadBytes = 8 * 1024;

    public required bool HeadOnly { get; init; }
    public required string Path { get; init; }
    public required bool KeepAlive { get; init; }
    public string? Range { get; init; }
    public string? IfRange { get; init; }
    public string? IfMatch { get; init; }

    /// <summary>Reads a request's head without its final empty line. On failure the status to answer with.</summary>
    public static HttpRequest? Read(ReadOnlySpan<byte> head, out int status)
    {
        status = 400;
        if (head.ContainsAnyInRange((byte)0x80, (byte)0xFF) || head.Contains((byte)0)) return null;
        var lines = Encoding.ASCII.GetString(head).Split("\r\n");
        var words = lines[0].Split(' ');
        if (words.Length != 3 || !words[2].StartsWith("HTTP/", StringComparison.Ordinal)) return null;
        if (words[2] is not ("HTTP/1.1" or "HTTP/1.0"))
        {
            status = 505;
            return null;
        }
        var headers = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        foreach (var line in lines.AsSpan(1))
        {
            var colon = line.IndexOf(':', StringComparison.Ordinal);
            // White space before the colon and folded lines are refused (RFC 9112, 5.1 and 5.2).
            if (colon <= 0 || line[..colon].Any(c =>
                !char.IsAsciiLetterOrDigit(c) && !"!#$%&'*+-.^_`|~".Contains(c, StringComparison.Ordinal))) return null;
            if (!headers.TryAdd(line[..colon], line[(colon + 1)..].Trim()) && line[..colon]
                .Equals("Host", StringComparison.OrdinalIgnoreCase)) return null;
        }
        if (words[2] == "HTTP/1.1" && !headers.ContainsKey("Host")) return null;
        // A body is never wanted, and one that is misread would be taken for the next request.
        if (headers.ContainsKey("Transfer-Encoding") || (headers.TryGetValue("Content-Length", out var length) && length != "0"))
            return null;
        if (words[0] is not ("GET" or "HEAD"))
        {
            status = 405;
            return null;
        }
        if (ReadPath(words[1]) is not { } path) return null;
        status = 200;
        headers.TryGetValue("Connection", out var connection);
        return new HttpRequest
        {
            HeadOnly = words[0] == "HEAD",
            Path = path,
            KeepAlive = words[2] == "HTTP/1.1"
                ? connection?.Contains("close", StringComparison.OrdinalIgnoreCase) != true
                : connection?.Contains("keep-alive", StringComparison.OrdinalIgnoreCase) == true,
            Range = headers.GetValueOrDefault("Range"),
            IfRange = headers.GetValueOrDefault("If-Range"),
            IfMatch = headers.GetValueOrDefault("If-Match"),
        };
    }

    /// <summary>
    /// The bytes asked for, or the whole; null where no byte of it exists (416). Several ranges or a malformed one are ignored, as RFC
    /// 9110, 14.2 allows.
    /// </summary>
    public (long From, long To, bool Partial)? Select(long length, string etag)
    {
        var whole = (0L, length - 1, false);
        if (Range is null || !Range.StartsWith("bytes=", StringComparison.Ordinal) || (IfRange is not null && IfRange != etag))
            return whole;
        var parts = Range["bytes=".Length..].Split('-');
        if (parts.Length != 2) return whole;
        var hasFrom = TryNumber(parts[0], out var from);
        var hasTo = TryNumber(parts[1], out var to);
        if ((parts[0].Length > 0 && !hasFrom) || (parts[1].Length > 0 && !hasTo) || (!hasFrom && !hasTo)) return whole;
        if (!hasFrom) return to == 0 ? null : (Math.Max(0, length - to), length - 1, true);
        if (hasTo && to < from) return whole;
        return from >= length ? null : (from, hasTo ? Math.Min(to, length - 1) : length - 1, true);
    }

    public bool Matches(string etag) => IfMatch is null || IfMatch == "*" || IfMatch.Split(',').Any(tag => tag.Trim() == etag);

    private static bool TryNumber(string text, out long number) =>
        long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number);

    /// <summary>
    /// The path of an origin-form or absolute-form target, unescaped. What it may name is a table's business, so no form of it can escape.
    /// </summary>
    private static string? ReadPath(string target)
    {
        if (target.StartsWith("http://", StringComparison.Ordinal))
        {
            var slash = target.IndexOf('/', "http://".Length);
            target = slash < 0 ? "/" : target[slash..];
        }
        var query = target.IndexOf('?', StringComparison.Ordinal);
        if (query >= 0) target = target[..query];
        if (!target.StartsWith('/') || target.Any(c => c <= ' ')) return null;
        var path = Uri.UnescapeDataString(target);
        if (path.Any(char.IsControl)) return null;
        // GRUB doubles the slash after its server, the shim the one before its second stage.
        while (path.Contains("//", StringComparison.Ordinal)) path = path.Replace("//", "/", StringComparison.Ordinal);
        return path;
    }
}
