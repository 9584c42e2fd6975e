#!/usr/bin/env bash
# Kestrel ends every call of a Go program that uses gRPC over a unix socket with a dialer of its own, as the kubelet does.
#
# Seen in 2026-11: Microsoft.AspNetCore.App 10.0.12 and google.golang.org/grpc 1.64.0 (Debian 13). A client that dials "/run/x.sock" with
# grpc.WithContextDialer, which connects to that path, sends it as :authority, escaped (%2Frun%2Fx.sock; the 1.27 of Kubernetes 1.20 sends
# it as it is). Kestrel takes :authority for a host on a unix socket too, finds a letter that no host has, and resets the stream: the client
# sees "Internal: stream terminated by RST_STREAM with error code: PROTOCOL_ERROR", the server's log has a line at debug level alone. With
# grpc.WithAuthority("localhost") the same call is answered. .NET's own client sends localhost, so that tests with it pass.
# Why: RFC 9113 has :authority for a URI's; what it is where there is no host each side has decided for itself. Kestrel has no option.
# Guessed otherwise: that a server on a unix socket of its own answers the kubelet's gRPC when it answers that of .NET.
# What Operos does: its CSI driver replaces what is in :authority before Kestrel reads it (agents/Operos.Csi/Connections).
#
# Exit code 0: as described; 1: it changed; 2: it could not be tried. Needs a .NET 10 SDK with ASP.NET Core, and a Debian amd64 host's apt
# (its mirror and keyring), 100 MB of download. Nothing is installed.
set -euo pipefail

packages=(golang-google-grpc-dev=1.64.0-7 golang-1.24-go=1.24.4-1)
folder=$(mktemp -d)
trap 'kill $(jobs -p) 2> /dev/null || true; wait; rm -rf "$folder"' EXIT
untried() { printf 'could not be tried: %s\n' "$1"; exit 2; }

# The packages and what they depend on, from the host's mirror by an apt of its own for which nothing is installed.
fetch() {
    local apt=$folder/apt site deb all=("${packages[@]%%=*}") next=("${packages[@]%%=*}")
    mkdir -p "$apt/lists/partial" "$apt/archives/partial" "$apt/debs"
    : > "$apt/status"
    # shellcheck disable=SC2016 # apt's own variables
    site=$(apt-get indextargets --format '$(LABEL) $(SITE)' 'Created-By: Packages' | awk '$1 == "Debian" { print $2; exit }')
    [[ -n $site ]] || untried "this host's apt has no Debian mirror"
    printf 'deb [target=Packages arch=amd64] %s trixie main\n' "$site" > "$apt/sources.list"
    printf 'Dir::%s;\n' "State \"$apt\"" "State::status \"$apt/status\"" "Cache \"$apt\"" "Etc::sourcelist \"$apt/sources.list\"" \
        'Etc::sourceparts "/dev/null"' 'Etc::preferences "/dev/null"' 'Etc::preferencesparts "/dev/null"' > "$apt/apt.conf"
    printf 'APT::Sandbox::User "root";\n' >> "$apt/apt.conf"
    export APT_CONFIG=$apt/apt.conf
    timeout 300 apt-get update -qq || untried "the index of Debian 13 cannot be had"
    while ((${#next[@]})); do
        mapfile -t next < <(apt-cache depends --important "${next[@]}" | awk '/Depends: golang-/ { print $2 }' | sort -u |
            grep -vxFf <(printf '%s\n' "${all[@]}") || true)
        all+=("${next[@]}")
    done
    (cd "$apt/debs" && timeout 300 apt-get download -qq "${packages[@]}" "${all[@]:${#packages[@]}}") ||
        untried "${packages[*]} cannot be had from this host's mirror"
    for deb in "$apt"/debs/*.deb; do dpkg-deb -x "$deb" "$folder/root" || untried "$deb cannot be unpacked"; done
}

command -v dotnet > /dev/null || untried 'this host has no dotnet'
fetch
mkdir "$folder/server" "$folder/client"
cat > "$folder/server/server.csproj" << 'XML'
<Project Sdk="Microsoft.NET.Sdk.Web">
  <PropertyGroup><TargetFramework>net10.0</TargetFramework><ImplicitUsings>enable</ImplicitUsings></PropertyGroup>
</Project>
XML
# A service without a message: an empty one comes, an empty one goes.
cat > "$folder/server/Program.cs" << 'CS'
using Microsoft.AspNetCore.Server.Kestrel.Core;

var builder = WebApplication.CreateSlimBuilder();
builder.Logging.ClearProviders();
builder.WebHost.ConfigureKestrel(server => server.ListenUnixSocket(args[0], listen => listen.Protocols = HttpProtocols.Http2));
var app = builder.Build();
app.MapPost("/a.B/C", async context =>
{
    context.Response.ContentType = "application/grpc";
    await context.Response.Body.WriteAsync(new byte[5]);
    context.Response.AppendTrailer("grpc-status", "0");
});
app.Run();
CS
cat > "$folder/client/main.go" << 'GO'
package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/types/known/emptypb"
)

func main() {
	options := []grpc.DialOption{
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, path string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", path)
		}),
	}
	if len(os.Args) > 2 {
		options = append(options, grpc.WithAuthority(os.Args[2]))
	}
	ctx, end := context.WithTimeout(context.Background(), 20*time.Second)
	defer end()
	connection, err := grpc.Dial(os.Args[1], options...)
	if err == nil {
		err = connection.Invoke(ctx, "/a.B/C", &emptypb.Empty{}, &emptypb.Empty{})
	}
	fmt.Println(err)
}
GO
dotnet build "$folder/server" -o "$folder/served" -v quiet -nologo > "$folder/said" 2>&1 ||
    untried "the server: $(tail -n 1 "$folder/said")"
go=$folder/root/usr/lib/go-1.24
(cd "$folder/client" && GO111MODULE=off GOPATH=$folder/root/usr/share/gocode GOCACHE=$folder/cache GOROOT=$go \
    "$go/bin/go" build -o "$folder/call" main.go) > "$folder/said" 2>&1 ||
    untried "the client: $(tail -n 1 "$folder/said")"
dotnet "$folder/served/server.dll" "$folder/x.sock" > "$folder/server.said" 2>&1 &
for ((i = 0; i < 300; i++)); do [[ -S $folder/x.sock ]] && break; sleep 0.1; done
[[ -S $folder/x.sock ]] || untried "the server does not start: $(tail -n 1 "$folder/server.said")"
by_path=$("$folder/call" "$folder/x.sock")
by_host=$("$folder/call" "$folder/x.sock" localhost)
printf 'called by its path: %s\ncalled as localhost: %s\n' "$by_path" "$by_host"
if [[ $by_path == *PROTOCOL_ERROR* && $by_host == '<nil>' ]]; then
    printf 'as described: Kestrel answers only where the authority is a host\n'
    exit 0
fi
printf 'CHANGED: it was: PROTOCOL_ERROR by its path, and an answer as localhost\n'
exit 1
