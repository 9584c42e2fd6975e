using Operos.Lab;

namespace Operos.Bench;

/// <summary>What one fast client gets alone and beside many slow ones, in turn.</summary>
internal static class SlowClientBench
{
    private const int Rounds = 5, Slow = 500, Port = 7480;

    public static Row Run(Build build)
    {
        var path = $"/releases/{Path.GetFileName(build.Release)}/base.squashfs";
        var size = new FileInfo(Path.Combine(build.Release, "base.squashfs")).Length;
        List<double> alone = [], beside = [], ratios = [];
        for (var round = 0; round <= Rounds; round++)
        {
            var quiet = HttpBench.FetchRate(Port, path, size);
            double busy;
            using (new SlowClients(Slow, Port, path)) busy = HttpBench.FetchRate(Port, path, size);
            // The first round fills the page cache.
            if (round == 0) continue;
            alone.Add(quiet);
            beside.Add(busy);
            ratios.Add(busy / quiet);
        }
        var ratio = Median(ratios);
        return new Row($"HTTP, one fast beside {Slow} slow clients", $"{Median(beside):0.00} GB/s", $"alone {Median(alone):0.00}",
            $"ratio {ratio:0.00}, at least 0.8", ratio >= 0.8);
    }

    private static double Median(List<double> values) => values.Order().ElementAt(Rounds / 2);
}
