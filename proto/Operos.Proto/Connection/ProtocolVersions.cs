namespace Operos.Proto.Connection;

/// <summary>The versions of the protocol that a program speaks, from the oldest to the newest.</summary>
public readonly record struct ProtocolVersions(int Oldest, int Newest)
{
    /// <summary>What this build speaks. A version is one that changes what a message means; new messages and keys need none.</summary>
    public static ProtocolVersions Spoken { get; } = new(1, 1);

    public static ProtocolVersions Of(Hello hello) =>
        new(hello.ProtocolVersion, hello.NewestVersion == 0 ? hello.ProtocolVersion : hello.NewestVersion);

    public bool Include(int version) => version >= Oldest && version <= Newest;

    /// <summary>The newest version that both speak; null where there is none.</summary>
    public int? Common(ProtocolVersions other) =>
        Math.Min(Newest, other.Newest) is var newest && newest >= Math.Max(Oldest, other.Oldest) ? newest : null;

    /// <summary>As the connecting side sends it; one version alone as programs that know no range sent it.</summary>
    internal Hello ToHello(string agent) =>
        new() { ProtocolVersion = Oldest, Agent = agent, NewestVersion = Newest == Oldest ? 0 : Newest };

    public override string ToString() => Oldest == Newest ? $"{Oldest}" : $"{Oldest} to {Newest}";
}
