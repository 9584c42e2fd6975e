using System.Security.Cryptography;

namespace Operos.Names;

/// <summary>A secret that signs messages to the name server (TSIG, RFC 8945): whoever has it may change names.</summary>
internal sealed class TransactionKey
{
    public const string Algorithm = "hmac-sha256";
    private const int AlgorithmBytes = 32, TSIG = 250, AnyClass = 255;
    /// <summary>Seconds by which the two clocks may differ: it is one machine.</summary>
    private const int Fudge = 300;
    private readonly byte[] secret = RandomNumberGenerator.GetBytes(AlgorithmBytes);

    public string Name => "operos";
    public string Secret => Convert.ToBase64String(secret);

    /// <summary>Appends the signature; the message must have no additional records yet.</summary>
    public byte[] Sign(MessageWriter message, DateTimeOffset now)
    {
        var unsigned = message.ToArray();
        var seconds = now.ToUnixTimeSeconds();
        var signed = new MessageWriter();
        signed.Bytes(unsigned);
        signed.WholeName(Name);
        signed.UInt16(AnyClass);
        signed.UInt32(0);
        signed.WholeName(Algorithm);
        Time(signed, seconds);
        signed.UInt16(0);
        signed.UInt16(0);
        var mac = HMACSHA256.HashData(secret, signed.ToArray());

        message.WholeName(Name);
        message.UInt16(TSIG);
        message.UInt16(AnyClass);
        message.UInt32(0);
        message.Data(() =>
        {
            message.WholeName(Algorithm);
            Time(message, seconds);
            message.UInt16(mac.Length);
            message.Bytes(mac);
            // The message's own id, no error, no further data.
            message.Bytes(unsigned.AsSpan(0, 2));
            message.UInt16(0);
            message.UInt16(0);
        });
        message.Patch(UpdateMessage.AdditionalCount, 1);
        return message.ToArray();
    }

    private static void Time(MessageWriter message, long seconds)
    {
        message.UInt16((int)(seconds >> 32));
        message.UInt32((uint)seconds);
        message.UInt16(Fudge);
    }
}
