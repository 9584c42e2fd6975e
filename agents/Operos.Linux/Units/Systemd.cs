using Tmds.DBus.Protocol;

namespace Operos.Linux.Units;

/// <summary>
/// systemd over the system bus (org.freedesktop.systemd1(5)). A question costs a message each way where <c>systemctl</c> would be a program
/// to start. A bus that went away is connected to again by the next call.
/// </summary>
/// <param name="address">The bus; null for the system's.</param>
/// <param name="process">systemd's own process: 1, but for one that runs in a container.</param>
public sealed class Systemd(string? address = null, int process = 1) : IDisposable
{
    private const string Service = "org.freedesktop.systemd1", Root = "/org/freedesktop/systemd1",
        Properties = "org.freedesktop.DBus.Properties",
        ManagerInterface = "org.freedesktop.systemd1.Manager", UnitInterface = "org.freedesktop.systemd1.Unit",
            ServiceInterface = "org.freedesktop.systemd1.Service",
        Logind = "org.freedesktop.login1", LogindRoot = "/org/freedesktop/login1", LogindInterface = "org.freedesktop.login1.Manager",
        RebootsAlready = "org.freedesktop.login1.OperationInProgress";
    private static readonly TimeSpan AnswerTime = TimeSpan.FromSeconds(30), JobTime = TimeSpan.FromSeconds(60),
        JobLook = TimeSpan.FromMilliseconds(200), LogindTime = TimeSpan.FromSeconds(5);
    private readonly SemaphoreSlim connecting = new(1);
    private DBusConnection? bus;

    /// <summary>A service's state. One that there is no file of is <c>not-found</c> and <c>inactive</c>.</summary>
    /// <param name="service">Without <c>.service</c>.</param>
    /// <exception cref="IOException">systemd cannot be asked.</exception>
    public async Task<UnitState> ReadAsync(string service, CancellationToken cancellationToken)
    {
        var path = await LoadAsync(service, cancellationToken).ConfigureAwait(false);
        return new UnitState(
            await GetAsync(path, UnitInterface, "LoadState", cancellationToken).ConfigureAwait(false),
            await GetAsync(path, UnitInterface, "ActiveState", cancellationToken).ConfigureAwait(false),
            await GetAsync(path, UnitInterface, "SubState", cancellationToken).ConfigureAwait(false),
            await GetAsync(path, ServiceInterface, "Result", cancellationToken).ConfigureAwait(false),
            await ReadMainProcessAsync(service, cancellationToken).ConfigureAwait(false));
    }

    /// <summary>The process id of a service's main process; 0 where none runs.</summary>
    /// <exception cref="IOException">systemd cannot be asked.</exception>
    public async Task<int> ReadMainProcessAsync(string service, CancellationToken cancellationToken)
    {
        var path = await LoadAsync(service, cancellationToken).ConfigureAwait(false);
        return (int)await CallAsync(path, Properties, "Get", [ServiceInterface, "MainPID"], static (message, _) => message.GetBodyReader()
            .ReadVariantValue().GetUInt32(), cancellationToken).ConfigureAwait(false);
    }

    /// <summary>The state of all units together, such as <c>starting</c>, <c>running</c> or <c>degraded</c>.</summary>
    /// <exception cref="IOException">systemd cannot be asked.</exception>
    public Task<string> ReadSystemStateAsync(CancellationToken cancellationToken) =>
        GetAsync(Root, ManagerInterface, "SystemState", cancellationToken);

    /// <summary>Asks systemd to start a service; does not wait until it has.</summary>
    /// <exception cref="IOException">systemd cannot be asked, or refuses.</exception>
    public Task OrderStartAsync(string service, CancellationToken cancellationToken) => OrderAsync("StartUnit", service, cancellationToken);

    /// <summary>Asks systemd to stop a service; does not wait until it has.</summary>
    /// <exception cref="IOException">systemd cannot be asked, or refuses.</exception>
    public Task OrderStopAsync(string service, CancellationToken cancellationToken) => OrderAsync("StopUnit", service, cancellationToken);

