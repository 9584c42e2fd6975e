using Nerdbank.MessagePack;
using PolyType;

namespace Operos.Proto;

/// <summary>
/// Every operation of the control protocol. The tag is the message's number on the wire and never changes or returns; keys are
/// explicit, and a receiver ignores keys it does not know. <c>proto/README.md</c> is the specification.
/// </summary>
[GenerateShape]
[DerivedTypeShape(typeof(Hello), Tag = 1)]
[DerivedTypeShape(typeof(HelloReply), Tag = 2)]
[DerivedTypeShape(typeof(Fault), Tag = 3)]
[DerivedTypeShape(typeof(Done), Tag = 4)]
[DerivedTypeShape(typeof(Ping), Tag = 5)]
[DerivedTypeShape(typeof(Enrol), Tag = 10)]
[DerivedTypeShape(typeof(EnrolReply), Tag = 11)]
[DerivedTypeShape(typeof(RenewCertificate), Tag = 12)]
[DerivedTypeShape(typeof(CertificateReply), Tag = 13)]
[DerivedTypeShape(typeof(Heartbeat), Tag = 14)]
[DerivedTypeShape(typeof(HeartbeatReply), Tag = 15)]
[DerivedTypeShape(typeof(Reboot), Tag = 16)]
[DerivedTypeShape(typeof(IssueNodeCertificates), Tag = 17)]
[DerivedTypeShape(typeof(NodeCertificates), Tag = 18)]
[DerivedTypeShape(typeof(ReportDisks), Tag = 19)]
[DerivedTypeShape(typeof(WipeDisk), Tag = 20)]
[DerivedTypeShape(typeof(LocateDisk), Tag = 21)]
[DerivedTypeShape(typeof(IssueDiskKeys), Tag = 22)]
[DerivedTypeShape(typeof(DiskKeys), Tag = 23)]
[DerivedTypeShape(typeof(MakeVolume), Tag = 24)]
[DerivedTypeShape(typeof(VolumeMade), Tag = 25)]
[DerivedTypeShape(typeof(DropVolume), Tag = 26)]
[DerivedTypeShape(typeof(OsdRequest), Tag = 27)]
[DerivedTypeShape(typeof(OsdGrant), Tag = 28)]
[DerivedTypeShape(typeof(ListMachines), Tag = 30)]
[DerivedTypeShape(typeof(MachineList), Tag = 31)]
[DerivedTypeShape(typeof(ShowMachine), Tag = 32)]
[DerivedTypeShape(typeof(MachineDetail), Tag = 33)]
[DerivedTypeShape(typeof(ApproveMachine), Tag = 34)]
[DerivedTypeShape(typeof(RejectMachine), Tag = 35)]
[DerivedTypeShape(typeof(RenameMachine), Tag = 36)]
[DerivedTypeShape(typeof(LabelMachine), Tag = 37)]
[DerivedTypeShape(typeof(RemoveMachine), Tag = 38)]
[DerivedTypeShape(typeof(ResolveMachine), Tag = 39)]
[DerivedTypeShape(typeof(RebootMachine), Tag = 40)]
[DerivedTypeShape(typeof(DrainMachine), Tag = 41)]
[DerivedTypeShape(typeof(UncordonMachine), Tag = 42)]
[DerivedTypeShape(typeof(CordonMachine), Tag = 43)]
[DerivedTypeShape(typeof(ListLeases), Tag = 50)]
[DerivedTypeShape(typeof(LeaseList), Tag = 51)]
[DerivedTypeShape(typeof(ListReleases), Tag = 52)]
[DerivedTypeShape(typeof(ReleaseList), Tag = 53)]
[DerivedTypeShape(typeof(ShowStatus), Tag = 54)]
[DerivedTypeShape(typeof(StatusReply), Tag = 55)]
[DerivedTypeShape(typeof(ListBoots), Tag = 56)]
[DerivedTypeShape(typeof(BootList), Tag = 57)]
[DerivedTypeShape(typeof(IssueApiCredentials), Tag = 58)]
[DerivedTypeShape(typeof(ApiCredentials), Tag = 59)]
[DerivedTypeShape(typeof(ExplainMachine), Tag = 60)]
[DerivedTypeShape(typeof(MachineExplanation), Tag = 61)]
[DerivedTypeShape(typeof(ListOperators), Tag = 70)]
[DerivedTypeShape(typeof(OperatorList), Tag = 71)]
[DerivedTypeShape(typeof(AddOperator), Tag = 72)]
[DerivedTypeShape(typeof(OperatorCredentials), Tag = 73)]
[DerivedTypeShape(typeof(RenewOperator), Tag = 74)]
[DerivedTypeShape(typeof(RevokeOperator), Tag = 75)]
[DerivedTypeShape(typeof(ListAudit), Tag = 80)]
[DerivedTypeShape(typeof(AuditList), Tag = 81)]
[DerivedTypeShape(typeof(ListJobs), Tag = 82)]
[DerivedTypeShape(typeof(JobList), Tag = 83)]
[DerivedTypeShape(typeof(ShowJob), Tag = 84)]
[DerivedTypeShape(typeof(JobReply), Tag = 85)]
[DerivedTypeShape(typeof(CancelJob), Tag = 86)]
[DerivedTypeShape(typeof(ListEvents), Tag = 87)]
[DerivedTypeShape(typeof(EventList), Tag = 88)]
[DerivedTypeShape(typeof(CreateBackup), Tag = 90)]
[DerivedTypeShape(typeof(BackupReply), Tag = 91)]
[DerivedTypeShape(typeof(ListBackups), Tag = 92)]
[DerivedTypeShape(typeof(BackupList), Tag = 93)]
[DerivedTypeShape(typeof(VerifyBackup), Tag = 94)]
[DerivedTypeShape(typeof(OpenBackup), Tag = 95)]
[DerivedTypeShape(typeof(BackupTicket), Tag = 96)]
[DerivedTypeShape(typeof(ReadBackup), Tag = 97)]
[DerivedTypeShape(typeof(BackupData), Tag = 98)]
[DerivedTypeShape(typeof(ListDisks), Tag = 100)]
[DerivedTypeShape(typeof(DiskList), Tag = 101)]
[DerivedTypeShape(typeof(ShowDisk), Tag = 102)]
[DerivedTypeShape(typeof(DiskReply), Tag = 103)]
[DerivedTypeShape(typeof(OrderWipe), Tag = 104)]
[DerivedTypeShape(typeof(WipeOrdered), Tag = 105)]
[DerivedTypeShape(typeof(OrderLocate), Tag = 106)]
[DerivedTypeShape(typeof(ExcludeDisk), Tag = 107)]
[DerivedTypeShape(typeof(ReclaimDisk), Tag = 108)]
[DerivedTypeShape(typeof(ShowStorage), Tag = 110)]
[DerivedTypeShape(typeof(StorageReply), Tag = 111)]
[DerivedTypeShape(typeof(ListOsds), Tag = 112)]
[DerivedTypeShape(typeof(OsdList), Tag = 113)]
[DerivedTypeShape(typeof(StageVolume), Tag = 114)]
[DerivedTypeShape(typeof(VolumeGrant), Tag = 115)]
[DerivedTypeShape(typeof(TellVolume), Tag = 116)]
[DerivedTypeShape(typeof(ReleaseVolume), Tag = 117)]
[DerivedTypeShape(typeof(ListVolumes), Tag = 118)]
[DerivedTypeShape(typeof(VolumeList), Tag = 119)]
[DerivedTypeShape(typeof(ShowVolume), Tag = 120)]
[DerivedTypeShape(typeof(VolumeDetail), Tag = 121)]
[DerivedTypeShape(typeof(TakeOsdOut), Tag = 130)]
[DerivedTypeShape(typeof(PutOsdIn), Tag = 131)]
[DerivedTypeShape(typeof(RemoveOsd), Tag = 132)]
[DerivedTypeShape(typeof(ReplaceOsd), Tag = 133)]
[DerivedTypeShape(typeof(AskPull), Tag = 134)]
[DerivedTypeShape(typeof(PullAnswer), Tag = 135)]
[DerivedTypeShape(typeof(SetPool), Tag = 136)]
[DerivedTypeShape(typeof(RebuildMonitor), Tag = 137)]
[DerivedTypeShape(typeof(ShowOsdMaps), Tag = 140)]
[DerivedTypeShape(typeof(OsdMaps), Tag = 141)]
[DerivedTypeShape(typeof(ReadOsdMaps), Tag = 142)]
[DerivedTypeShape(typeof(OsdMapsPart), Tag = 143)]
[DerivedTypeShape(typeof(RestartOsd), Tag = 144)]
public abstract partial record Message
{
    /// <summary>
    /// Whether a list or a map of it holds null, which the serializer lets through: who reads a message must not meet what its type rules
    /// out.
    /// Such a message is none. Each message with lists or maps says it of them.
    /// </summary>
    internal virtual bool HoldsNull() => false;
}

/// <summary>Looks for null in what a peer sent.</summary>
internal static class Elements
{
    /// <summary>A list that is missing altogether holds none.</summary>
    public static bool HoldNull<T>(IReadOnlyList<T>? list) where T : class
    {
        foreach (var item in list ?? [])
            if (item is null) return true;
        return false;
    }

    public static bool HoldNull<T>(IReadOnlyDictionary<string, T>? map) where T : class
    {
        foreach (var (_, value) in map ?? new Dictionary<string, T>())
            if (value is null) return true;
        return false;
    }
}
