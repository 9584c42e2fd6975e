namespace Operos.Lab;

/// <summary>The key of an operator, who may log in as root on every machine of a controller that was told of it.</summary>
public sealed class SshKey
{
    private readonly string path;

    private SshKey(string path) => this.path = path;

    public string PublicKey => path + ".pub";

    public static async Task<SshKey> MakeAsync(LabFolder folder, CancellationToken cancellationToken)
    {
        var key = new SshKey(folder["ssh-key"]);
        await Shell.RunAsync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "operos-lab", "-f", key.path], cancellationToken)
            .ConfigureAwait(false);
        return key;
    }

    /// <summary>A command on a machine of the rack; its output.</summary>
    /// <exception cref="LabException">Nobody answers, or it failed; with what was said.</exception>
    public Task<string> RunAsync(LabNetwork network, string address, string command, CancellationToken cancellationToken) =>
        network.RunAsync("ssh", ["-i", path, "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o",
            "LogLevel=ERROR", "-o", "ConnectTimeout=30", $"root@{address}", command], cancellationToken);
}
