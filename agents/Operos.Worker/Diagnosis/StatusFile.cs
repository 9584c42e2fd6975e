using System.Text.Json;
using Operos.Worker.Configuration;
using Operos.Worker.Node;

namespace Operos.Worker.Diagnosis;

/// <summary>What the agent wrote last of how it stands.</summary>
internal static class StatusFile
{
    /// <exception cref="IOException">There is none, or it is no status; the message says what to do.</exception>
    public static WorkerStatus Read(string? stateFolder)
    {
        var json = ReadText(stateFolder);
        try { return JsonSerializer.Deserialize(json, WorkerJson.Default.WorkerStatus) ?? throw new JsonException("empty"); }
        catch (JsonException e)
        {
            throw new IOException(
                $"{PathIn(stateFolder)} is no status ({e.Message}); the agent writes it anew: systemctl status operos-worker", e);
        }
    }

    /// <summary>As it was written.</summary>
    /// <exception cref="IOException">There is none.</exception>
    public static string ReadText(string? stateFolder)
    {
        var path = PathIn(stateFolder);
        if (!File.Exists(path))
            throw new IOException($"{path} is missing: is operos-worker.service running? (systemctl status operos-worker)");
        return File.ReadAllText(path);
    }

    /// <summary>Null where there is none that can be read.</summary>
    public static WorkerStatus? Find(string? stateFolder)
    {
        try { return Read(stateFolder); }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException) { return null; }
    }

    private static string PathIn(string? stateFolder) => NodeState.StatusPath(stateFolder ?? WorkerSettings.StatePath);
}
