using System.Diagnostics;

namespace Operos.Lab;

/// <summary>
/// The state folder of one lab: each namespace and process that it makes is noted there first, so that the next start
/// clears away what a killed one left.
/// </summary>
public sealed class LabFolder : IDisposable
{
    private const string OwnerName = "owner";

    private LabFolder(string path) => Path = path;

    public string Path { get; }

    public string this[string name] => System.IO.Path.Combine(Path, name);

    /// <param name="parent">Such as <c>out/test</c>; leftovers of dead owners in it are cleared first.</param>
    public static LabFolder Create(string parent, string name)
    {
        Directory.CreateDirectory(parent);
        foreach (var old in Directory.EnumerateDirectories(parent)) Reap(old);
        var path = System.IO.Path.GetFullPath(System.IO.Path.Combine(parent, name));
        if (Directory.Exists(path)) Directory.Delete(path, recursive: true);
        Directory.CreateDirectory(path);
        File.WriteAllText(System.IO.Path.Combine(path, OwnerName), $"{Environment.ProcessId} {StartTime(Environment.ProcessId)}");
        return new LabFolder(path);
    }

    /// <summary>A path for a UNIX socket: those hold 107 bytes at most (unix(7)), so they stand in a short folder of their own.</summary>
    public string SocketPath(string name)
    {
        var note = this["sockets"];
        if (!File.Exists(note)) File.WriteAllText(note, CreateSocketFolder());
        return System.IO.Path.Combine(File.ReadAllText(note), name);
    }

    /// <summary>A folder of this one by a short path, for a program that makes sockets in it; wherever the clone is, they fit.</summary>
    public string ShortPath(string name)
    {
        var link = SocketPath(name.Replace('/', '-'));
        if (Directory.Exists(link)) return link;
        Directory.CreateDirectory(this[name]);
        File.CreateSymbolicLink(link, this[name]);
        return link;
    }

    /// <summary>A folder of this one that daemons which are not root reach, wherever the clone is: by a short path too.</summary>
    public string OpenPath(string name)
    {
        var open = SocketPath(name.Replace('/', '-'));
        if (Directory.Exists(open)) return open;
        Directory.CreateDirectory(open);
        File.CreateSymbolicLink(this[name], open);
        return open;
    }

    private static string CreateSocketFolder()
    {
        var folder = Directory.CreateTempSubdirectory("operos-");
        // Daemons that are not root pass through it.
        folder.UnixFileMode |= UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;
        return folder.FullName;
    }

    public void NoteProcess(int id) => File.AppendAllText(this["processes"], $"{id} {StartTime(id)}\n");

    /// <summary>A program of this folder, as a shell script.</summary>
    public string Script(string name, string text)
    {
        // Written by another process: a program that a thread beside this one starts meanwhile has our open files for a moment, and who is
        // open for writing cannot be executed (ETXTBSY of execve(2)).
        using var writer = Process.Start(new ProcessStartInfo("install", ["--mode=700", "/dev/stdin", this[name]])
            { RedirectStandardInput = true })!;
        writer.StandardInput.Write("#!/bin/sh\n" + text);
        writer.StandardInput.Close();
        writer.WaitForExit();
        return writer.ExitCode == 0 ? this[name] : throw new LabException($"the script {this[name]} cannot be written");
    }

    /// <summary>A program that notes itself, and is a daemon in a network namespace then: for who starts it by its path alone.</summary>
    /// <param name="command">In the shell's words; the program's own arguments are <c>"$@"</c>.</param>
    public string DaemonScript(string name, string space, string command) => Script(name,
        $"echo \"$$ $(cut -d' ' -f22 /proc/$$/stat)\" >> {this["processes"]}\nexec nsenter --net={space} {command}\n");

    public void NoteNamespace(string name) => File.AppendAllText(this["namespaces"], name + "\n");

    /// <summary>A control group in each hierarchy of the host.</summary>
    public void NoteControlGroup(string name) => File.AppendAllText(this["control-groups"], name + "\n");

    /// <summary>Ends the processes, control groups and namespaces; logs stay.</summary>
    public void Dispose() => Clear(Path);

    private static void Reap(string path)
    {
        var owner = System.IO.Path.Combine(path, OwnerName);
        try
        {
            if (File.Exists(owner) && !IsAlive(File.ReadAllText(owner))) Clear(path);
        }
        catch (IOException) when (!File.Exists(owner)) { /* Another project, which runs beside this one, has cleared it meanwhile. */ }
    }

    /// <summary>What cannot be cleared stays noted, for the next start to try.</summary>
    private static void Clear(string path)
    {
        foreach (var line in Lines(path, "processes").Where(IsAlive)) Leftovers.Kill(line.Split(' ')[0]);
        var (namespaces, groups) = (Lines(path, "namespaces"), Lines(path, "control-groups"));
        var left = Leftovers.EndProcesses(namespaces).Concat(groups.SelectMany(Leftovers.RemoveControlGroups)).ToList();
        foreach (var name in namespaces) Leftovers.Run("ip", "netns", "delete", name);
        foreach (var sockets in Lines(path, "sockets").Where(Directory.Exists)) Directory.Delete(sockets, recursive: true);
        File.Delete(System.IO.Path.Combine(path, "sockets"));
        if (left.Count > 0)
        {
            Console.Error.WriteLine($"lab: of {path} there is still: {string.Join(", ", left)}");
            return;
        }
        foreach (var note in (string[])[OwnerName, "processes", "namespaces", "control-groups"])
            File.Delete(System.IO.Path.Combine(path, note));
    }

    private static string[] Lines(string path, string name)
    {
        var file = System.IO.Path.Combine(path, name);
        return File.Exists(file) ? File.ReadAllLines(file) : [];
    }

    /// <summary>A process id is used again one day: its start time tells.</summary>
    private static bool IsAlive(string processAndStart) =>
        processAndStart.Split(' ') is [var id, var start] && int.TryParse(id, out var number) && StartTime(number) == start;

    private static string StartTime(int id)
    {
        // proc(5): the 22nd field of stat; the name before it may hold spaces, but ends with the last parenthesis.
        try { return File.ReadAllText($"/proc/{id}/stat").Split(')')[^1].Split(' ')[20]; }
        catch (IOException) { return "gone"; }
    }
}
