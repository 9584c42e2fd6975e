namespace Operos.Lab;

/// <summary>What an operator tells <c>operos-controller setup</c>; it makes the folder <c>setup</c> of a lab.</summary>
internal sealed record ControllerSetup
{
    public string Admission { get; init; } = "auto";
    public string DhcpMode { get; init; } = "full";
    public int MenuSeconds { get; init; } = 1;

    /// <summary>Who may log in on every machine; null for nobody.</summary>
    public SshKey? Administrator { get; init; }

    /// <summary>Further tables of the controller's configuration.</summary>
    public string Configuration { get; init; } = "";

    public async Task RunAsync(Build build, LabFolder folder, CancellationToken cancellationToken)
    {
        var boot = $"[boot]\nkernel-arguments = \"{Build.GuestArguments}\"\nmenu-seconds = {MenuSeconds}\nconsoles = [\"ttyS0,115200\"]\n";
        await File.WriteAllTextAsync(folder["extra.toml"], boot + Configuration, cancellationToken).ConfigureAwait(false);
        string[] range = DhcpMode == "full" ? ["--dhcp-range", NativeController.Range] : [];
        string[] keys = Administrator is { } key ? ["--authorized-keys", key.PublicKey] : [];
        await Shell.RunAsync(build.Binary("operos-controller"),
            [
                "setup", "--dir", folder["setup"], "--address", $"{NativeController.Address}/24",
                "--release-key", build.ReleasePublicKey, "--admission", Admission,
                "--dhcp-mode", DhcpMode, .. range, .. keys, "--extra-config", folder["extra.toml"],
            ], cancellationToken).ConfigureAwait(false);
    }
}
