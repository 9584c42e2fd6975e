using System.Runtime.InteropServices;

namespace Operos.Linux;

/// <summary>
/// SHA-256 and ECDSA P-256 verification by nettle and hogweed, for PID 1, which links them statically: the runtime's own need
/// OpenSSL's 6 MB in the initramfs. Contexts are allocated larger than any version's (sha256_ctx is 112 bytes).
/// </summary>
public static unsafe partial class Nettle
{
    public const int Sha256Size = 32;

    public static void Sha256(ReadOnlySpan<byte> data, Span<byte> digest)
    {
        if (digest.Length != Sha256Size) throw new ArgumentException("a SHA-256 digest has 32 bytes", nameof(digest));
        var context = stackalloc byte[512];
        nettle_sha256_init(context);
        fixed (byte* input = data) nettle_sha256_update(context, (nuint)data.Length, input);
        fixed (byte* output = digest) nettle_sha256_digest(context, Sha256Size, output);
    }

    /// <summary>Verifies an ECDSA signature on the curve P-256; all numbers are big-endian, 32 bytes.</summary>
    public static bool VerifyP256(ReadOnlySpan<byte> x, ReadOnlySpan<byte> y, ReadOnlySpan<byte> digest, ReadOnlySpan<byte> r,
        ReadOnlySpan<byte> s)
    {
        // struct ecc_point is two words, mpz_t two, struct dsa_signature two mpz_t.
        var point = stackalloc long[4];
        var numbers = stackalloc long[4];
        var signature = stackalloc long[8];
        nettle_ecc_point_init(point, nettle_get_secp_256r1());
        nettle_dsa_signature_init(signature);
        Import(numbers, x);
        Import(numbers + 2, y);
        Import(signature, r, initialise: false);
        Import(signature + 2, s, initialise: false);
        try
        {
            if (nettle_ecc_point_set(point, numbers, numbers + 2) == 0) return false;
            fixed (byte* hash = digest) return nettle_ecdsa_verify(point, (nuint)digest.Length, hash, signature) == 1;
        }
        finally
        {
            __gmpz_clear(numbers);
            __gmpz_clear(numbers + 2);
            nettle_dsa_signature_clear(signature);
            nettle_ecc_point_clear(point);
        }
    }

    private static void Import(long* number, ReadOnlySpan<byte> bigEndian, bool initialise = true)
    {
        if (initialise) __gmpz_init(number);
        fixed (byte* bytes = bigEndian) __gmpz_import(number, (nuint)bigEndian.Length, 1, 1, 1, 0, bytes);
    }

    [LibraryImport("nettle")]
    private static partial void nettle_sha256_init(byte* context);

    [LibraryImport("nettle")]
    private static partial void nettle_sha256_update(byte* context, nuint length, byte* data);

    [LibraryImport("nettle")]
    private static partial void nettle_sha256_digest(byte* context, nuint length, byte* digest);

    [LibraryImport("hogweed")]
    private static partial nint nettle_get_secp_256r1();

    [LibraryImport("hogweed")]
    private static partial void nettle_ecc_point_init(long* point, nint curve);

    [LibraryImport("hogweed")]
    private static partial void nettle_ecc_point_clear(long* point);

    [LibraryImport("hogweed")]
    private static partial int nettle_ecc_point_set(long* point, long* x, long* y);

    [LibraryImport("hogweed")]
    private static partial void nettle_dsa_signature_init(long* signature);

    [LibraryImport("hogweed")]
    private static partial void nettle_dsa_signature_clear(long* signature);

    [LibraryImport("hogweed")]
    private static partial int nettle_ecdsa_verify(long* point, nuint length, byte* digest, long* signature);

    [LibraryImport("gmp")]
    private static partial void __gmpz_init(long* number);

    [LibraryImport("gmp")]
    private static partial void __gmpz_clear(long* number);

    [LibraryImport("gmp")]
    private static partial void __gmpz_import(long* number, nuint count, int order, nuint size, int endian, nuint nails, byte* data);
}
