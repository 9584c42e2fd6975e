using System.Formats.Tar;
using System.Text;
using Operos.Linux.Programs;
using Operos.Node.Runtime;

namespace Operos.Node.Tests;

public sealed class RuntimeTests
{
    [Theory]
    [InlineData("index.json",
        """{"manifests":[{"annotations":{"io.containerd.image.name":"docker.io/operos/pause:3.2" """
            + ""","org.opencontainers.image.ref.name":"3.2"}}]}""",
        "docker.io/operos/pause:3.2")]
    [InlineData("./index.json", """{"manifests":[{"annotations":{"org.opencontainers.image.ref.name":"operos/sample:1"}}]}""",
        "docker.io/operos/sample:1")]
    [InlineData("manifest.json", """[{"RepoTags":["busybox:1","registry.example:5000/x:2"]}]""",
        "docker.io/library/busybox:1 registry.example:5000/x:2")]
    public async Task An_archive_tells_its_images(string entry, string json, string names)
    {
        using var folder = new TestFolder();
        var path = await WriteAsync(folder, entry, json);
        Assert.Equal(names.Split(' '), await ImageArchive.ReadNamesAsync(path, default));
    }

    [Theory]
    [InlineData("index.json", """{"manifests":[{"digest":"x"}]}""")]
    [InlineData("index.json", "{")]
    [InlineData("index.json", "[]")]
    [InlineData("layer", "x")]
    public async Task What_is_no_archive_of_images_is_an_error(string entry, string json)
    {
        using var folder = new TestFolder();
        var path = await WriteAsync(folder, entry, json);
        await Assert.ThrowsAsync<NodeException>(() => ImageArchive.ReadNamesAsync(path, default));
        await File.WriteAllBytesAsync(path, new byte[700]);
        await Assert.ThrowsAsync<NodeException>(() => ImageArchive.ReadNamesAsync(path, default));
        await File.WriteAllTextAsync(path, new string('x', 600));
        await Assert.ThrowsAsync<NodeException>(() => ImageArchive.ReadNamesAsync(path, default));
    }

    [Theory]
    [InlineData("I1124 22:00:00.000001     100 server.go:416] Version: v1.20.2\n"
        + "F1124 22:00:01.000001     100 server.go:269] failed to run Kubelet: no cgroup\nusage: kubelet\n",
        "failed to run Kubelet: no cgroup")]
    [InlineData("time=\"x\" level=info msg=\"a\"\ntime=\"x\" level=error msg=\"b\"\ntime=\"x\" level=info msg=\"c\"\n",
        "time=\"x\" level=error msg=\"b\"")]
    [InlineData("Started kubelet.\n", "Started kubelet.")]
    [InlineData("2026-11-29T13:10:46.193+0000 7fad29bce6c0 -1 osd.3 0 unable to open it\n"
        + "2026-11-29T13:10:46.197+0000 7fad29bce6c0  1 bdev close", "osd.3 0 unable to open it")]
    [InlineData("2026-11-29T13:10:46.197+0000 7fad29bce6c0  1 bdev close", "bdev close")]
    [InlineData("", "")]
    public void The_last_trouble_in_a_journal_is_found(string journal, string error) =>
        Assert.Equal(error, LastWords.Fault(journal.Split('\n')));

    [Fact]
    public void A_step_knows_since_when_it_is_as_it_is()
    {
        var clock = new TestClock();
        var board = new NodeStepBoard(clock);
        board.Begin("a", "b");
        Assert.True(board.Set("b", false, "waits"));
        var since = board.Steps[1].SinceUnixMs;
        clock.Ahead = TimeSpan.FromMinutes(5);
        Assert.True(board.Set("b", false, "still waits"));
        Assert.False(board.Set("b", false, "still waits"));
        Assert.Equal(since, board.Steps[1].SinceUnixMs);
        board.Set("b", true);
        Assert.InRange(board.Steps[1].SinceUnixMs - since, 299_000, 360_000);
        Assert.Equal(["a", "b"], board.Steps.Select(step => step.Name));
        board.Set("a", false, new string('x', 5000));
        Assert.Equal(500, board.Steps[0].Text.Length);
    }

    private static async Task<string> WriteAsync(TestFolder folder, string entry, string contents)
    {
        var path = Path.Combine(folder.Path, "image.tar");
        await using var tar = new TarWriter(File.Create(path));
        await tar.WriteEntryAsync(new PaxTarEntry(TarEntryType.RegularFile, "oci-layout")
            { DataStream = new MemoryStream("{}"u8.ToArray()) });
        await tar.WriteEntryAsync(new PaxTarEntry(TarEntryType.RegularFile, entry)
            { DataStream = new MemoryStream(Encoding.UTF8.GetBytes(contents)) });
        return path;
    }
}
