using System.CommandLine;
using System.Globalization;
using Operos.Linux;
using Operos.Release;
using Operos.Release.Publishing;

namespace Operos.Ctl.Commands;

/// <summary><c>operosctl release</c>: the key, building and verifying a release's folder. Needs no controller.</summary>
internal static class ReleaseCommands
{
    public static Command Create() => new LocalCommand("release", "Make, sign and verify releases (needs no controller)")
    {
        KeyGen(), Build(), Sign(), Verify(),
    };

    private static Command KeyGen()
    {
        var folder = new Option<string>("--dir") { Description = "Folder for release.key and release.pub", Required = true };
        var command = new Command("keygen", "Make the key pair that signs releases; never overwrites one") { folder };
        command.SetAction(result =>
        {
            ReleaseKey.Generate(result.GetValue(folder)!);
            Console.WriteLine($"wrote {result.GetValue(folder)}/{ReleaseKey.PrivateName} (keep it secret) and {ReleaseKey.PublicName}");
        });
        return command;
    }

    private static Command Build()
    {
        var folder = new Option<string>("--dir") { Description = "Folder with vmlinuz, initramfs.img and the layers", Required = true };
        var key = new Option<string>("--key") { Description = "The private key, PEM", Required = true };
        var version = new Option<string>("--version") { Description = "The release's name", Required = true };
        var minimum = new Option<string?>("--minimum-version") { Description = "Oldest version that may upgrade to it (default: itself)" };
        var kernel = new Option<string>("--kernel-release") { Description = "What uname -r prints on it", Required = true };
        var created = new Option<string?>("--created") { Description = "Time of the build, ISO 8601 (default: now)" };
        created.Validators.Add(result =>
        {
            var text = result.Tokens.Count == 1 ? result.Tokens[0].Value : "";
            if (!DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out _))
                result.AddError($"--created: '{PrintableText.Line(text)}' is no time: ISO 8601, such as 2026-01-31T12:00:00Z");
        });
        var command = new Command("build", "Write release.json and its signature for a folder")
            { folder, key, version, minimum, kernel, created };
        command.SetAction(result =>
        {
            var name = result.GetValue(version)!;
            var at = result.GetValue(created) is { } text ? DateTimeOffset.Parse(
                text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal) : DateTimeOffset.UtcNow;
            var manifest = ReleaseFolder.Build(result.GetValue(folder)!, name, result.GetValue(minimum) ?? name, result.GetValue(kernel)!,
                at, File.ReadAllText(result.GetValue(key)!));
            Console.WriteLine(
                $"release {manifest.Version}: {manifest.Layers.Count} layers, {manifest.Layers.Sum(layer => layer.Size) / 1e6:0.0} MB, "
                + $"signed");
        });
        return command;
    }

    private static Command Sign()
    {
        var folder = new Option<string>("--dir") { Description = "The release's folder", Required = true };
        var trusted = new Option<string>("--trusted") { Description = "The public key that it is signed by until now, PEM, one or more",
            Required = true };
        var key = new Option<string>("--key") { Description = "The private key to sign it with, PEM", Required = true };
        var command = new Command("sign", "Check a release by one key and sign it with another") { folder, trusted, key };
        command.SetAction((result, cancellationToken) =>
        {
            var manifest = ReleaseFolder.Sign(result.GetValue(folder)!, File.ReadAllText(result.GetValue(trusted)!),
                File.ReadAllText(result.GetValue(key)!), cancellationToken);
            Console.WriteLine($"release {manifest.Version}: signed anew");
            return Task.CompletedTask;
        });
        return command;
    }

    private static Command Verify()
    {
        var folder = new Option<string>("--dir") { Description = "The release's folder", Required = true };
        var key = new Option<string>("--key") { Description = "The public key, PEM, one or more", Required = true };
        var command = new Command("verify", "Check signature, sizes, hashes and every chunk") { folder, key };
        command.SetAction((result, cancellationToken) =>
        {
            var path = result.GetValue(folder)!;
            var manifest = ReleaseFolder.Open(path, File.ReadAllText(result.GetValue(key)!));
            var damage = ReleaseFolder.FindDamage(path, manifest, cancellationToken);
            foreach (var line in damage) Console.Error.WriteLine($"operosctl: {line}");
            if (damage.Count > 0)
                throw new ReleaseFormatException($"release {manifest.Version} in {path} is damaged: build or fetch it again");
            Console.WriteLine($"release {manifest.Version}: signature and {manifest.Layers.Sum(layer => layer.Chunks.Count)} chunks valid");
            return Task.CompletedTask;
        });
        return command;
    }
}
