using System.Net.Sockets;

namespace Operos.Boot;

/// <summary>Sends parts of files from the page cache to a socket without copying them (sendfile(2)).</summary>
internal sealed class FileSender : IDisposable
{
    private readonly Socket socket;
    private readonly SocketAsyncEventArgs arguments = new();
    private TaskCompletionSource completion = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public FileSender(Socket socket)
    {
        this.socket = socket;
        arguments.Completed += (_, _) => Complete();
    }

    /// <exception cref="SocketException">The client went away.</exception>
    public Task SendAsync(FileStream file, long offset, int count)
    {
        completion = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        arguments.SendPacketsElements = [new SendPacketsElement(file, offset, count)];
        if (!socket.SendPacketsAsync(arguments)) Complete();
        return completion.Task;
    }

    public void Dispose() => arguments.Dispose();

    private void Complete()
    {
        if (arguments.SocketError == SocketError.Success) completion.TrySetResult();
        else completion.TrySetException(new SocketException((int)arguments.SocketError));
    }
}
