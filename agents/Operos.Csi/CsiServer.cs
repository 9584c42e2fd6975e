using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Operos.Csi.Calls;
using Operos.Csi.Connections;
using Operos.Csi.Volumes;
using Operos.Linux;

namespace Operos.Csi;

/// <summary>The plugin: answers the kubelet on two sockets that only root may use.</summary>
public static class CsiServer
{
    /// <summary>Serves until it is told to end. What is under way for a volume goes on without it.</summary>
    /// <param name="node">How Kubernetes calls this machine.</param>
    /// <exception cref="IOException">A socket cannot be made.</exception>
    public static async Task RunAsync(CsiPaths paths, string node, IImageGrants grants, ILoggerFactory log,
        CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(paths.Socket)!, FileModes.GroupFolder);
        // Of an agent before this one.
        foreach (var socket in (string[])[paths.Socket, paths.RegistrationSocket]) File.Delete(socket);
        var volumes = new NodeVolumes(paths, grants, log.CreateLogger<NodeVolumes>());
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(server =>
        {
            server.AddServerHeader = false;
            // The plugin's own socket first: whoever finds the other calls it at once.
            foreach (var socket in (string[])[paths.Socket, paths.RegistrationSocket])
                server.ListenUnixSocket(socket, listen =>
                {
                    listen.Protocols = HttpProtocols.Http2;
                    PlainAuthority.Use(listen);
                });
        });
        builder.Services.AddRoutingCore().AddSingleton(log).AddSingleton(typeof(ILogger<>), typeof(Logger<>)).AddSingleton(paths)
            .AddSingleton<RequestReader>().AddSingleton(new NodeName(node)).AddSingleton<IHostLifetime, NoLifetime>()
            .AddSingleton(volumes).AddGrpc();
        await using var server = builder.Build();
        server.MapGrpcService<IdentityCalls>();
        server.MapGrpcService<NodeCalls>();
        server.MapGrpcService<RegistrationCalls>();
        await server.StartAsync(cancellationToken).ConfigureAwait(false);
        try { await volumes.KeepToldAsync(cancellationToken).ConfigureAwait(false); }
        finally
        {
            using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(5));
            await server.StopAsync(patience.Token).ConfigureAwait(false);
        }
    }

    /// <summary>Signals are the agent's business.</summary>
    private sealed class NoLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
