using System.Text;
using CsCheck;
using Operos.Boot;

namespace Operos.Controller.Tests;

public sealed class HttpRequestTests
{
    private static HttpRequest? Read(string head, out int status) => HttpRequest.Read(Encoding.Latin1.GetBytes(head), out status);

    [Theory]
    [InlineData("bytes=0-9", 0, 9)]
    [InlineData("bytes=90-", 90, 99)]
    [InlineData("bytes=-10", 90, 99)]
    [InlineData("bytes=50-1000", 50, 99)]
    public void Ranges(string range, long from, long to) =>
        Assert.Equal((from, to, true), Read($"GET /x HTTP/1.1\r\nHost: h\r\nRange: {range}", out _)!.Select(100, "\"e\""));

    [Theory]
    [InlineData("bytes=0-1,5-6")]
    [InlineData("bytes=9-5")]
    [InlineData("bytes=")]
    [InlineData("lines=1-2")]
    [InlineData("bytes=a-b")]
    public void What_is_no_single_range_gives_the_whole(string range) =>
        Assert.Equal((0L, 99L, false), Read($"GET /x HTTP/1.1\r\nHost: h\r\nRange: {range}", out _)!.Select(100, "\"e\""));

    [Theory]
    [InlineData("bytes=100-")]
    [InlineData("bytes=-0")]
    public void What_no_byte_satisfies_is_416(string range) =>
        Assert.Null(Read($"GET /x HTTP/1.1\r\nHost: h\r\nRange: {range}", out _)!.Select(100, "\"e\""));

    [Theory]
    [InlineData("//releases/1/x")]
    [InlineData("/releases//1///x")]
    [InlineData("http://h/releases/1/x?y")]
    [InlineData("/releases/%31/x")]
    public void Paths_are_one_form(string target) => Assert.Equal("/releases/1/x", Read($"GET {target} HTTP/1.1\r\nHost: h", out _)!.Path);

    [Fact]
    public void If_Range_of_another_file_gives_the_whole() =>
        Assert.Equal((0L, 99L, false), Read("GET /x HTTP/1.1\r\nHost: h\r\nRange: bytes=5-6\r\nIf-Range: \"old\"", out _)!.Select(
            100, "\"e\""));

    [Theory]
    [InlineData("POST / HTTP/1.1\r\nHost: h", 405)]
    [InlineData("GET / HTTP/2.0\r\nHost: h", 505)]
    [InlineData("GET / HTTP/1.1", 400)]
    [InlineData("GET / HTTP/1.1\r\nHost : h", 400)]
    [InlineData("GET / HTTP/1.1\r\nHost: h\r\n folded", 400)]
    [InlineData("GET / HTTP/1.1\r\nHost: h\r\nHost: i", 400)]
    [InlineData("GET / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked", 400)]
    [InlineData("GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 5", 400)]
    [InlineData("GET  / HTTP/1.1\r\nHost: h", 400)]
    [InlineData("GET x HTTP/1.1\r\nHost: h", 400)]
    [InlineData("GET /%00 HTTP/1.1\r\nHost: h", 400)]
    [InlineData("GET /\u00e9 HTTP/1.1\r\nHost: h", 400)]
    public void Bad_requests_get_their_status(string head, int expected)
    {
        Assert.Null(Read(head, out var status));
        Assert.Equal(expected, status);
    }

    [Fact]
    public void No_request_crashes() =>
        Gen.Select(Gen.Bool, Gen.Byte.Array[0, 200]).Sample(
            (start, bytes) => { HttpRequest.Read([.. start ? "GET /"u8 : [], .. bytes], out _); });
}
