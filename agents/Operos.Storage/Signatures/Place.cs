namespace Operos.Storage.Signatures;

/// <summary>Where on a disk a structure stands: so far from its start, or so far before its end.</summary>
internal readonly record struct Place
{
    private readonly long distance;
    private readonly long grain;

    private Place(long distance, long grain) => (this.distance, this.grain) = (distance, grain);

    public static Place Start(long offset) => new(offset, 0);

    /// <param name="back">In bytes before the end.</param>
    /// <param name="grain">What the disk's size is rounded down to first.</param>
    public static Place End(long back, long grain = 512) => new(back, grain);

    public static Place[] Starts(params ReadOnlySpan<long> offsets)
    {
        var places = new Place[offsets.Length];
        for (var i = 0; i < places.Length; i++) places[i] = Start(offsets[i]);
        return places;
    }

    /// <summary>The last sectors of a disk of 512-byte and of 4096-byte sectors, counted from 1.</summary>
    public static Place[] LastSectors(params ReadOnlySpan<int> numbers)
    {
        var places = new List<Place>();
        foreach (var number in numbers) places.AddRange([End(number * 512L), End(number * 4096L, 4096)]);
        return [.. places];
    }

    /// <summary>The offset on a disk of so many bytes; null where it is too small.</summary>
    public long? On(long bytes)
    {
        var offset = grain == 0 ? distance : bytes / grain * grain - distance;
        return offset >= 0 && offset < bytes ? offset : null;
    }
}
