using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Operos.TestRun;

/// <summary>A part of the long lists that <c>make soak</c> goes through.</summary>
/// <remarks>Compiled into the runner, and into each test project that has such a list.</remarks>
internal readonly record struct SoakPart(int Number)
{
    /// <summary>Of a list; each has so many, so that a part is a matter of seconds.</summary>
    public const int Count = 500;

    /// <summary>Tells the tests their part: <c>17</c>.</summary>
    public const string Variable = "OPEROS_SOAK";

    /// <exception cref="InvalidOperationException">There is none: the tests were not started by <c>make soak</c>.</exception>
    public static SoakPart Current =>
        int.TryParse(Environment.GetEnvironmentVariable(Variable), NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            && number < Count
            ? new SoakPart(number)
            : throw new InvalidOperationException($"{Variable} says no part from 0 to {Count - 1}: such tests are started by make soak");

    /// <summary>The part that a run of this commit does: one commit after the other goes through the lists.</summary>
    public static SoakPart Of(string commit) => new((int)(BitConverter.ToUInt32(SHA256.HashData(Encoding.UTF8.GetBytes(commit))) % Count));

    /// <summary>The seeds of this part, when each has so many: no other part has them.</summary>
    public IEnumerable<int> Seeds(int each) => Enumerable.Range(Number * each, each);

    public override string ToString() => Number.ToString(CultureInfo.InvariantCulture);
}
