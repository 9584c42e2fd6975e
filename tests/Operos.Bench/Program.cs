using Operos.Bench;
using Operos.Lab;

// Measures against what a user would pick instead, side by side in one run. Runs in a network namespace of its own (see the Makefile).
var build = new Build();
var folder = LabFolder.Create(Path.Combine(build.Out, "bench"), "run");
try
{
    var rows = new List<Row>();
    rows.AddRange(await BootBench.RunAsync(build));
    rows.AddRange(SizeBench.Run(build));
    rows.AddRange(await PolicyBench.RunAsync());
    using (var controller = BenchController.Start(build, folder.Path))
    {
        rows.AddRange(await HttpBench.RunAsync(build, folder.Path, controller));
        rows.Add(SlowClientBench.Run(build));
        rows.AddRange(await EnrolBench.RunAsync(folder.Path, controller.Id));
        rows.Add(await EnrolBench.MeasureWorkerAsync(build, folder.Path));
        rows.Add(new Row("controller, RSS after the load", $"{ProcessFigures.RssBytes(controller.Id) / 1e6:0.0} MB", "", "at most 100 MB idle", ProcessFigures.RssBytes(controller.Id) < 100e6));
        // With its dnsmasq.
        controller.Kill(entireProcessTree: true);
    }
    rows.AddRange(await DnsBench.RunAsync(folder.Path));
    Console.WriteLine($"\n{"",-40} {"Operos",16} {"beside it",16}  goal");
    foreach (var row in rows) Console.WriteLine($"{row.What,-40} {row.Ours,16} {row.Theirs,16}  {row.Goal}{(row.Met is null ? "" : row.Met.Value ? "  met" : "  MISSED")}");
    return 0;
}
finally { folder.Dispose(); }
