using System.Buffers.Binary;
using System.Numerics;
using System.Text;
using Operos.Ceph.Osds;

namespace Operos.Ceph.Tests.Osds;

/// <summary>Labels of OSDs: one that ceph-osd 18.2.7 wrote, and others like it.</summary>
internal static class OsdLabels
{
    public static readonly Guid Osd = new("3adb871f-ef35-44ff-939b-2d7566584ea3"), Fsid = new("a306ae6d-b110-4413-87ad-a3d44b1773d4");
    public const long Bytes = 6L << 30;

    /// <summary>The first bytes of a device after ceph-osd --mkfs, as many as a label takes.</summary>
    public static byte[] Real()
    {
        var label = new byte[OsdLabel.Length];
        Convert.FromBase64String(
            "Ymx1ZXN0b3JlIGJsb2NrIGRldmljZQozYWRiODcxZi1lZjM1LTQ0ZmYtOTM5Yi0yZDc1NjY1ODRlYTMKAgHoAQAAOtuHH+81RP+Tmy11ZlhOowAAAIABAAAA" +
            "/SMMa1gSFDsEAAAAbWFpbg0AAAAKAAAAYmZtX2Jsb2NrcwcAAAAxNTcyODY0EgAAAGJmbV9ibG9ja3NfcGVyX2tleQMAAAAxMjgTAAAAYmZtX2J5dGVzX3Bl" +
            "cl9ibG9jawQAAAA0MDk2CAAAAGJmbV9zaXplCgAAADY0NDI0NTA5NDQGAAAAYmx1ZWZzAQAAADEJAAAAY2VwaF9mc2lkJAAAAGEzMDZhZTZkLWIxMTAtNDQx" +
            "My04N2FkLWEzZDQ0YjE3NzNkNBkAAABjZXBoX3ZlcnNpb25fd2hlbl9jcmVhdGVkTAAAAGNlcGggdmVyc2lvbiAxOC4yLjcgKDZiMGU5ODgwNTJlYzg0Y2Yy" +
            "ZDRhNTRmZjliYmJjNWU3MjBiNjIxYWQpIHJlZWYgKHN0YWJsZSkKAAAAY3JlYXRlZF9hdBsAAAAyMDI2LTExLTI5VDEzOjA5OjIwLjQ1MTQ2MloKAAAAa3Zf" +
            "YmFja2VuZAcAAAByb2Nrc2RiBQAAAG1hZ2ljFAAAAGNlcGggb3NkIHZvbHVtZSB2MDI2CQAAAG1rZnNfZG9uZQMAAAB5ZXMFAAAAcmVhZHkFAAAAcmVhZHkG" +
            "AAAAd2hvYW1pAQAAADBgtd3L").CopyTo(label, 0);
        return label;
    }

    /// <summary>One with these values.</summary>
    public static byte[] Of(Guid osd, long bytes, params (string Name, string Value)[] values)
    {
        using var body = new MemoryStream();
        body.Write(osd.ToByteArray(bigEndian: true));
        body.Write(BitConverter.GetBytes(bytes));
        body.Write(new byte[8]);
        Text("main");
        body.Write(BitConverter.GetBytes(values.Length));
        foreach (var (name, value) in values)
        {
            Text(name);
            Text(value);
        }
        byte[] encoded = [.. Encoding.ASCII.GetBytes($"bluestore block device\n{osd}\n"), 2, 1,
            .. BitConverter.GetBytes((int)body.Length), .. body.ToArray()];
        var label = new byte[OsdLabel.Length];
        encoded.CopyTo(label, 0);
        var crc = encoded.Aggregate(uint.MaxValue, BitOperations.Crc32C);
        BinaryPrimitives.WriteUInt32LittleEndian(label.AsSpan(encoded.Length), crc);
        return label;

        void Text(string text)
        {
            body.Write(BitConverter.GetBytes(text.Length));
            body.Write(Encoding.ASCII.GetBytes(text));
        }
    }
}
