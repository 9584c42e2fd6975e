using System.Collections;
using System.Reflection;
using System.Runtime.CompilerServices;
using Nerdbank.MessagePack;
using Operos.Proto.Connection;
using PolyType;

namespace Operos.Proto.Tests;

/// <summary>No list and no map of any message brings null to who reads it: each of them, of each message there is, is tried.</summary>
public sealed class NullElementTests
{
    public static TheoryData<string, string> Lists()
    {
        var data = new TheoryData<string, string>();
        foreach (var message in typeof(Message).GetCustomAttributes<DerivedTypeShapeAttribute>().Select(shape => shape.Type))
            foreach (var path in PathsOf(message, "")) data.Add(message.Name, path);
        return data;
    }

    [Theory, MemberData(nameof(Lists))]
    public void A_message_with_null_in_a_list_is_none(string message, string path)
    {
        var type = typeof(Message).Assembly.GetType($"Operos.Proto.{message}", throwOnError: true)!;
        Assert.NotNull(SendAndRead((Message)Make(type, "", path, holed: false)));
        Assert.Null(SendAndRead((Message)Make(type, "", path, holed: true)));
    }

    [Fact]
    public void Lists_are_found_below_a_message_and_in_its_lists_too()
    {
        Assert.Contains(Lists(), row => row.Data is (nameof(HeartbeatReply), ".Configuration.AuthorizedKeys"));
        Assert.Contains(Lists(), row => row.Data is (nameof(AuditList), ".Records[].Arguments"));
    }

    private static Message? SendAndRead(Message message) =>
        Frame.ReadMessage(Frame.Write(1, reply: false, message).AsMemory(Frame.HeaderSize), default);

    private static IEnumerable<string> PathsOf(Type type, string path)
    {
        foreach (var property in Keyed(type))
        {
            // A number is never null.
            if (IsList(property.PropertyType) && !property.PropertyType.GetGenericArguments()[^1].IsValueType)
                yield return $"{path}.{property.Name}";
            if (IsOurs(property.PropertyType))
                foreach (var below in PathsOf(property.PropertyType, $"{path}.{property.Name}")) yield return below;
            if (IsList(property.PropertyType) && property.PropertyType.GetGenericArguments()[^1] is var element && IsOurs(element))
                foreach (var below in PathsOf(element, $"{path}.{property.Name}[]")) yield return below;
        }
    }

    /// <summary>The message with nothing in it but one element in the list at the path: null or a sound one.</summary>
    private static object Make(Type type, string at, string path, bool holed)
    {
        var made = RuntimeHelpers.GetUninitializedObject(type);
        foreach (var property in Keyed(type))
        {
            var here = $"{at}.{property.Name}";
            property.SetValue(made, IsList(property.PropertyType) ? List(property.PropertyType, here, path, holed)
                : property.PropertyType == typeof(string) ? ""
                : property.PropertyType == typeof(byte[]) ? Array.Empty<byte>()
                : IsOurs(property.PropertyType) ? Make(property.PropertyType, here, path, holed)
                : RuntimeHelpers.GetUninitializedObject(Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType));
        }
        return made;
    }

    private static object List(Type list, string at, string path, bool holed)
    {
        var element = list.GetGenericArguments()[^1];
        var isAbove = path.StartsWith($"{at}[]", StringComparison.Ordinal);
        var filled = isAbove || at == path;
        var value = isAbove ? Make(element, $"{at}[]", path, holed)
            : holed ? null
            : element == typeof(string) ? "" : element == typeof(byte[]) ? Array.Empty<byte>() : Make(element, "", "", holed: false);
        if (list.GetGenericTypeDefinition() == typeof(IReadOnlyDictionary<,>))
        {
            var map = (IDictionary)Activator.CreateInstance(typeof(Dictionary<,>).MakeGenericType(typeof(string), element))!;
            if (filled) map["key"] = value;
            return map;
        }
        var array = Array.CreateInstance(element, filled ? 1 : 0);
        if (filled) array.SetValue(value, 0);
        return array;
    }

    private static IEnumerable<PropertyInfo> Keyed(Type type) =>
        type.GetProperties().Where(property => property.GetCustomAttribute<KeyAttribute>() is not null);

    private static bool IsList(Type type) => type.IsGenericType && type.GetGenericTypeDefinition() is var kind
        && (kind == typeof(IReadOnlyList<>) || kind == typeof(IReadOnlyDictionary<,>));

    private static bool IsOurs(Type type) => type.IsClass && type.Namespace == "Operos.Proto";
}
