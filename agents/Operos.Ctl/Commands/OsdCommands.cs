using System.CommandLine;
using System.Globalization;
using Operos.Ctl.Rendering;
using Operos.Linux;
using Operos.Proto;

namespace Operos.Ctl.Commands;

/// <summary><c>operosctl storage osd</c>: the OSDs, and what becomes of them.</summary>
internal static class OsdCommands
{
    public static Command Create()
    {
        var list = new Command("list", "List OSDs: where each is, and how it stands");
        list.Shows<OsdList>(_ => new ListOsds(), StorageTable.Render);
        return new Command("osd", "Its OSDs: the part of each disk that is Ceph's")
        {
            list,
            Marked("out", "Have what is on an OSD copied to others, and put nothing on it any more", osd => new TakeOsdOut { Osd = osd }),
            Marked("in", "Put data on an OSD again", osd => new PutOsdIn { Osd = osd }),
            Taken("remove", "Take an OSD whose disk does not come back from the cluster; refused where data would be lost",
                osd => $"Remove OSD {osd}? What is on its disk is never used again.",
                (osd, losesData) => new RemoveOsd { Osd = osd, LoseData = losesData }),
            Taken("replace", "Remove an OSD, and give its number and place to the next blank disk of the same machine",
                osd => $"Replace OSD {osd}? What is on its disk is never used again.",
                (osd, losesData) => new ReplaceOsd { Osd = osd, LoseData = losesData }),
        };
    }

    private static Command Marked(string name, string description, Func<int, Message> request)
    {
        var osd = Number();
        var command = new Command(name, description) { osd };
        command.Does(result => request(result.GetRequiredValue(osd)));
        return command;
    }

    private static Command Taken(string name, string description, Func<int, string> question, Func<int, bool, Message> request)
    {
        var (osd, yes) = (Number(), Confirmation.Create());
        var losesData = new Option<bool>("--lose-data") { Description = "Also where data is lost with it" };
        var command = new Command(name, description) { osd, yes, losesData };
        command.SetAction((result, cancellationToken) =>
        {
            var number = result.GetRequiredValue(osd);
            Confirmation.Ask(result, yes, question(number) + (result.GetValue(losesData)
                ? " Data of which there is no other copy is lost." : ""));
            return Query.DoAsync(result, request(number, result.GetValue(losesData)), cancellationToken);
        });
        return command;
    }

    private static Argument<int> Number() => new("osd")
    {
        Description = "Its number, as operosctl storage osd list has it",
        CustomParser = result =>
        {
            var text = result.Tokens.Count == 1 ? result.Tokens[0].Value : "";
            if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number)) return number;
            result.AddError($"<osd>: '{PrintableText.Line(text)}' is no number of an OSD: operosctl storage osd list has them");
            return -1;
        },
    };
}
