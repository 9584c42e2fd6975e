using Operos.Lab;
using Operos.Linux;
using Operos.Policy.Nftables;

namespace Operos.Policy.Tests.Packets;

/// <summary>A network namespace of a test's own, with the real nft and kernel.</summary>
public abstract class NftNamespace(string name) : IAsyncLifetime
{
    private readonly LabFolder folder = LabFolder.Create(Path.Combine(new Build().Out, "test"), $"policy-{name}");
    private readonly NetworkNamespace inside = new($"opol-{Environment.ProcessId}-{name}");

    public async ValueTask InitializeAsync()
    {
        folder.NoteNamespace(inside.Name);
        await Shell.RunAsync("ip", ["netns", "add", inside.Name], default);
    }

    public ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        folder.Dispose();
        return ValueTask.CompletedTask;
    }

    /// <summary>As a node has it, which asks the kernel whether anybody changed rules before it reads them.</summary>
    internal RulesetApplier Applier() =>
        new([.. inside.Command("nft")], generation: () => NamespaceThread.Run(inside.Name, NftablesGeneration.Read));

    internal Task<string> NftAsync(params string[] arguments)
    {
        var command = inside.Command(["nft", .. arguments]);
        return Shell.RunAsync(command[0], command.Skip(1), default);
    }
}
