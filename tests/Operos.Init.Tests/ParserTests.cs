using System.Net;
using System.Text;
using CsCheck;
using Operos.Init;
using Operos.Init.Fetch;
using Operos.Init.Network;
using Operos.Init.Settings;
using Operos.Release;

namespace Operos.Init.Tests;

/// <summary>What PID 1 reads from outside: right answers for the good, a refusal for the bad, a crash for nothing.</summary>
public sealed class ParserTests
{
    private static readonly byte[] Mac = [0x52, 0x54, 0, 1, 2, 3];

    [Fact]
    public void The_command_line_gives_its_last_value_and_keeps_quotes_together()
    {
        var line = new KernelCommandLine("a=1 b \"c=two words\" a=2 d=");
        Assert.Equal("2", line.Get("a"));
        Assert.True(line.Has("b"));
        Assert.Equal("two words", line.Get("c"));
        Assert.Null(line.Get("d"));
    }

    [Theory]
    [InlineData("7\t4\t1\t7\n", 6), InlineData("4\t4\t1\t7\n", null), InlineData("8\t4\t1\t7\n", null), InlineData("", null)]
    public void Consoles_are_spared_the_kernel_s_news_unless_the_command_line_asks_for_a_level(string levels, int? level) =>
        Assert.Equal(level, Operos.Init.Progress.BootConsole.ConsoleLevel(levels));

    [Fact]
    public void A_worker_s_arguments_are_read()
    {
        var settings = BootSettings.Read(new KernelCommandLine(
            "operos.kind=worker operos.release=1.0 operos.server=http://10.0.0.1:7480 operos.control=10.0.0.1:7443 "
            + "ip=10.0.0.5:10.0.0.1:10.0.0.254:255.255.255.0 BOOTIF=01-52-54-00-AA-00-01"));
        Assert.Equal(new IPEndPoint(IPAddress.Parse("10.0.0.1"), 7480), settings.Server);
        Assert.Equal("52:54:00:aa:00:01", settings.BootMac);
        Assert.Equal(IPAddress.Parse("10.0.0.254"), settings.Address!.Gateway);
    }

    [Theory]
    [InlineData("operos.server=http://10.0.0.1", "operos.release")]
    [InlineData("operos.release=../x operos.server=http://10.0.0.1", "operos.release")]
    [InlineData("operos.release=1 operos.server=ftp://10.0.0.1", "operos.server")]
    [InlineData("operos.release=1 operos.server=http://name:1", "operos.server")]
    [InlineData("operos.release=1", "operos.server")]
    [InlineData("operos.kind=toaster operos.release=1", "operos.kind")]
    public void A_bad_argument_is_named(string line, string named) =>
        Assert.Contains(named, Assert.Throws<BootException>(() => BootSettings.Read(new KernelCommandLine(line))).Message,
            StringComparison.Ordinal);

    [Theory]
    [InlineData("dhcp")]
    [InlineData("10.0.0.5")]
    [InlineData("10.0.0.5:::255.0.255.0")]
    [InlineData("0.0.0.0::10.0.0.1:255.255.255.0")]
    [InlineData(":::")]
    public void An_unusable_loader_address_means_DHCP(string value) => Assert.Null(LoaderAddress.Parse(value));

    [Fact]
    public void A_DHCP_offer_is_read_also_where_options_overflow_into_the_file_field()
    {
        var packet = Offer([53, 1, 2, 52, 1, 1, 255]);
        // RFC 2132, 9.3: overload 1 puts more options where the file name was.
        byte[] rest = [54, 4, 10, 0, 0, 1, 1, 4, 255, 255, 255, 0, 3, 8, 10, 0, 0, 254, 10, 0, 0, 253, 255];
        rest.CopyTo(packet, 108);
        var offer = DhcpMessage.Read(packet, Mac, 7)!;
        Assert.Equal(DhcpType.Offer, offer.Type);
        Assert.Equal(IPAddress.Parse("10.0.0.9"), offer.Address);
        Assert.Equal(IPAddress.Parse("10.0.0.1"), offer.ServerIdentifier);
        Assert.Equal(IPAddress.Parse("10.0.0.254"), offer.Gateway);
    }

    [Fact]
    public void Another_client_s_offer_and_a_truncated_one_are_passed_over()
    {
        var packet = Offer([53, 1, 2, 54, 4, 10, 0, 0, 1, 255]);
        Assert.NotNull(DhcpMessage.Read(packet, Mac, 7));
        Assert.Null(DhcpMessage.Read(packet, Mac, 8));
        Assert.Null(DhcpMessage.Read(packet, [1, 2, 3, 4, 5, 6], 7));
        Assert.Null(DhcpMessage.Read(Offer([53, 1, 2, 54, 200, 1]), Mac, 7));
    }

    [Fact]
    public void No_DHCP_packet_crashes() =>
        Gen.Select(Gen.Byte.Array[0, 700], Gen.Int[0, 1]).Sample((bytes, valid) =>
        {
            var packet = valid == 1 ? Offer(bytes) : bytes;
            DhcpMessage.Read(packet, Mac, 7);
        });

    [Fact]
    public void A_range_answer_is_read()
    {
        var head = HttpResponseHead.Read(
            "HTTP/1.1 206 Partial Content\r\nContent-Length: 10\r\nContent-Range: bytes 5-14/100\r\nETag: \"x\""u8);
        Assert.Equal((206, 10L, 5L, 100L), (head.Status, head.Length, head.RangeStart, head.RangeTotal));
    }

    [Theory]
    [InlineData("HTTP/1.1 200 OK")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: -5")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked")]
    [InlineData("ICY 200 OK\r\nContent-Length: 1")]
    [InlineData("")]
    public void A_bad_answer_is_refused(string head) =>
        Assert.Throws<FetchException>(() => HttpResponseHead.Read(Encoding.Latin1.GetBytes(head)));

    [Fact]
    public void No_answer_crashes() =>
        Gen.Select(Gen.Int[0, 2].Select(i => ((string[])["", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 206 x\r\nContent-Range: bytes "])[i]),
            Gen.Byte.Array[0, 200]).Sample((start, bytes) =>
        {
            try { HttpResponseHead.Read([.. Encoding.ASCII.GetBytes(start), .. bytes]); }
            catch (FetchException) { }
        });

    [Fact]
    public void Progress_is_a_bar_with_rate_and_time_left() =>
        Assert.Equal("3 layers [#####---------------]  25 %  25.0/100.0 MB  10.0 MB/s  0:07 left",
            FetchProgress.Line("3 layers", 25_000_000, 100_000_000, 10e6, 2500));

    private static byte[] Offer(byte[] options)
    {
        var packet = new byte[240 + Math.Max(options.Length, 64)];
        (packet[0], packet[1], packet[2]) = (2, 1, 6);
        packet[7] = 7;
        ((byte[])[10, 0, 0, 9]).CopyTo(packet, 16);
        Mac.CopyTo(packet, 28);
        ((byte[])[0x63, 0x82, 0x53, 0x63]).CopyTo(packet, 236);
        options.CopyTo(packet, 240);
        return packet;
    }
}
