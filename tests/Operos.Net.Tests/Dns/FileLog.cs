using Microsoft.Extensions.Logging;

namespace Operos.Net.Tests.Dns;

/// <summary>A log that a failed test leaves behind.</summary>
internal sealed class FileLog<T>(string path) : ILogger<T>
{
    private readonly Lock fileLock = new();

    public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception,
        Func<TState, Exception?, string> formatter)
    {
        lock (fileLock) File.AppendAllText(path, $"{DateTimeOffset.UtcNow:HH:mm:ss.fff} {logLevel} {formatter(state, exception)}\n");
    }
}
