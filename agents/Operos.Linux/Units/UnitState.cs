namespace Operos.Linux.Units;

/// <summary>A systemd unit as its properties tell (org.freedesktop.systemd1(5)).</summary>
/// <param name="Load">Such as <c>loaded</c>, <c>masked</c> or <c>not-found</c>.</param>
/// <param name="Active">Such as <c>active</c>, <c>activating</c>, <c>inactive</c>, <c>failed</c>.</param>
/// <param name="Sub">Such as <c>running</c> or <c>auto-restart</c>.</param>
/// <param name="Result">How it last ended, such as <c>exit-code</c>; <c>success</c> where it did not fail.</param>
/// <param name="MainProcess">The id of its main process; 0 where it has none.</param>
public sealed record UnitState(string Load, string Active, string Sub, string Result, int MainProcess = 0)
{
    public bool IsRunning => Active == "active";

    /// <summary>The process that serves, or is about to: a start may take long. Null where there is none, or it is about to end.</summary>
    public int? Process => MainProcess != 0 && Active is "active" or "activating" or "reloading" ? MainProcess : null;

    /// <summary>Whether systemd leaves it alone, so that it is ours to start.</summary>
    public bool IsDown => Active is "inactive" or "failed";

    public override string ToString() => $"{Active} ({Sub}{(Result is "success" or "" ? "" : $", {Result}")})";
}
