using System.Security.Cryptography;
using System.Text;

namespace Operos.Policy.Compiling;

/// <summary>
/// Names for nftables objects by what they hold: the same content has the same name in every ruleset, so that two rulesets are compared by
/// names, and nothing that a tenant wrote ever stands in a ruleset.
/// </summary>
internal static class ContentName
{
    /// <summary>96 bits: nobody finds a second content for another tenant's name.</summary>
    private const int Digits = 24;

    public static string Of(string kind, string content) =>
        $"{kind}-{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(content)))[..Digits]}";
}