    /// <summary>Asks systemd to stop a service if it runs, and to start it; does not wait until it has.</summary>
    /// <exception cref="IOException">systemd cannot be asked, or refuses.</exception>
    public Task OrderRestartAsync(string service, CancellationToken cancellationToken) =>
        OrderAsync("RestartUnit", service, cancellationToken);

    /// <summary>Starts a service, and returns when systemd has done so or given up; its state tells which.</summary>
    /// <exception cref="IOException">systemd cannot be asked, refuses, or is not done within a minute.</exception>
    public async Task StartAsync(string service, CancellationToken cancellationToken)
    {
        await OrderStartAsync(service, cancellationToken).ConfigureAwait(false);
        await UntilDoneAsync("start", service, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Stops a service if it runs, and starts it; as <see cref="StartAsync"/>.</summary>
    /// <exception cref="IOException">As there.</exception>
    public async Task RestartAsync(string service, CancellationToken cancellationToken)
    {
        await OrderRestartAsync(service, cancellationToken).ConfigureAwait(false);
        await UntilDoneAsync("restart", service, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Lets a service read its files again, as its unit says how; it must run.</summary>
    /// <exception cref="IOException">As with <see cref="StartAsync"/>.</exception>
    public async Task ReloadAsync(string service, CancellationToken cancellationToken)
    {
        await OrderAsync("ReloadUnit", service, cancellationToken).ConfigureAwait(false);
        await UntilDoneAsync("reload", service, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Stops a service, and returns when it has ended.</summary>
    /// <exception cref="IOException">As with <see cref="StartAsync"/>.</exception>
    public async Task StopAsync(string service, CancellationToken cancellationToken)
    {
        await OrderStopAsync(service, cancellationToken).ConfigureAwait(false);
        await UntilDoneAsync("stop", service, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>
    /// Has the machine reboot: services are stopped, file systems are unmounted. logind does it (org.freedesktop.login1(5)), which lets
    /// those get ready who asked for it, such as a kubelet with pods. Where logind cannot be asked, or does not answer in 5 s, systemd does
    /// it at a signal, for which nothing else of the machine need be well. Does not wait until it reboots.
    /// </summary>
    /// <returns>Why logind does not do it; null where it does.</returns>
    /// <exception cref="LinuxException">The signal cannot be sent either.</exception>
    public async Task<string?> OrderRebootAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await CallAsync("logind: Reboot", static connection =>
            {
                using var writer = connection.GetMessageWriter();
                writer.WriteMethodCallHeader(Logind, LogindRoot, LogindInterface, "Reboot", "b");
                // There is nobody to be asked for a password.
                writer.WriteBool(false);
                return writer.CreateMessage();
            }, static (_, _) => (string?)null, cancellationToken).WaitAsync(LogindTime, cancellationToken).ConfigureAwait(false);
        }
        catch (IOException e) when (e.InnerException is DBusErrorReplyException { ErrorName: RebootsAlready }) { return null; }
        catch (Exception e) when (e is IOException or TimeoutException)
        {
            ProcessSignal.Send(process, ProcessSignal.SystemdReboot);
            return e is TimeoutException ? $"the system bus or logind has not answered in {LogindTime.TotalSeconds:0} s" : e.Message;
        }
    }

    /// <summary>Whether an order is being carried out: as long, a unit has a job.</summary>
    /// <exception cref="IOException">systemd cannot be asked.</exception>
    public async Task<bool> IsBusyAsync(string service, CancellationToken cancellationToken)
    {
        var path = await LoadAsync(service, cancellationToken).ConfigureAwait(false);
        return await CallAsync(path, Properties, "Get", [UnitInterface, "Job"], static (message, _) => ReadJob(message),
            cancellationToken).ConfigureAwait(false) != 0;
    }

    public void Dispose()
    {
        bus?.Dispose();
        connecting.Dispose();
    }

    private Task<string> OrderAsync(string verb, string service, CancellationToken cancellationToken) =>
        CallAsync(Root, ManagerInterface, verb, [service + ".service", "replace"], static (message, _) => message.GetBodyReader()
            .ReadObjectPathAsString(), cancellationToken);

    private async Task UntilDoneAsync(string order, string service, CancellationToken cancellationToken)
    {
        var started = Environment.TickCount64;
        while (await IsBusyAsync(service, cancellationToken).ConfigureAwait(false))
        {
            if (Environment.TickCount64 - started > JobTime.TotalMilliseconds)
                throw new IOException($"{service}.service: {order} is not done after {JobTime.TotalSeconds:0} s");
            await Task.Delay(JobLook, cancellationToken).ConfigureAwait(false);
        }
    }

    private static uint ReadJob(Message message)
    {
        var job = message.GetBodyReader().ReadVariantValue();
        return job.GetItem(0).GetUInt32();
    }

    private Task<string> LoadAsync(string service, CancellationToken cancellationToken) =>
        CallAsync(Root, ManagerInterface, "LoadUnit", [service + ".service"], static (message, _) => message.GetBodyReader()
            .ReadObjectPathAsString(), cancellationToken);

    private Task<string> GetAsync(string path, string from, string property, CancellationToken cancellationToken) =>
        CallAsync(path, Properties, "Get", [from, property], static (message, _) => message.GetBodyReader().ReadVariantValue().GetString(),
            cancellationToken);

    /// <summary>Calls a method of systemd whose arguments are strings.</summary>
    private Task<T> CallAsync<T>(string path, string from, string method, string[] arguments, MessageValueReader<T> read,
        CancellationToken cancellationToken) =>
        CallAsync($"systemd: {method} {arguments[0]}", connection => Write(connection, path, from, method, arguments), read,
            cancellationToken);

    /// <param name="call">What is asked of whom, for the error.</param>
    private async Task<T> CallAsync<T>(string call, Func<DBusConnection, MessageBuffer> write, MessageValueReader<T> read,
        CancellationToken cancellationToken)
    {
        var connection = await ConnectAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            return await connection.CallMethodAsync(write(connection), read).WaitAsync(AnswerTime, cancellationToken).ConfigureAwait(false);
        }
        catch (DBusErrorReplyException e) { throw new IOException($"{call}: {e.ErrorMessage}", e); }
        catch (Exception e) when (e is DBusExceptionBase or TimeoutException or ObjectDisposedException)
        {
            // This connection is dropped: the next call makes a new one.
            if (Interlocked.CompareExchange(ref bus, null, connection) == connection) connection.Dispose();
            throw new IOException($"{call}: {e.Message}", e);
        }
    }

    private static MessageBuffer Write(DBusConnection connection, string path, string from, string method, string[] arguments)
    {
        using var writer = connection.GetMessageWriter();
        writer.WriteMethodCallHeader(Service, path, from, method, new string('s', arguments.Length));
        foreach (var argument in arguments) writer.WriteString(argument);
        return writer.CreateMessage();
    }

    private async Task<DBusConnection> ConnectAsync(CancellationToken cancellationToken)
    {
        if (Volatile.Read(ref bus) is { } present) return present;
        await connecting.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            if (bus is not null) return bus;
            var connection = new DBusConnection(address ?? DBusAddress.System ?? throw new IOException("this machine has no system bus"));
            try { await connection.ConnectAsync().AsTask().WaitAsync(AnswerTime, cancellationToken).ConfigureAwait(false); }
            catch (Exception e)
            {
                connection.Dispose();
                if (e is not (DBusExceptionBase or TimeoutException or System.Net.Sockets.SocketException)) throw;
                throw new IOException($"the system bus cannot be reached: {e.Message}", e);
            }
            return bus = connection;
        }
        finally { connecting.Release(); }
    }
}
