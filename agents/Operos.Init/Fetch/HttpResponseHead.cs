using System.Globalization;
using System.Text;

namespace Operos.Init.Fetch;

/// <summary>Status and the headers that a range request needs (RFC 9112); everything else is passed over.</summary>
internal sealed record HttpResponseHead
{
    public required int Status { get; init; }
    public required long Length { get; init; }
    public bool Close { get; init; }
    public string? ETag { get; init; }
    public long? RangeStart { get; init; }
    public long? RangeTotal { get; init; }

    /// <exception cref="FetchException">The head is malformed or says nothing of its length.</exception>
    public static HttpResponseHead Read(ReadOnlySpan<byte> head)
    {
        var lines = Encoding.Latin1.GetString(head).Split("\r\n");
        var status = lines[0];
        if (!status.StartsWith("HTTP/1.", StringComparison.Ordinal) || status.Length < 12 || status[8] != ' '
            || !int.TryParse(status.AsSpan(9, 3), NumberStyles.None, CultureInfo.InvariantCulture, out var code) || code is < 200 or > 599)
            throw new FetchException("the server's answer is no HTTP/1.1 response");
        var result = new HttpResponseHead { Status = code, Length = -1 };
        foreach (var line in lines.AsSpan(1))
        {
            var colon = line.IndexOf(':', StringComparison.Ordinal);
            if (colon <= 0) continue;
            var value = line[(colon + 1)..].Trim();
            result = line[..colon].ToLowerInvariant() switch
            {
                "content-length" => result with { Length = ReadNumber(value) },
                "connection" => result with { Close = value.Contains("close", StringComparison.OrdinalIgnoreCase) },
                "etag" => result with { ETag = value },
                "content-range" => ReadRange(result, value),
                "transfer-encoding" => throw new FetchException("the server's answer has a transfer encoding; none was asked for"),
                _ => result,
            };
        }
        return result.Length >= 0 ? result : throw new FetchException($"the server's answer ({code}) has no Content-Length");
    }

    private static HttpResponseHead ReadRange(HttpResponseHead head, string value)
    {
        // bytes START-END/TOTAL
        var dash = value.IndexOf('-', StringComparison.Ordinal);
        var slash = value.IndexOf('/', StringComparison.Ordinal);
        if (!value.StartsWith("bytes ", StringComparison.Ordinal) || dash < 6 || slash < dash) return head;
        return head with { RangeStart = ReadNumber(value[6..dash]), RangeTotal = ReadNumber(value[(slash + 1)..]) };
    }

    private static long ReadNumber(string value) =>
        long.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? number : throw new FetchException($"the server sent '{value}' for a length");
}
