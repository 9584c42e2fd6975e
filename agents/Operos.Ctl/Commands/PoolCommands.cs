using System.CommandLine;
using Operos.Linux;
using Operos.Proto;

namespace Operos.Ctl.Commands;

/// <summary><c>operosctl storage pool</c>: the pool of volumes.</summary>
internal static class PoolCommands
{
    public static Command Create()
    {
        var yes = Confirmation.Create();
        var copies = Either("--copies", "How many are kept at most", 2, 3);
        var least = Either("--min-size", "With how many it is written and read", 1, 2);
        var set = new Command("set", "Set how many copies it keeps, and with how many it works; what is not named stays")
        {
            copies, least, yes,
        };
        set.Validators.Add(result =>
        {
            if (result.GetResult(copies) is null && result.GetResult(least) is null)
                result.AddError("--copies or --min-size says what is set");
        });
        set.SetAction((result, cancellationToken) =>
        {
            var order = new SetPool { Copies = result.GetValue(copies), MinSize = result.GetValue(least) };
            if (order.MinSize == 1)
                Confirmation.Ask(result, yes, "Write with one copy alone while the others are away? A disk that dies then takes it along.");
            if (order.Copies == 2) Confirmation.Ask(result, yes, "Keep two copies? Third ones are removed.");
            return Query.DoAsync(result, order, cancellationToken);
        });
        return new Command("pool", "Its pool of volumes: copies") { set };
    }

    private static Option<int?> Either(string name, string description, int one, int other) => new(name)
    {
        Description = $"{description}: {one} or {other}",
        CustomParser = result =>
        {
            var text = result.Tokens is [var token] ? token.Value : "";
            if (text == $"{one}") return one;
            if (text == $"{other}") return other;
            result.AddError($"{name}: '{PrintableText.Line(text)}' is neither {one} nor {other}");
            return null;
        },
    };
}
