using System.Text;
using Operos.Release;
using static Operos.Worker.Diagnosis.StatusText;

namespace Operos.Worker.Diagnosis;

/// <summary>A diagnosis as a person at the machine reads it.</summary>
internal static class DiagnosisText
{
    /// <summary>TLS and a machine's work bear with less.</summary>
    private static readonly TimeSpan ClockTolerance = TimeSpan.FromSeconds(2);
    private const int MostFolders = 6;

    public static string Write(MachineDiagnosis found)
    {
        var text = new StringBuilder();
        if (found.Status is { } status) text.Append(StatusText.Write(status, found.Time)).Append('\n');
        else Line(text, "agent", "it has written no status: does operos-worker.service run? systemctl status operos-worker");
        if (found.Status?.Machine is null) Line(text, "fingerprint", found.Fingerprint ?? "none: nothing identifies this machine");
        Line(text, "controller", Controller(found.Controller));
        Line(text, "clock", $"{Time(found.Time)}{Clock(found.Controller)}");
        text.Append(StatusText.Write("", found.Clock, found.Time)).Append('\n');
        Line(text, "memory", $"{Size(found.MemoryAvailableBytes)} of {Size(found.MemoryBytes)} left");
        foreach (var files in found.FilesInMemory.Take(MostFolders))
            Line(text, "", $"{files.Path} holds {Size(files.Used)} of at most {Size(files.Bound)}");
        var name = "network";
        foreach (var card in found.Network.DefaultIfEmpty("no network card"))
        {
            Line(text, name, card);
            name = "";
        }
        Line(text, "boot", found.Boot is { } boot ? Boot(boot) : $"no record {BootRecord.Path}: it was not booted by operos-init");
        Line(text, "up", Span(TimeSpan.FromSeconds(found.UptimeSeconds)));
        text.Append("last words\n");
        foreach (var line in found.LastWords.DefaultIfEmpty("none: no warning in this boot")) Line(text, "", line);
        Line(text, "next", "journalctl -u operos-worker; ip address; ip route; on the controller: operosctl why MACHINE");
        return text.ToString().TrimEnd('\n');
    }

    private static string Controller(ControllerView controller) => controller.Answers
        ? $"{controller.Endpoint} answers within {controller.TookMs} ms: {controller.Text}"
        : $"{controller.Endpoint ?? "unknown"} does not answer: {controller.Text}";

    private static string Clock(ControllerView controller)
    {
        if (controller.ClockBehindMs is not { } milliseconds) return "";
        var behind = TimeSpan.FromMilliseconds(milliseconds);
        return behind.Duration() < ClockTolerance ? ", as the controller's"
            : $", {Span(behind.Duration())} {(milliseconds > 0 ? "behind" : "ahead of")} the controller's";
    }

    private static string Boot(BootRecord boot)
    {
        var phases = boot.Phases.Where(phase => phase.EndMs > phase.StartMs)
            .Select(phase => $"{phase.Name} {(phase.EndMs - phase.StartMs) / 1000.0:0.0} s");
        var trouble = boot.Retries + boot.RefusedChunks + boot.Restarts == 0 ? ""
            : $"; {boot.Retries} retries, {boot.RefusedChunks} chunks refused, {boot.Restarts} restarts";
        return $"release {boot.Release}, kernel {boot.KernelRelease}, {boot.Firmware}: {string.Join(", ", phases)}{trouble}";
    }

    private static string Size(long bytes) => bytes < 1_000_000_000 ? $"{bytes / 1e6:0} MB" : $"{bytes / 1e9:0.0} GB";
}
