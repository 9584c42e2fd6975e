using System.Net.Sockets;
using Grpc.Core;
using Grpc.Net.Client;
using Microsoft.Extensions.Logging.Abstractions;
using Operos.Csi.Protocol;
using Operos.Lab;

namespace Operos.Csi.Tests;

/// <summary>The plugin on its sockets, and a client of gRPC as the kubelet is one.</summary>
internal sealed class Plugin : IAsyncDisposable
{
    public const string Volume = "pvc-6f1c2d5e-0000-4000-8000-00000000da7a";
    private readonly CancellationTokenSource end = new();
    private readonly Task server;
    private readonly List<GrpcChannel> channels = [];

    private Plugin(CsiPaths paths, TestGrants grants)
    {
        (Paths, Grants) = (paths, grants);
        Directory.CreateDirectory(paths.Registry);
        server = CsiServer.RunAsync(paths, "node-1", grants, NullLoggerFactory.Instance, end.Token);
        Identity = new(Connect(paths.Socket));
        Node = new(Connect(paths.Socket));
        Registration = new(Connect(paths.RegistrationSocket));
    }

    public CsiPaths Paths { get; }
    public TestGrants Grants { get; }
    public Identity.IdentityClient Identity { get; }
    public Node.NodeClient Node { get; }
    public Registration.RegistrationClient Registration { get; }
    public string Staging => Path.Combine(Paths.Kubelet, "plugins/kubernetes.io/csi/pv", Volume, "globalmount");
    public string Target => TargetIn(Paths.Kubelet);

    public static string TargetIn(string kubelet) => Path.Combine(kubelet, "pods/one/volumes/kubernetes.io~csi", Volume, "mount");

    public static async Task<Plugin> StartAsync(string root)
    {
        var plugin = new Plugin(new CsiPaths { Kubelet = Path.Combine(root, "kubelet"), Bus = Path.Combine(root, "bus"),
            Devices = Path.Combine(root, "dev") }, new TestGrants());
        await Wait.UntilAsync("the sockets are there", TimeSpan.FromSeconds(20),
            () => Task.FromResult(plugin.server.IsCompleted || File.Exists(plugin.Paths.RegistrationSocket)));
        if (plugin.server.IsCompleted) await plugin.server;
        return plugin;
    }

    public static VolumeCapability FileSystem(string type = "ext4", params IEnumerable<string> flags) => new()
    {
        Mount = new() { FsType = type, MountFlags = { flags } }, AccessMode = Once,
    };

    public static VolumeCapability Device => new() { Block = new(), AccessMode = Once };

    public static VolumeCapability.Types.AccessMode Once =>
        new() { Mode = VolumeCapability.Types.AccessMode.Types.Mode.SingleNodeWriter };

    public NodeStageVolumeRequest Stage(VolumeCapability? capability = null) =>
        new() { VolumeId = Volume, StagingTargetPath = Staging, VolumeCapability = capability ?? FileSystem() };

    public NodeUnstageVolumeRequest Unstage => new() { VolumeId = Volume, StagingTargetPath = Staging };

    public NodePublishVolumeRequest Publish(bool isReadOnly = false, VolumeCapability? capability = null) => new()
    {
        VolumeId = Volume, StagingTargetPath = Staging, TargetPath = Target, VolumeCapability = capability ?? FileSystem(),
        Readonly = isReadOnly,
    };

    public NodeUnpublishVolumeRequest Unpublish => new() { VolumeId = Volume, TargetPath = Target };

    /// <summary>The code of a refusal, and its words.</summary>
    public static async Task<string> RefusalAsync<T>(AsyncUnaryCall<T> call)
    {
        var refused = await Assert.ThrowsAsync<RpcException>(async () => await call);
        return $"{refused.StatusCode}: {refused.Status.Detail}";
    }

    public async ValueTask DisposeAsync()
    {
        channels.ForEach(channel => channel.Dispose());
        await end.CancelAsync();
        await server.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        end.Dispose();
    }

    private GrpcChannel Connect(string path)
    {
        var handler = new SocketsHttpHandler
        {
            ConnectCallback = async (_, cancellationToken) =>
            {
                var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), cancellationToken);
                return new NetworkStream(socket, ownsSocket: true);
            },
        };
        var options = new GrpcChannelOptions { HttpHandler = handler, DisposeHttpClient = true };
        var channel = GrpcChannel.ForAddress("http://localhost", options);
        channels.Add(channel);
        return channel;
    }
}
