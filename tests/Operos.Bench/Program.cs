using Operos.Bench;
using Operos.Bench.Nodes;
using Operos.Lab;

// Measures against what a user would pick instead, side by side in one run; arguments name the parts to measure. Runs in namespaces of its
// own (see the Makefile): what it starts ends with it.
var build = new Build();
using var folder = LabFolder.Create(Path.Combine(build.Out, "bench"), "run");
var table = new BenchTable(args);
await table.MeasureAsync("boot", () => BootBench.RunAsync(build));
await table.MeasureAsync("node", () => NodeBench.RunAsync(build));
await table.MeasureAsync("size", () => SizeBench.Run(build));
await table.MeasureAsync("watch", async () => await WatchBench.RunAsync(build, Path.Combine(build.Out, "bench")));
await table.MeasureAsync("policy", async () => await PolicyBench.RunAsync());
await table.MeasureAsync("controller", async () =>
{
    using var controller = BenchController.Start(build, folder.Path);
    try
    {
        return
        [
            .. await HttpBench.RunAsync(build, folder.Path, controller),
            SlowClientBench.Run(build),
            .. await EnrolBench.RunAsync(folder.Path, controller.Id),
            await EnrolBench.MeasureWorkerAsync(build, folder.Path, []),
            await EnrolBench.MeasureWorkerAsync(build, folder.Path, DiskBench.Images(folder.Path)),
            new Row("controller, RSS after the load", $"{ProcessFigures.RssBytes(controller.Id) / 1e6:0.0} MB", "", "at most 100 MB idle",
                ProcessFigures.RssBytes(controller.Id) < 100e6),
        ];
    }
    // With its dnsmasq.
    finally { controller.Kill(entireProcessTree: true); }
});
await table.MeasureAsync("disks", async () => await DiskBench.RunAsync(build, folder.Path));
await table.MeasureAsync("disk-boot", () => DiskBootBench.RunAsync(build));
await table.MeasureAsync("dns", async () => await DnsBench.RunAsync(folder.Path));
table.Print();
return table.Failed ? 1 : 0;
