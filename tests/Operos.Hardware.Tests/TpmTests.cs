using System.Diagnostics;
using System.Net.Sockets;
using CsCheck;
using Operos.Hardware.Fingerprint;
using Operos.Hardware.Inventories;

namespace Operos.Hardware.Tests;

/// <summary>The endorsement key, asked of real software TPMs (swtpm).</summary>
public sealed class TpmTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("operos-tpm-").FullName;

    [Fact]
    public void A_TPM_gives_the_same_key_at_each_start_and_another_TPM_another()
    {
        var first = Ask("one", "1");
        Assert.Matches("^[0-9a-f]{64}$", first);
        Assert.Equal(first, Ask("one", "2"));
        Assert.NotEqual(first, Ask("two", "3"));
    }

    [Fact]
    public void The_key_alone_identifies_a_machine_whose_serials_are_blank()
    {
        var evidence = Assert.Single(EvidenceReader.Read(
            new Inventory { System = new Identity { Serial = "Default string" }, TpmEndorsementKey = new string('a', 63) + "1" }));
        Assert.Equal((Component.Board, "tpm-ek"), (evidence.Component, evidence.Kind));
    }

    [Fact]
    public void No_response_crashes() =>
        Gen.Byte.Array[0, 300].Sample(bytes =>
        {
            // A plausible head lets the rest be read.
            if (bytes.Length >= 10) ((byte[])[0x80, 2, 0, 0, (byte)(bytes.Length >> 8), (byte)bytes.Length, 0, 0, 0, 0]).CopyTo(bytes, 0);
            _ = TpmEndorsementKey.Parse(bytes);
        });

    public void Dispose() => Directory.Delete(folder, recursive: true);

    private string? Ask(string tpm, string run)
    {
        var state = Directory.CreateDirectory(Path.Combine(folder, tpm)).FullName;
        var server = Path.Combine(folder, $"{run}.sock");
        using var process = Process.Start(new ProcessStartInfo("setpriv",
            ["--pdeathsig", "KILL", "swtpm", "socket", "--tpm2", "--tpmstate", $"dir={state}", "--server", $"type=unixio,path={server}",
                "--ctrl", $"type=unixio,path={server}.ctrl", "--flags", "not-need-init,startup-clear"]))!;
        try
        {
            using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified) { ReceiveTimeout = 30_000 };
            for (var attempt = 0; !socket.Connected; attempt++)
            {
                try { socket.Connect(new UnixDomainSocketEndPoint(server)); }
                catch (SocketException) when (attempt < 100 && !process.HasExited) { Thread.Sleep(50); }
            }
            using var stream = new NetworkStream(socket);
            return TpmEndorsementKey.Read(stream);
        }
        finally
        {
            process.Kill();
            process.WaitForExit();
        }
    }
}
