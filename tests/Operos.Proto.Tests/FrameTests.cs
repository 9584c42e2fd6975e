using CsCheck;
using Operos.Proto;
using Operos.Proto.Connection;

namespace Operos.Proto.Tests;

/// <summary>The wire: what was written once must be readable for ever, and what is malformed must not be.</summary>
public sealed class FrameTests
{
    /// <summary>Bytes of this version. A change here is a change of the protocol, and breaks every agent that is out there.</summary>
    public static TheoryData<Message, string> Golden => new()
    {
        { new Hello { ProtocolVersion = 1, Agent = "a/1" },
            "00000008000000079201920 1a3612f31".Replace(" ", "", StringComparison.Ordinal) },
        { new Hello { ProtocolVersion = 1, Agent = "a/1", NewestVersion = 3 }, "0000000a0000000792019401a3612f31c003" },
        { new Ping(), "0000000300000007920580" },
        { new Done { Text = "ok" }, "0000000600000007920491a26f6b" },
        { new ShowMachine { Machine = "x" }, "0000000500000007922091a178" },
        { new WipeDisk { Order = [1, 2], Signature = [3] }, "0000000a00000007921492c4020102c40103" },
        { new LocateDisk { Disk = "d", Seconds = 9 }, "0000000600000007921592a16409" },
        { new IssueDiskKeys { Disks = ["d"] }, "000000060000000792169191a164" },
        { new DiskKeys { Keys = new Dictionary<string, byte[]> { ["d"] = [4] } }, "000000090000000792179181a164c40104" },
        { new ReportDisks { Disks = [new DiskState { Name = "sda", Identity = "i", Class = "blank" }] },
            "000000250000000792139191dc0015a3736461a169a5626c616e6b900000c2a0c0c0c090c0c0a090c0c0c0c0c2" },
        { new Heartbeat { BootId = "b", UptimeSeconds = 1, SystemState = "s", LostNodeDisk = true },
            "0000003e00000007920edc002fa16201a17300cb000000000000000090"
            + "c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c00000c390" },
        { new OsdRequest { Disk = "d", Partition = "p", Bytes = 9, Rotational = true }, "0000000900000007921b94a164a17009c3" },
        { new OsdGrant { Id = 3, Key = "k" }, "0000000600000007921c9203a16b" },
        { new StageVolume { Volume = "v", Image = "i" }, "0000000700000007927292a176a169" },
        { new VolumeGrant { Fsid = "f", Monitors = ["m"], Pool = "p", Image = "i", User = "u", Key = "k", Bytes = 9 },
            "0000001100000007927397a16691a16da170a169a175a16b09" },
        { new TellVolume { Volume = "v", Addresses = ["a"] }, "0000000800000007927492a17691a161" },
        { new ReleaseVolume { Volume = "v" }, "0000000500000007927591a176" },
        { new TakeOsdOut { Osd = 3 }, "000000050000000792cc829103" },
        { new PutOsdIn { Osd = 3 }, "000000050000000792cc839103" },
        { new RemoveOsd { Osd = 3, LoseData = true }, "000000060000000792cc849203c3" },
        { new ReplaceOsd { Osd = 3, LoseData = true }, "000000060000000792cc859203c3" },
        { new SetPool { Copies = 3, MinSize = 1 }, "000000060000000792cc88920301" },
        { new RebuildMonitor { Without = [3] }, "000000060000000792cc89919103" },
        { new ShowOsdMaps(), "000000040000000792cc8c80" },
        { new OsdMaps { Osds = [new OsdMapSpan { Partition = "p", Newest = 9, Text = "t" }] }, "0000000b0000000792cc8d919193a17009a174" },
        { new ReadOsdMaps { Partition = "p", Archive = "a", Offset = 9 }, "000000090000000792cc8e93a170a16109" },
        { new OsdMapsPart { Archive = "a", Bytes = 9, Data = [1] }, "0000000a0000000792cc8f93a16109c40101" },
        { new RestartOsd { Partition = "p" }, "000000060000000792cc9091a170" },
        { new AskPull { What = "x" }, "000000060000000792cc8691a178" },
        { new PullAnswer { Safe = false, What = "w", Reasons = ["r"], Osds = [3], WaitSeconds = 9, Wait = "t" },
            "0000000f0000000792cc8796c2a17791a172910309a174" },
        { new OrderWipe { Disk = "d", Evidence = "e" }, "0000000700000007926892a164a165" },
        { new HeartbeatReply { UnixTimeMs = 1, Configuration = new NodeConfiguration { Hostname = "h", Storage = new StorageConfiguration
            { Rules = [new StorageRule { Rotational = true, LocalPercent = 20 }], Encrypt = false, Excluded = ["i"] } } },
            "0000001a00000007920f9297a168c0800a90c095329195c30000c014c291a169c001" },
    };

    [Theory]
    [MemberData(nameof(Golden))]
    public void Bytes_on_the_wire_never_change(Message message, string expected) =>
        Assert.Equal(expected, Convert.ToHexStringLower(Frame.Write(7, reply: false, message)));

    [Fact]
    public void Round_trips() =>
        Gen.Select(Gen.String, Gen.Byte.Array, Gen.Int, Gen.Dictionary(Gen.String, Gen.String)).Sample((text, bytes, number, labels) =>
        {
            Message[] messages =
            [
                new Enrol { Csr = bytes, Inventory = bytes, BootRecord = [], BootId = text },
                new EnrolReply { Admission = Admission.Ambiguous, MachineId = text, Text = text,
                    Configuration = new NodeConfiguration { Hostname = text, Labels = labels } },
                new MachineList { Machines = [new MachineSummary { Id = text, Kind = "worker", State = text, Cpus = number }] },
                new LabelMachine { Machine = text, Set = labels, Remove = [text] },
                new Fault { Code = text, Text = text, Hint = null, RetryAfterSeconds = number },
            ];
            foreach (var message in messages)
            {
                var frame = Frame.Write(3, reply: true, message);
                var (length, call, reply) = Frame.ReadHeader(frame);
                Assert.Equal((frame.Length - Frame.HeaderSize, 3u, true), (length, call, reply));
                var read = Frame.ReadMessage(frame.AsMemory(Frame.HeaderSize), default)!;
                Assert.Equal(message.GetType(), read.GetType());
                Assert.Equal(frame, Frame.Write(3, reply: true, read));
            }
        }, iter: 200);

    [Fact]
    public void Keys_of_a_newer_version_are_ignored()
    {
        // Hello with a third field that this version does not know.
        var read = Assert.IsType<Hello>(Frame.ReadMessage(Convert.FromHexString("92019301a3612f31a3787878"), default));
        Assert.Equal("a/1", read.Agent);
    }

    [Theory]
    [InlineData("92cd03e790")]
    [InlineData("90")]
    [InlineData("c0")]
    [InlineData("9201")]
    public void Unknown_and_truncated_messages_are_no_message(string hex) =>
        Assert.Null(Frame.ReadMessage(Convert.FromHexString(hex), default));

    [Fact]
    public void No_bytes_crash() => Gen.Byte.Array[0, 300].Sample(bytes => { Frame.ReadMessage(bytes, default); });

    [Fact]
    public void Deep_nesting_ends_without_a_crash() =>
        Assert.Null(Frame.ReadMessage(Enumerable.Repeat((byte)0x91, 100_000).ToArray(), default));
}
