using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Operos.Hardware.Inventories;

/// <summary>
/// The public endorsement key of a TPM 2.0, made anew from the seed that its maker put in: the same at each boot, another in each TPM
/// (TPM 2.0 Library, part 3, 24.1 TPM2_CreatePrimary; TCG EK Credential Profile 2.5, B.3.4, template L-2).
/// </summary>
internal static class TpmEndorsementKey
{
    private const ushort Sessions = 0x8002;
    private const uint CreatePrimary = 0x131, EndorsementHierarchy = 0x4000000B, PasswordSession = 0x40000009;
    private const ushort Ecc = 0x23, Sha256 = 0x0B, Aes = 0x06, Cfb = 0x43, NoScheme = 0x10, P256 = 0x03;
    private const uint Attributes = 0x000300B2;
    private const int HeaderBytes = 10, MaxResponse = 4096, PointBytes = 32;

    /// <summary>PolicySecret of the endorsement hierarchy: the policy that the template prescribes.</summary>
    private static readonly byte[] Policy = Convert.FromHexString("837197674484B3F81A90CC8D46A5D724FD52D76E06520B64F2A1DA1B331469AA");

    /// <summary>SHA-256 of the key's point on P-256, lower-case hex; null where the TPM gives none.</summary>
    /// <param name="device">A resource-managed TPM such as <c>/dev/tpmrm0</c>, which forgets the key when it is closed.</param>
    /// <exception cref="IOException">The TPM cannot be talked to.</exception>
    public static string? Read(Stream device)
    {
        device.Write(Command());
        device.Flush();
        var response = new byte[MaxResponse];
        var length = device.Read(response);
        return Parse(response.AsSpan(0, length));
    }

    /// <summary>The key in a response to TPM2_CreatePrimary; null for a refusal or anything malformed.</summary>
    internal static string? Parse(ReadOnlySpan<byte> response)
    {
        if (response.Length < HeaderBytes || BinaryPrimitives.ReadUInt32BigEndian(response[2..]) != response.Length
            || BinaryPrimitives.ReadUInt32BigEndian(response[6..]) != 0) return null;
        // The object's handle and the parameters' size come first, then the public area.
        response = response[HeaderBytes..];
        if (response.Length < 10) return null;
        int size = BinaryPrimitives.ReadUInt16BigEndian(response[8..]);
        if (response.Length < 10 + size) return null;
        var area = response.Slice(10, size);
        const int point = 2 * (2 + PointBytes);
        if (size < 2 + point || BinaryPrimitives.ReadUInt16BigEndian(area) != Ecc) return null;
        var x = area[^point..^(point / 2)];
        var y = area[^(point / 2)..];
        if (BinaryPrimitives.ReadUInt16BigEndian(x) != PointBytes || BinaryPrimitives.ReadUInt16BigEndian(y) != PointBytes) return null;
        return Convert.ToHexStringLower(SHA256.HashData([.. x[2..], .. y[2..]]));
    }

    private static byte[] Command()
    {
        byte[] template =
        [
            .. Word(Ecc), .. Word(Sha256), .. Double(Attributes), .. Sized(Policy),
            .. Word(Aes), .. Word(128), .. Word(Cfb), .. Word(NoScheme), .. Word(P256), .. Word(NoScheme),
            .. Sized(new byte[PointBytes]), .. Sized(new byte[PointBytes]),
        ];
        byte[] authorisation = [.. Double(PasswordSession), .. Word(0), 0, .. Word(0)];
        byte[] body =
        [
            .. Double(EndorsementHierarchy), .. Double((uint)authorisation.Length), .. authorisation,
            .. Sized([.. Word(0), .. Word(0)]), .. Sized(template), .. Word(0), .. Double(0),
        ];
        return [.. Word(Sessions), .. Double((uint)(HeaderBytes + body.Length)), .. Double(CreatePrimary), .. body];
    }

    private static byte[] Sized(byte[] value) => [.. Word((ushort)value.Length), .. value];

    private static byte[] Word(ushort value) => [(byte)(value >> 8), (byte)value];

    private static byte[] Double(uint value) => [.. Word((ushort)(value >> 16)), .. Word((ushort)value)];
}
