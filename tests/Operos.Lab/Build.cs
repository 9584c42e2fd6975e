namespace Operos.Lab;

/// <summary>Where a checkout keeps what <c>make release</c> built.</summary>
public sealed class Build
{
    private readonly string? release;

    public Build()
    {
        Root = FindRoot();
        release = FindRelease(Root);
    }

    public string Root { get; }

    /// <summary>The checkout that this was built in.</summary>
    public static string FindRoot()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "Operos.sln"))) folder = folder.Parent;
        return folder?.FullName ?? throw new LabException("not inside a checkout of Operos");
    }

    /// <summary>The folder of a checkout's signed release; null where none was built.</summary>
    public static string? FindRelease(string root)
    {
        var releases = Path.Combine(root, "out/release");
        if (!Directory.Exists(releases)) return null;
        return Directory.EnumerateDirectories(releases).FirstOrDefault(path => File.Exists(Path.Combine(path, "release.json.sig")));
    }

    public string Out => Path.Combine(Root, "out");

    /// <summary>The signed release in <c>out/release</c>, or another that a test made.</summary>
    /// <exception cref="LabException">None was built.</exception>
    public string Release
    {
        get => release ?? throw new LabException("there is no release in out/release: run make release first");
        init => release = value;
    }

    /// <summary>Whether the layers were built with Ceph (<c>make CEPH=1</c>).</summary>
    public bool HasCeph => File.Exists(Path.Combine(Out, "images/roots/worker/usr/bin/ceph-osd"));

    /// <summary>Whether the layers were built with Kubernetes (<c>make KUBERNETES=1</c>).</summary>
    public bool HasKubernetes => File.Exists(Path.Combine(Out, "images/roots/controller/usr/bin/kube-apiserver"));

    /// <summary>The keys that signed the release: private and public, PEM.</summary>
    public string ReleaseKey => Path.Combine(Keys, "release.key");
    public string ReleasePublicKey => Path.Combine(Keys, "release.pub");

    /// <summary>They are outside the checkout (<c>images/release-key.sh</c>).</summary>
    private string Keys => File.ReadAllText(Path.Combine(Out, "release-keys")).Trim();

    public string Loaders => Path.Combine(Out, "images/roots/controller");
    public string Binary(string name) => Path.Combine(Out, "bin", name);

    /// <summary>
    /// QEMU before 8 emulates CMPXCHG16B such that the kernel's allocator corrupts itself; the kernel goes without it then, and
    /// programs, which need it, keep it. Its time stamp counter is the host's and steady, which the kernel would not believe: each look at
    /// the clock would then be one at an emulated HPET. Without high-resolution timers it programs an emulated APIC less often.
    /// </summary>
    public const string GuestArguments = "clearcpuid=cx16 mitigations=off tsc=reliable highres=off";
}
