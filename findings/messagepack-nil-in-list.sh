#!/usr/bin/env bash
# Nerdbank.MessagePack refuses nil for some members whose type says "never null" and hands it out for others of the same type.
#
# Seen in 2026-11: Nerdbank.MessagePack 1.4.104, PolyType's source generator, nullable reference types enabled. A nil on the wire for a
# `string` that a constructor, `required` or `init` takes is an exception. A nil for a `string` with a plain setter is stored, and a nil
# inside a `List<string>`, a `string[]` or as a value of a `Dictionary<string, string>` comes out as an element that is null, though the
# compiler lets nobody test for it without a warning.
# Guessed otherwise: the serializer reads nullable annotations (the first three prove it), so that what it returns keeps them everywhere;
# a list of strings that a peer sent is then a list of strings.
# What Operos does: proto/Operos.Proto checks every list of a message that comes from a peer and refuses it by name; members that may
# not be null are `required` or `init`.
#
# Exit code 0: as described; 1: it changed; 2: it could not be tried. Needs a .NET 10 SDK; the package is pinned and kept in a temporary
# folder.
set -euo pipefail

version=1.4.104
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
untried() { printf 'could not be tried: %s\n' "$1"; exit 2; }

command -v dotnet > /dev/null || untried 'this host has no dotnet'
cat > "$folder/nil.csproj" <<XML
<Project Sdk="Microsoft.NET.Sdk">
  <PropertyGroup>
    <OutputType>Exe</OutputType>
    <TargetFramework>net10.0</TargetFramework>
    <Nullable>enable</Nullable>
    <ImplicitUsings>enable</ImplicitUsings>
    <InvariantGlobalization>true</InvariantGlobalization>
  </PropertyGroup>
  <ItemGroup>
    <PackageReference Include="Nerdbank.MessagePack" Version="[$version]" />
  </ItemGroup>
</Project>
XML
cat > "$folder/Program.cs" <<'CS'
using Nerdbank.MessagePack;
using PolyType;

var serializer = new MessagePackSerializer();
// A map of one member, { "Word": nil }, and the same with a collection of one nil.
byte[] nil = [0x81, 0xa4, (byte)'W', (byte)'o', (byte)'r', (byte)'d', 0xc0];
byte[] list = [.. nil[..^1], 0x91, 0xc0];
byte[] map = [.. nil[..^1], 0x81, 0xa1, (byte)'k', 0xc0];
Try("a constructor's parameter", () => serializer.Deserialize<ByConstructor>(nil)!.Word);
Try("a required member", () => serializer.Deserialize<ByRequired>(nil)!.Word);
Try("an init member", () => serializer.Deserialize<ByInit>(nil)!.Word);
Try("a member with a setter", () => serializer.Deserialize<BySetter>(nil)!.Word);
Try("an element of a required list", () => serializer.Deserialize<ByList>(list)!.Word[0]);
Try("an element of a required array", () => serializer.Deserialize<ByArray>(list)!.Word[0]);
Try("a value of a required dictionary", () => serializer.Deserialize<ByMap>(map)!.Word["k"]);

static void Try(string where, Func<string> read)
{
    string told;
    try { told = read() is { } text ? $"\"{text}\"" : "null comes out"; }
    catch (MessagePackSerializationException) { told = "refused"; }
    Console.WriteLine($"{where}: {told}");
}

[GenerateShape] internal sealed partial record ByConstructor(string Word);
[GenerateShape] internal sealed partial class ByRequired { public required string Word { get; set; } }
[GenerateShape] internal sealed partial class ByInit { public string Word { get; init; } = ""; }
[GenerateShape] internal sealed partial class BySetter { public string Word { get; set; } = ""; }
[GenerateShape] internal sealed partial class ByList { public required List<string> Word { get; set; } }
[GenerateShape] internal sealed partial class ByArray { public required string[] Word { get; set; } }
[GenerateShape] internal sealed partial class ByMap { public required Dictionary<string, string> Word { get; set; } }
CS
export NUGET_PACKAGES=$folder/packages DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1
(cd "$folder" && timeout 300 dotnet build -v quiet -nodeReuse:false -p:UseSharedCompilation=false -o "$folder/out" > build.log 2>&1) ||
    untried "a program with Nerdbank.MessagePack $version cannot be built: $(grep -m 1 error "$folder/build.log")"

cat > "$folder/expected" <<'TEXT'
a constructor's parameter: refused
a required member: refused
an init member: refused
a member with a setter: null comes out
an element of a required list: null comes out
an element of a required array: null comes out
a value of a required dictionary: null comes out
TEXT
timeout 60 dotnet "$folder/out/nil.dll" > "$folder/seen" || untried 'the program failed'
cat "$folder/seen"
if ! diff "$folder/expected" "$folder/seen" > "$folder/difference"; then
    printf 'CHANGED:\n'; cat "$folder/difference"
    exit 1
fi
printf 'as described: nil is refused where a member is made with its object, and comes out as null everywhere else\n'
