using System.Runtime.InteropServices;
using Operos.Init;
using Operos.Init.Boot;
using Operos.Init.Fetch;
using Operos.Init.Modules;
using Operos.Init.Mounts;
using Operos.Init.Progress;
using Operos.Init.Settings;
using Operos.Linux;

// PID 1 of the initramfs. It either becomes systemd or starts the machine again; it never ends.
if (Environment.ProcessId != 1)
{
    Console.Error.WriteLine("operos-init: runs as PID 1 of the initramfs only; see initramfs/README.md");
    return 2;
}
try
{
    EarlyMounts.MountAll();
    BootConsole.Open();
    SystemControl.CatchCtrlAltDel();
    using var restart = PosixSignalRegistration.Create(PosixSignal.SIGINT, _ => SystemControl.Reboot());
    BootConsole.Say("init",
        $"operos-init {typeof(BootSettings).Assembly.GetName().Version?.ToString(3)}, {Environment.ProcessorCount} CPUs");
    Boot();
}
catch (Exception e)
{
    Restart(e);
}
return 1;

static void Boot()
{
    var log = new BootLog();
    var settings = BootSettings.Read(new KernelCommandLine(File.ReadAllText("/proc/cmdline")));
    var kernelRelease = File.ReadAllText("/proc/sys/kernel/osrelease").Trim();
    using (var coldplug = new Coldplug())
    {
        log.Phase("modules", () =>
        {
            // Three walks reach what stands behind a bus; later walks follow while waiting for NIC or disk.
            for (var walk = 0; walk < 3 && coldplug.LoadForDevices() > 0; walk++) { }
            coldplug.LoadFileSystems();
            return $"{coldplug.Loaded} loaded";
        });
        var verifier = new ReleaseVerifier(File.ReadAllText(Path.Combine(ReleaseVerifier.AnchorFolder, "release.pub")));
        if (settings.Images is null) new WorkerBoot(settings, coldplug, verifier, kernelRelease, log).Run();
        else new ControllerBoot(settings, coldplug, verifier, kernelRelease, log).Run();
    }
    log.Phase("switch", () =>
    {
        Anchor.Keep();
        return "to systemd";
    });
    log.Save(settings, kernelRelease);
    RootSwitch.Go(LayerStack.Root);
}

// Nothing drops to a prompt: what cannot be retried in place is retried from the firmware on.
static void Restart(Exception e)
{
    var pause = TimeSpan.FromSeconds(20 + Random.Shared.Next(20));
    var text = e is BootException ? e.Message : e.ToString();
    foreach (var line in text.Split('\n')) BootConsole.Warn("failed", line);
    BootConsole.Warn("failed", $"this machine starts again in {pause.TotalSeconds:0} s");
    Thread.Sleep(pause);
    SystemControl.Reboot();
    Thread.Sleep(Timeout.Infinite);
}
