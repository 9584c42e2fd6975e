using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using Operos.Proto.Connection;

namespace Operos.Proto.Tests;

/// <summary>
/// A connection whose stream is disposed in the moment that a read or a write begins: SslStream then says what it says before a handshake, so
/// one without a handshake stands for it.
/// </summary>
public sealed class ControlConnectionTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    [Fact]
    public async Task A_read_that_begins_as_its_stream_is_disposed_ends_the_connection_without_an_error()
    {
        await using var stream = new Disposed(reads: true);
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await stream.ReadExactlyAsync(new byte[1]));
        await using var connection = ControlConnection.Over(stream, Patience, ControlConnection.MaxFrame, null);
        await connection.Completion.WaitAsync(Patience);
        await Assert.ThrowsAsync<IOException>(() => connection.CallAsync<Done>(new Ping(), default));
    }

    [Fact]
    public async Task A_call_that_begins_as_its_stream_is_disposed_says_that_the_connection_has_ended()
    {
        await using var stream = new Disposed(reads: false);
        await using var connection = ControlConnection.Over(stream, Patience, ControlConnection.MaxFrame, null);
        var error = await Assert.ThrowsAsync<IOException>(() => connection.CallAsync<Done>(new Ping(), default));
        Assert.Equal("the control connection has ended", error.Message);
    }

    private sealed class Disposed(bool reads) : SslStream(new MemoryStream())
    {
        public override X509Certificate? RemoteCertificate => null;

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            if (!reads) await Task.Delay(Timeout.Infinite, cancellationToken);
            return await base.ReadAsync(buffer, cancellationToken);
        }
    }
}
