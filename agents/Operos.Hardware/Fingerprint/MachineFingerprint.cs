using System.Security.Cryptography;
using System.Text;
using Operos.Hardware.Inventories;

namespace Operos.Hardware.Fingerprint;

/// <summary>A machine's first UUID, from its evidence alone: the same machine gets the same from any controller.</summary>
public static class MachineFingerprint
{
    /// <summary>
    /// An RFC 9562 version 8 UUID over the strongest component that has evidence; null where nothing identifies the machine.
    /// </summary>
    /// <param name="attempt">Above 0 where another machine has that UUID already: two boards with one serial are still two
    /// machines.</param>
    public static string? FirstUuid(Inventory inventory, int attempt = 0)
    {
        var evidence = EvidenceReader.Read(inventory);
        if (evidence.Count == 0) return null;
        var firm = evidence.Where(item => !item.Suspect).ToList();
        var strongest = (firm.Count > 0 ? firm : evidence).GroupBy(item => item.Component)
            .OrderByDescending(group => EvidenceReader.WeightOf(group.Key)).ThenBy(group => group.Key).First();
        var items = attempt == 0 ? strongest : evidence.AsEnumerable();
        var text = string.Join('\n', items.Select(item => $"{item.Kind}={item.Value}")) + (attempt > 1 ? $"\n{attempt}" : "");
        return ToUuid(SHA256.HashData(Encoding.UTF8.GetBytes("operos machine\n" + text)));
    }

    private static string ToUuid(byte[] hash)
    {
        // RFC 9562, 5.8: version 8 in bits 48-51, the variant in bits 64-65, the rest is ours.
        hash[6] = (byte)((hash[6] & 0x0F) | 0x80);
        hash[8] = (byte)((hash[8] & 0x3F) | 0x80);
        return new Guid(hash.AsSpan(0, 16), bigEndian: true).ToString();
    }
}
