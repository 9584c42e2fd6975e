using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Logging.Abstractions;
using Operos.Authority;
using Operos.Controller.Configuration;
using Operos.Controller.Operators;
using Operos.Controller.Setup;
using Operos.Proto;
using Operos.Proto.Connection;

namespace Operos.Controller.Tests;

/// <summary>Who may operate the cluster, in which role, and for how long.</summary>
public sealed class OperatorTests : IDisposable
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(10);
    private readonly string folder = Directory.CreateTempSubdirectory("operos-operators-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    /// <summary>Each operation, and the smallest role that may do it.</summary>
    private static readonly (Message Request, OperatorRole Least)[] Operations =
    [
        (new ListMachines(), OperatorRole.Viewer), (new ShowMachine { Machine = "none" }, OperatorRole.Viewer),
        (new ExplainMachine { Machine = "none" }, OperatorRole.Viewer),
        (new ListLeases(), OperatorRole.Viewer), (new ListReleases(), OperatorRole.Viewer), (new ListBoots(), OperatorRole.Viewer),
        (new ShowStatus(), OperatorRole.Viewer),
        (new ListOperators(), OperatorRole.Viewer), (new RenewOperator { Csr = [1] }, OperatorRole.Viewer),
        (new ApproveMachine { Machine = "none" }, OperatorRole.Operator), (new RejectMachine { Machine = "none" }, OperatorRole.Operator),
        (new RenameMachine { Machine = "none", Name = "x" }, OperatorRole.Operator),
        (new LabelMachine { Machine = "none" }, OperatorRole.Operator),
        (new ResolveMachine { Machine = "none", As = "new" }, OperatorRole.Operator),
        (new RebootMachine { Machine = "none" }, OperatorRole.Operator),
        (new RemoveMachine { Machine = "none" }, OperatorRole.Operator),
        (new CordonMachine { Machine = "none" }, OperatorRole.Operator), (new UncordonMachine { Machine = "none" }, OperatorRole.Operator),
        (new IssueApiCredentials { Csr = [1], User = "x" }, OperatorRole.Admin),
        (new AddOperator { Name = "x", Role = OperatorRole.Viewer, Csr = [1] }, OperatorRole.Admin),
        (new RenewOperator { Name = "first", Csr = [1] }, OperatorRole.Admin), (new RevokeOperator { Name = "none" }, OperatorRole.Admin),
    ];

    [Fact]
    public async Task Each_role_may_do_what_is_its_own_and_no_more()
    {
        await using var controller = new TestController();
        foreach (var role in Enum.GetValues<OperatorRole>())
        {
            using var certificate = await AddAsync(controller, $"some-{role}".ToLowerInvariant(), role);
            await using var connection = await controller.ConnectAsync(certificate);
            foreach (var (request, least) in Operations)
            {
                // Whether there is such a machine is asked after whether one may.
                var code = (await connection.CallAsync<Message>(request, default) as Fault)?.Code;
                Assert.True(role >= least == (code != FaultCode.Unauthorized), $"{role}: {request.GetType().Name}: {code ?? "done"}");
            }
        }
    }

    [Fact]
    public async Task Whoever_asks_is_seen_now_and_what_expired_long_ago_is_not_told_for_ever()
    {
        await using var controller = new TestController();
        using var certificate = await AddAsync(controller, "short", OperatorRole.Viewer, TimeSpan.FromMinutes(5));
        async Task<OperatorSummary> SeenAsync() =>
            (await controller.OperateAsync<OperatorList>(new ListOperators())).Operators.Single(known => known.Self);
        await SeenAsync();
        controller.Clock.Ahead = TimeSpan.FromMinutes(30);
        var age = controller.Clock.GetUtcNow() - DateTimeOffset.FromUnixTimeMilliseconds((await SeenAsync()).LastSeenUnixMs);
        Assert.InRange(age, TimeSpan.FromSeconds(-1), TimeSpan.FromMinutes(1));
        async Task<IEnumerable<string>> ToldAsync() =>
            (await controller.OperateAsync<StatusReply>(new ShowStatus())).Expiring.Select(certificate => certificate.Name);
        Assert.Contains("operator short", await ToldAsync());
        controller.Clock.Ahead = TimeSpan.FromHours(25);
        Assert.DoesNotContain("operator short", await ToldAsync());
    }

    [Fact]
    public async Task A_revoked_operator_is_cut_off_at_once_and_stays_out_also_when_the_name_is_given_again()
    {
        await using var controller = new TestController();
        using var certificate = await AddAsync(controller, "bob", OperatorRole.Admin);
        await using var open = await controller.ConnectAsync(certificate);
        await open.CallAsync<MachineList>(new ListMachines(), default);
        await controller.OperateAsync<Done>(new RevokeOperator { Name = "bob" });
        await open.Completion.WaitAsync(Soon);
        await RefusedAsync(controller, certificate);
        using (await AddAsync(controller, "bob", OperatorRole.Viewer)) await RefusedAsync(controller, certificate);
        Assert.Equal(FaultCode.NotFound, (await Assert.ThrowsAsync<ControlFaultException>(
            () => controller.OperateAsync<Done>(new RevokeOperator { Name = "nobody" }))).Code);
    }

    [Fact]
    public async Task Nobody_revokes_themselves_and_an_operator_is_made_once()
    {
        await using var controller = new TestController();
        Assert.Equal(FaultCode.Conflict, (await Assert.ThrowsAsync<ControlFaultException>(
            () => controller.OperateAsync<Done>(new RevokeOperator { Name = "admin" }))).Code);
        using var certificate = await AddAsync(controller, "bob", OperatorRole.Viewer);
        Assert.Equal(FaultCode.Conflict, (await Assert.ThrowsAsync<ControlFaultException>(
            () => AddAsync(controller, "bob", OperatorRole.Admin))).Code);
        foreach (var name in (string[])["", "../../etc/passwd", "Bob", "b b", "-b", new('b', 64), "b\u001b[2J"])
            Assert.Equal(FaultCode.BadRequest, (await Assert.ThrowsAsync<ControlFaultException>(
                () => AddAsync(controller, name, OperatorRole.Admin))).Code);
        // A request that is none makes no operator either.
        await Assert.ThrowsAsync<ControlFaultException>(() =>
            controller.OperateAsync<OperatorCredentials>(new AddOperator { Name = "carl", Role = OperatorRole.Admin, Csr = [1, 2] }));
        Assert.Equal(["admin", "bob"], controller.Operators.All.Select(record => record.Name));
    }

    [Fact]
    public async Task A_renewed_certificate_works_the_one_before_until_its_end_and_an_expired_one_no_longer_on_an_open_connection()
    {
        await using var controller = new TestController(folder: folder);
        using var first = await AddAsync(controller, "bob", OperatorRole.Viewer, TimeSpan.FromDays(90));
        await using var open = await controller.ConnectAsync(first);
        controller.Clock.Ahead = TimeSpan.FromDays(70);
        var shown = (await controller.OperateAsync<OperatorList>(new ListOperators())).Operators.Single(known => known.Name == "bob");
        Assert.True(shown.ExpiresSoon);
        Assert.Contains((await controller.OperateAsync<StatusReply>(new ShowStatus())).Expiring,
            certificate => certificate.Name == "operator bob");

        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var renewed = await open.CallAsync<OperatorCredentials>(new RenewOperator { Csr = TestController.Csr(key) }, default);
        using var second = X509CertificateLoader.LoadCertificate(renewed.Certificate).CopyWithPrivateKey(key);
        Assert.False((await controller.OperateAsync<OperatorList>(new ListOperators())).Operators.Single(
            known => known.Name == "bob").ExpiresSoon);
        await open.CallAsync<MachineList>(new ListMachines(), default);
        controller.Clock.Ahead = TimeSpan.FromDays(91);
        Assert.Equal(FaultCode.Unauthorized, (await Assert.ThrowsAsync<ControlFaultException>(
            () => open.CallAsync<MachineList>(new ListMachines(), default))).Code);
        await using var with = await controller.ConnectAsync(second, tolerateClock: true);
        await with.CallAsync<MachineList>(new ListMachines(), default);
    }

    [Fact]
    public async Task Operators_survive_the_controller_s_restart_and_a_damaged_record_lets_nobody_in()
    {
        X509Certificate2 bob, carl;
        await using (var controller = new TestController(folder: folder))
            (bob, carl) = (await AddAsync(controller, "bob", OperatorRole.Operator),
                await AddAsync(controller, "carl", OperatorRole.Admin));
        await File.WriteAllTextAsync(Path.Combine(folder, "operators", "carl.json"), "{ \"name\": 3");
        await using var again = new TestController(folder: folder);
        await using (var connection = await again.ConnectAsync(bob)) await connection.CallAsync<MachineList>(new ListMachines(), default);
        await RefusedAsync(again, carl);
        Assert.True(File.Exists(Path.Combine(folder, "operators", "carl.json.damaged")));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute,
            File.GetUnixFileMode(Path.Combine(folder, "operators")));
        bob.Dispose();
        carl.Dispose();
    }

    [Fact]
    public async Task The_operator_of_a_rack_that_had_no_records_is_an_admin_until_it_is_revoked()
    {
        await using var controller = new TestController();
        var (pem, key) = controller.Authority.IssueOperator("admin", TimeSpan.FromDays(1));
        using var old = X509Certificate2.CreateFromPem(pem, key);
        using var carl = await AddAsync(controller, "carl", OperatorRole.Admin);
        await using (var connection = await controller.ConnectAsync(old)) Assert.True(
            (await connection.CallAsync<OperatorList>(new ListOperators(), default)).Operators.Single(
            known => known.Self).Role == OperatorRole.Admin);
        var (other, otherKey) = controller.Authority.IssueOperator("mallory", TimeSpan.FromDays(1));
        using (var unlisted = X509Certificate2.CreateFromPem(other, otherKey)) await RefusedAsync(controller, unlisted);
        await using (var connection = await controller.ConnectAsync(carl)) await connection.CallAsync<Done>(
            new RevokeOperator { Name = "admin" }, default);
        await RefusedAsync(controller, old);
    }

    [Fact]
    public async Task Setup_makes_two_admins_and_no_certificate_counts_that_is_in_no_list()
    {
        using var releaseKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var setup = new ControllerSetup { Folder = folder, Address = "10.77.0.1/24",
            ReleaseKeyPem = releaseKey.ExportSubjectPublicKeyInfoPem(), DhcpMode = "off" };
        setup.Run();
        // Again, as an operator does who changes the configuration: what was made before goes on.
        using var first = Load("admin");
        setup.Run();
        await using var controller = new TestController(folder: Path.Combine(folder, "state"));
        foreach (var place in (string[])["admin", "upper/etc/operos/operosctl"])
        {
            using var certificate = Load(place);
            await using var connection = await controller.ConnectAsync(certificate);
            Assert.Equal(["admin", "console"], (await connection.CallAsync<OperatorList>(new ListOperators(), default)).Operators.Select(
                known => known.Name));
        }
        await using (var connection = await controller.ConnectAsync(first)) await connection.CallAsync<MachineList>(
            new ListMachines(), default);
        var (pem, key) = controller.Authority.IssueOperator("admin", TimeSpan.FromDays(1));
        using var unlisted = X509Certificate2.CreateFromPem(pem, key);
        await RefusedAsync(controller, unlisted);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite,
            File.GetUnixFileMode(Path.Combine(folder, "admin", CredentialFiles.Client)));
    }

    [Fact]
    public async Task After_a_lock_out_the_console_makes_an_admin_that_the_running_controller_knows_at_once()
    {
        await using var controller = new TestController(folder: folder);
        using (var bob = await AddAsync(controller, "bob", OperatorRole.Admin))
        await using (var connection = await controller.ConnectAsync(bob)) await connection.CallAsync<Done>(
            new RevokeOperator { Name = "admin" }, default);
        controller.Operators.Revoke("bob", "test");
        var settings = new ControllerSettings { Admission = AdmissionPolicy.Auto, Address = IPAddress.Parse("10.77.0.1"),
            Network = IPNetwork.Parse("10.77.0.0/24") };
        var paths = new ControllerPaths { State = folder };
        foreach (var name in (string[])["recovered-1", "recovered-2"])
        {
            Assert.Equal(name, AdminRecovery.Run(paths, settings, Path.Combine(folder, name)));
            using var certificate = Load(name);
            await using var connection = await controller.ConnectAsync(certificate);
            Assert.Equal(OperatorRole.Admin, (await connection.CallAsync<OperatorList>(new ListOperators(), default)).Operators.Single(
                known => known.Self).Role);
        }
        Assert.Equal("10.77.0.1:7443\n", await File.ReadAllTextAsync(Path.Combine(folder, "recovered-1", CredentialFiles.Endpoint)));
        // A controller that starts again finds them too.
        var again = new OperatorRegistry(new OperatorStore(paths.Operators, NullLogger<OperatorStore>.Instance), controller.Authority,
            TimeProvider.System);
        Assert.Equal(["admin", "bob", "recovered-1", "recovered-2"], again.All.Select(record => record.Name));
    }

    private X509Certificate2 Load(string place) => X509Certificate2.CreateFromPemFile(Path.Combine(folder, place, CredentialFiles.Client));

    private static async Task<X509Certificate2> AddAsync(TestController controller, string name, OperatorRole role, TimeSpan life = default)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var made = await controller.OperateAsync<OperatorCredentials>(
            new AddOperator { Name = name, Role = role, Csr = TestController.Csr(key), LifeSeconds = (long)life.TotalSeconds });
        var certificate = X509CertificateLoader.LoadCertificate(made.Certificate).CopyWithPrivateKey(key);
        Assert.Equal((Role.Operator, name), CertificateAuthority.ReadHolder(certificate));
        return certificate;
    }

    private static async Task RefusedAsync(TestController controller, X509Certificate2 certificate)
    {
        await using var connection = await controller.ConnectAsync(certificate);
        var refusal = await Assert.ThrowsAsync<ControlFaultException>(() => connection.CallAsync<MachineList>(new ListMachines(), default));
        Assert.Equal(FaultCode.Unauthorized, refusal.Code);
    }
}
