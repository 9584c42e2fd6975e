using System.Globalization;
using Operos.Linux;
using Operos.Linux.Programs;

namespace Operos.Ceph.Monitors;

/// <summary>Programs of Ceph that work on a monitor's store or maps.</summary>
internal static class MonitorTool
{
    /// <returns>What it printed.</returns>
    /// <exception cref="IOException">It fails, or does not end in time.</exception>
    public static async Task<string> RunAsync(string program, IReadOnlyList<string> arguments, TimeSpan longest,
        CancellationToken cancellationToken)
    {
        var said = await ProgramCall.RunAsync(program, arguments, cancellationToken, longest: longest).ConfigureAwait(false);
        return said.Code == 0 ? said.Output : throw new IOException(string.Create(CultureInfo.InvariantCulture,
            $"{Path.GetFileName(program)} failed with {said.Code}: {PrintableText.Line(said.LastLine, 512)}"));
    }
}
