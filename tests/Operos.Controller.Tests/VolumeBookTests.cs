using Operos.Controller.Storage;
using Operos.Linux;

namespace Operos.Controller.Tests;

/// <summary>Which machine has which volume: what is written down, and what counts of it.</summary>
public sealed class VolumeBookTests : IDisposable
{
    private const string Volume = "pvc-0d2a9c0e-1111-4222-8333-444455556666";

    private readonly string folder = Directory.CreateTempSubdirectory("operos-volumes-").FullName;
    private readonly Dictionary<string, string> boots = new() { ["m1"] = "a", ["m2"] = "a" };

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public void One_machine_has_a_volume_until_it_gives_it_back()
    {
        var book = Open();
        Assert.Equal("m1", book.Take(Staged("m1"))!.Machine);
        var since = book.Take(Staged("m1") with { Since = DateTimeOffset.UnixEpoch.AddDays(1) })!.Since;
        Assert.Equal(DateTimeOffset.UnixEpoch, since);
        Assert.Equal("m1", book.Take(Staged("m2"))!.Machine);
        // Nor its image under another name.
        Assert.Equal("m1", book.Take(Staged("m2") with { Volume = "other" })!.Machine);
        Assert.False(book.Release(Volume, "m2"));
        Assert.False(book.Tell(Volume, "m2", ["x"]));
        Assert.True(book.Tell(Volume, "m1", ["10.0.0.7:0/1"]));
        Assert.Equal(["10.0.0.7:0/1"], Assert.Single(book.All).Addresses);
        Assert.True(book.Release(Volume, "m1"));
        Assert.Equal("m2", book.Take(Staged("m2"))!.Machine);
    }

    [Fact]
    public void The_next_book_has_what_the_one_before_had_and_a_later_boot_has_not()
    {
        Open().Take(Staged("m1"));
        Open().Tell(Volume, "m1", ["10.0.0.7:0/1"]);
        var book = Open();
        Assert.Equal(("m1", "10.0.0.7:0/1"), (book.Find(Volume, Volume)!.Machine, book.Find(Volume, Volume)!.Addresses[0]));
        boots["m1"] = "b";
        Assert.Null(book.Find(Volume, Volume));
        Assert.Empty(book.All);
        Assert.False(book.Tell(Volume, "m1", []));
        Assert.Equal("m2", book.Take(Staged("m2"))!.Machine);
        // Late, from the boot before: it takes nothing from who has it now.
        Assert.False(book.Release(Volume, "m1"));
        Assert.Equal("m2", Open().Find(Volume, Volume)!.Machine);
    }

    /// <summary>Whatever the power leaves, nobody is given what another may have.</summary>
    [Fact]
    public void A_file_that_is_cut_anywhere_or_is_of_another_form_says_so_and_is_left_as_it_is()
    {
        Open().Take(Staged("m1"));
        var whole = File.ReadAllBytes(Path);
        for (var length = 0; length < whole.Length - 1; length++) IsTold(whole[..length]);
        IsTold("""{"format":1,"volumes":[null]}"""u8.ToArray());
        IsTold("""{"format":1,"volumes":[{"volume":"v","image":"i","machine":"m","bootId":null,"since":"2026-01-01T00:00:00Z"}]}"""u8
            .ToArray());
        IsTold("""{"format":99,"volumes":"of another kind"}"""u8.ToArray());
        // One that was being written beside it counts for nothing.
        File.WriteAllBytes(Path, whole);
        File.WriteAllBytes(Path + AtomicFile.PartialSuffix, whole[..9]);
        Assert.Null(Open().Trouble);
        Assert.Equal("m1", Open().Find(Volume, Volume)!.Machine);
    }

    [Fact]
    public void Who_is_given_up_keeps_what_it_has_until_that_is_in_force_and_gets_nothing_more_in_that_boot()
    {
        var book = Open();
        Assert.Null(book.GiveUp("m1", "a", DateTimeOffset.UnixEpoch));
        book.Take(Staged("m1"));
        book.Tell(Volume, "m1", ["10.0.0.7:0/1"]);
        Assert.Null(book.GiveUp("m1", "b", DateTimeOffset.UnixEpoch));
        var fence = book.GiveUp("m1", "a", DateTimeOffset.UnixEpoch)!;
        Assert.Equal([[Volume], [Volume], ["10.0.0.7:0/1"]], [fence.Volumes, fence.Images, fence.Addresses]);
        var more = Staged("m1") with { Volume = "other", Image = "other" };
        foreach (var other in (VolumeBook[])[Open(), book])
        {
            Assert.Null(other.Take(more));
            Assert.Equal("m1", other.Take(Staged("m2"))!.Machine);
            Assert.NotNull(other.FenceOf("m1", "a"));
            Assert.Null(other.FenceOf("m1", "b"));
        }
        book.Keep(fence with { Epoch = 7, InForce = true });
        Assert.Equal("m2", book.Take(Staged("m2"))!.Machine);
        Assert.Null(book.Take(more));
        boots["m1"] = "b";
        Assert.Equal("m1", book.Take(more with { BootId = "b" })!.Machine);
        book.End(fence);
        Assert.Empty(Open().Fences);
    }

    [Fact]
    public void What_cannot_be_written_down_is_not_given()
    {
        var book = Open();
        // A folder in the file's place.
        Directory.CreateDirectory(System.IO.Path.Combine(Path, "in-the-way"));
        Assert.ThrowsAny<Exception>(() => book.Take(Staged("m1")));
        Assert.Null(book.Find(Volume, Volume));
    }

    private string Path => System.IO.Path.Combine(folder, "storage", "volumes.json");

    private VolumeBook Open() => new(Path, one => boots.GetValueOrDefault(one.Machine) == one.BootId);

    private StagedVolume Staged(string machine) => new()
    {
        Volume = Volume, Image = Volume, Machine = machine, BootId = boots[machine], Since = DateTimeOffset.UnixEpoch,
    };

    private void IsTold(byte[] contents)
    {
        File.WriteAllBytes(Path, contents);
        Assert.Contains("no machine gets another one", Open().Trouble, StringComparison.Ordinal);
        Assert.Equal(contents, File.ReadAllBytes(Path));
    }
}
