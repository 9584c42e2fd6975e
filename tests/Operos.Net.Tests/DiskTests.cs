using System.Text.Json;
using Operos.Lab;

namespace Operos.Net.Tests;

/// <summary>Disks as an operator sees and orders them: the real operosctl, controller and worker, on images.</summary>
public sealed class DiskTests
{
    private const long Gibibyte = 1L << 30;

    [Fact]
    public async Task Each_disk_is_told_with_its_reason_and_the_way_out_kept_out_and_wiped_only_as_it_was_seen()
    {
        await using var service = await BootService.StartAsync("off");
        var (blank, foreign) = (Image(service, "one.img", 3 * Gibibyte), Image(service, "two.img", 4 * Gibibyte));
        await Shell.RunAsync("mkfs.ext4", ["-q", "-F", foreign], default);
        var worker = Worker.Start(service, "worker", Worker.Machine(1), disks: [blank, foreign]);
        var id = await worker.BeUpAsync();
        await CtlAsync(service, $"machines rename {id} w1");
        await ListedAsync(service, worker, "w1/one.img .* blank ", "w1/two.img .* foreign .* ext");
        var list = await CtlAsync(service, "disks");
        Assert.Contains("w1/two.img: if nothing on it is needed: operosctl disks wipe w1/two.img", list, StringComparison.Ordinal);
        using var json = JsonDocument.Parse(await CtlAsync(service, "disks show w1/two.img --json"));
        var disk = json.RootElement.GetProperty("entry").GetProperty("disk");
        Assert.Equal((4 * Gibibyte, "foreign"), (disk.GetProperty("bytes").GetInt64(), disk.GetProperty("class").GetString()));

        // Kept out, over a controller that starts anew.
        await CtlAsync(service, "disks exclude w1/one.img");
        service.Controller.Kill();
        await service.Controller.RunAsync(default);
        await ListedAsync(service, worker, "w1/one.img .* blank, kept out ");
        await worker.BeUpAsync();
        Assert.Contains("is no longer kept out; its machine uses it", await CtlAsync(service, "disks reclaim w1/one.img"),
            StringComparison.Ordinal);
        Assert.Contains("for 1 s: ", await CtlAsync(service, "disks locate w1/two.img --seconds 1"), StringComparison.Ordinal);

        // Nobody confirms; then somebody wrote to it since it was looked at.
        Assert.Contains("ended with 2", await RefusedAsync(service, "disks wipe w1/two.img < /dev/null"), StringComparison.Ordinal);
        Write(foreign, 700, "changed"u8);
        var refused = await RefusedAsync(service, "disks wipe w1/two.img --yes");
        Assert.Contains("two.img is not wiped: what is on it is not what was seen", refused, StringComparison.Ordinal);
        Assert.Contains("ended with 4", refused, StringComparison.Ordinal);
        Assert.Equal("changed", System.Text.Encoding.ASCII.GetString(Read(foreign, 700, 7)));

        // It is looked at again by itself, and wiped as it is then.
        var wiped = await Wait.ForAsync("it is wiped as it is now", Worker.Soon, async () =>
        {
            try { return await CtlAsync(service, "disks wipe w1/two.img --yes"); }
            catch (LabException e) when (e.Message.Contains("not as it was", StringComparison.Ordinal)
                || e.Message.Contains("is not wiped", StringComparison.Ordinal)) { return null; }
        }, worker.Log, service.Controller.LogPath);
        Assert.Contains("found        ext", wiped, StringComparison.Ordinal);
        Assert.Contains("w1/two.img: it is wiped: every place ", wiped, StringComparison.Ordinal);
        await ListedAsync(service, worker, "w1/two.img .* blank ");
        Assert.Equal(new byte[7], Read(foreign, 700, 7));

        // What was ordered is in the log, and what came of it in the machine's history.
        Assert.Contains("disks wipe", await CtlAsync(service, "audit"), StringComparison.Ordinal);
        Assert.Contains("wipe of disk two.img is done", await CtlAsync(service, "events w1"), StringComparison.Ordinal);
        worker.Terminate();
        await Wait.UntilAsync("it is told as of when", Worker.Soon, async () =>
            (await CtlAsync(service, "disks list w1")).Contains("w1 is down: its disks are as it told them ", StringComparison.Ordinal),
            service.Controller.LogPath);
        Assert.Contains("w1 is not up: nothing on it can be wiped", await RefusedAsync(service, "disks wipe w1/two.img --yes"),
            StringComparison.Ordinal);
    }

    private static Task ListedAsync(BootService service, Worker worker, params string[] expected) =>
        Wait.UntilAsync($"the list has {string.Join(" and ", expected)}", Worker.Soon, async () =>
        {
            var list = await CtlAsync(service, "disks list");
            return expected.All(line => System.Text.RegularExpressions.Regex.IsMatch(list, line));
        }, worker.Log, service.Controller.LogPath);

    private static string Image(BootService service, string name, long bytes)
    {
        var path = service.Folder[name];
        using var file = File.Create(path);
        file.SetLength(bytes);
        return path;
    }

    private static void Write(string path, long at, ReadOnlySpan<byte> bytes)
    {
        using var file = File.OpenWrite(path);
        file.Position = at;
        file.Write(bytes);
    }

    private static byte[] Read(string path, long at, int length)
    {
        using var file = File.OpenRead(path);
        file.Position = at;
        var bytes = new byte[length];
        file.ReadExactly(bytes);
        return bytes;
    }

    private static Task<string> CtlAsync(BootService service, string line) =>
        service.Client.RunAsync("sh", ["-c",
            $"exec '{new Build().Binary("operosctl")}' --config '{service.Folder["setup/admin"]}' {line} 2>&1"]);

    private static async Task<string> RefusedAsync(BootService service, string line) =>
        (await Assert.ThrowsAsync<LabException>(() => CtlAsync(service, line))).Message;
}
