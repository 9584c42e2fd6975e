using System.CommandLine;
using System.Net;
using System.Security.Cryptography.X509Certificates;
using Operos.Authority;
using Operos.CommandLine;
using Operos.Ctl.Rendering;
using Operos.Proto;
using Operos.Proto.Connection;

namespace Operos.Ctl.Commands;

/// <summary><c>operosctl operators</c>: who may operate the cluster, in which role, and until when.</summary>
internal static class OperatorCommands
{
    private static readonly string[] Roles = ["admin", "operator", "viewer"];

    public static Command Create()
    {
        var list = new Command("list", "List operators: role, expiry, last use");
        list.Shows<OperatorList>(_ => new ListOperators(), operators => RenderList(operators, DateTimeOffset.UtcNow));
        var operators = new Command("operators", "List operators; subcommands make, renew and revoke one")
            { list, Add(), Renew(), Revoke() };
        operators.Shows<OperatorList>(_ => new ListOperators(), all => RenderList(all, DateTimeOffset.UtcNow));
        return operators;
    }

    internal static string RenderList(OperatorList list, DateTimeOffset now)
    {
        var table = Table.Render(["NAME", "ROLE", "EXPIRES", "SEEN", "MADE", "BY", ""],
        [
            .. list.Operators.Select(known => (IReadOnlyList<string>)
            [
                known.Name, known.Role.ToString().ToLowerInvariant(), Expiry(known, now), Figures.Age(known.LastSeenUnixMs, now),
                Figures.Age(known.CreatedUnixMs, now), known.CreatedBy, known.Self ? "you" : "",
            ]),
        ]);
        var notes = list.Operators.Where(known => known.ExpiresSoon).Select(known => Terminal.Line(Note(known, now)) + "\n").ToList();
        return notes.Count == 0 ? table : table + "\n" + string.Concat(notes);
    }

    private static string Note(OperatorSummary known, DateTimeOffset now)
    {
        var (ends, renew) = (Figures.Time(known.ExpiresUnixMs), $"operosctl operators renew {known.Name} --out DIR");
        return ends > now ? $"{known.Name}: expires in {Figures.Span(ends - now)}; using it renews it, or {renew}"
            : $"{known.Name}: expired {Figures.Span(now - ends)} ago, so using it renews nothing; an admin makes new ones: {renew}, or "
                + $"ends it: operosctl operators revoke {known.Name}";
    }

    private static string Expiry(OperatorSummary known, DateTimeOffset now)
    {
        if (known.RevokedUnixMs > 0) return $"revoked {Figures.Age(known.RevokedUnixMs, now)}";
        if (known.ExpiresUnixMs <= 0) return "-";
        var left = Figures.Time(known.ExpiresUnixMs) - now;
        return left > TimeSpan.Zero ? $"in {Figures.Span(left)}" : "expired";
    }

    private static Command Add()
    {
        var name = NameArgument();
        var role = new ChoiceOption("--role", "What it may: all, change machines, or see", Roles) { Required = true };
        var folder = OutOption(required: true);
        var life = DurationOption.Create("--life",
            "How long credentials last that are not used; use renews them", CertificateLives.Operator.Default);
        var command = new Command("add", "Make an operator, and a folder with its credentials to hand over") { name, role, folder, life };
        command.SetAction(async (result, cancellationToken) =>
        {
            var request = new AddOperator
            {
                Name = result.GetRequiredValue(name), Role = Enum.Parse<OperatorRole>(result.GetRequiredValue(role)[0], ignoreCase: true),
                Csr = [],
                LifeSeconds = (long)result.GetValue(life).TotalSeconds,
            };
            await IssueAsync(result, result.GetRequiredValue(folder), csr => request with { Csr = csr }, cancellationToken);
        });
        return command;
    }

    private static Command Renew()
    {
        var name = new Argument<string?>("name")
        {
            Description = "The operator; without one, your own credentials are replaced in their folder", Arity = ArgumentArity.ZeroOrOne,
        };
        var folder = OutOption(required: false);
        var command = new Command("renew", "Renew credentials: your own in place, another operator's (as an admin) into a new folder")
            { name, folder };
        command.Validators.Add(result =>
        {
            if (result.GetValue(name) is not null && result.GetValue(folder) is null)
                result.AddError("another operator's credentials need --out DIR");
            if (result.GetValue(name) is null && result.GetValue(folder) is not null) result.AddError("--out DIR needs an operator's name");
        });
        command.SetAction(async (result, cancellationToken) =>
        {
            if (result.GetValue(name) is { } other)
            {
                await IssueAsync(result, result.GetValue(folder)!, csr => new RenewOperator { Name = other, Csr = csr }, cancellationToken);
                return;
            }
            var told = await Credentials.UseAsync(result, async (connection, own) => Tell(
                await Renewal.RenewAsync(own, connection, cancellationToken), own), cancellationToken);
            Console.WriteLine(told);
        });
        return command;
    }

    private static Command Revoke()
    {
        var name = NameArgument();
        var yes = Confirmation.Create();
        var command = new Command("revoke", "End an operator's certificates and connections at once") { name, yes };
        command.SetAction(async (result, cancellationToken) =>
        {
            var whose = result.GetRequiredValue(name);
            Confirmation.Ask(result, yes, $"Revoke {whose}? Its credentials will no longer count.");
            var done = await Credentials.AskAsync<Done>(result, new RevokeOperator { Name = whose }, cancellationToken);
            Console.WriteLine(Terminal.Page(done.Text));
        });
        return command;
    }

    /// <summary>Makes a key, has it certified, and writes the folder; the key goes nowhere else.</summary>
    private static async Task IssueAsync(ParseResult result, string path, Func<byte[], Message> request,
        CancellationToken cancellationToken) =>
        Console.WriteLine(await Credentials.UseAsync(result, async (connection, own) =>
        {
            var folder = new CredentialFolder(path);
            using var authority = own.LoadAuthority();
            folder.Begin(authority);
            var (key, csr) = CredentialFolder.NewRequest();
            using var owned = key;
            var issued = await connection.CallAsync<OperatorCredentials>(request(csr), cancellationToken);
            var endpoint = Credentials.EndpointOf(result, own);
            // The console reaches its controller over loopback; nobody else does.
            folder.Finish(key, issued.Certificate, IPEndPoint.TryParse(endpoint, out var address) && IPAddress.IsLoopback(address.Address)
                ? issued.Endpoint : endpoint);
            return Tell(issued, folder);
        }, cancellationToken));

    private static string Tell(OperatorCredentials issued, CredentialFolder folder)
    {
        using var certificate = X509CertificateLoader.LoadCertificate(issued.Certificate);
        var until = CertificateLife.Of(certificate).Ends.UtcDateTime;
        return Terminal.Page(
            $"{issued.Name} ({issued.Role.ToString().ToLowerInvariant()}): credentials in {folder.Path}, until {until:yyyy-MM-dd HH:mm} "
            + $"UTC if they are not used");
    }

    private static Argument<string> NameArgument() => new("name") { Description = "The operator's name" };

    private static Option<string> OutOption(bool required) =>
        new("--out") { Description = "Folder for the credentials; it must have none", Required = required };
}
