using System.Security.Cryptography.X509Certificates;
using Operos.Lab;

namespace Operos.Net.Tests;

/// <summary>Operators as they work: the real operosctl on a host of its own, against the real controller.</summary>
public sealed class OperatorTests
{
    [Fact]
    public async Task Operators_are_made_kept_to_their_role_renewed_by_use_revoked_and_let_back_in_by_the_console()
    {
        await using var service = await BootService.StartAsync("off");
        string Folder(string name) => service.Folder[name == "admin" ? "setup/admin" : name];
        Task<string> As(string name, string line) =>
            service.Client.RunAsync("sh", ["-c", $"exec '{new Build().Binary("operosctl")}' {line} --config '{Folder(name)}' 2>&1"]);
        async Task<string> RefusedAsync(string name, string line) => (await Assert.ThrowsAsync<LabException>(() => As(name, line))).Message;

        Assert.Contains("bob (viewer): credentials in", await As(
            "admin", $"operators add bob --role viewer --life 4m --out {Folder("bob")}"), StringComparison.Ordinal);
        Assert.Contains("has credentials already", await RefusedAsync("admin", $"operators add dora --role admin --out {Folder("bob")}"),
            StringComparison.Ordinal);
        await As("admin", $"operators add dora --role admin --out {Folder("dora")}");
        await As("bob", "machines list");
        Assert.Contains("bob is a viewer; machines reboot takes an operator", await RefusedAsync("bob", "machines reboot nobody"),
            StringComparison.Ordinal);
        var first = await File.ReadAllTextAsync(Path.Combine(Folder("bob"), "client.pem"));

        // At two thirds of its life it is due; until then use changes nothing. The last third is for three commands beside booting guests.
        using (var certificate = X509Certificate2.CreateFromPem(first))
            await Task.Delay(certificate.NotBefore.ToUniversalTime() + (certificate.NotAfter - certificate.NotBefore) * 2 / 3
                + TimeSpan.FromSeconds(1) - DateTime.UtcNow);
        Assert.Contains("bob: expires in", await As("admin", "operators"), StringComparison.Ordinal);
        Assert.Contains("certificate near expiry: operator bob", await As("admin", "status"), StringComparison.Ordinal);
        // What cannot be replaced still works, and says so.
        Directory.CreateDirectory(Path.Combine(Folder("bob"), ".renewal"));
        Assert.Contains("were not renewed", await As("bob", "machines list"), StringComparison.Ordinal);
        Assert.Equal(first, await File.ReadAllTextAsync(Path.Combine(Folder("bob"), "client.pem")));
        Directory.Delete(Path.Combine(Folder("bob"), ".renewal"));
        Assert.DoesNotContain("not renewed", await As("bob", "machines list"), StringComparison.Ordinal);
        Assert.NotEqual(first, await File.ReadAllTextAsync(Path.Combine(Folder("bob"), "client.pem")));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Path.Combine(Folder("bob"), "client.pem")));
        await As("bob", "operators renew");
        Assert.DoesNotContain("bob: expires in", await As("bob", "operators list"), StringComparison.Ordinal);

        await As("admin", "operators revoke bob --yes");
        Assert.Contains("does not count", await RefusedAsync("bob", "machines list"), StringComparison.Ordinal);

        // The last admin's credentials are lost with their folder.
        await As("dora", "operators revoke admin --yes");
        Directory.Delete(Folder("dora"), recursive: true);
        Assert.Contains("does not count", await RefusedAsync("admin", "machines list"), StringComparison.Ordinal);
        string[] recover = ["recover-admin", "--config", service.Controller.ConfigurationPath, "--state", service.Folder["setup/state"],
            "--out", Folder("back")];
        Assert.Contains("made the admin recovered-1", await Shell.RunAsync(new Build().Binary("operos-controller"), recover, default),
            StringComparison.Ordinal);
        Assert.Contains("recovered-1", await As("back", "operators"), StringComparison.Ordinal);
    }
}
