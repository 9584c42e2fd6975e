#!/usr/bin/env bash
# .NET's PosixSignalRegistration never tells of SIGINT, SIGQUIT or SIGHUP in a program that was started with them ignored.
#
# Seen in 2026-11: .NET 10.0.12. PosixSignalRegistration.Create succeeds for SIGHUP, SIGINT, SIGQUIT and SIGTERM, and /proc/PID/status
# (SigIgn) tells that the first three stay ignored: their handlers are never called. SIGTERM, ignored just as well when the program
# started, is handled. A shell without job control starts `command &` with SIGINT and SIGQUIT ignored, nohup with SIGHUP.
# Guessed otherwise: to register a handler is to ask for the signal; a sigaction in C would have taken it. The reference tells of no
# exception to it, and of two signals that a program treats alike one works.
# What Operos does: tests/run.sh starts its test run with `env --default-signal=INT,QUIT`; a supervisor that ends a .NET program sends
# SIGTERM at last.
#
# Exit code 0: as described; 1: it changed; 2: it could not be tried. Needs a .NET 10 SDK; the runtime is a package, pinned, kept in a
# temporary folder.
set -euo pipefail

runtime=10.0.12
signals=(HUP INT QUIT TERM)
folder=$(mktemp -d)
program=
trap 'trap "" HUP INT TERM; [[ -z $program ]] || kill -KILL "$program" 2> /dev/null || true; rm -rf "$folder"' EXIT
untried() { printf 'could not be tried: %s\n' "$1"; exit 2; }

command -v dotnet > /dev/null || untried 'this host has no dotnet'
cat > "$folder/signals.csproj" <<XML
<Project Sdk="Microsoft.NET.Sdk">
  <PropertyGroup>
    <OutputType>Exe</OutputType>
    <TargetFramework>net10.0</TargetFramework>
    <RuntimeIdentifier>linux-x64</RuntimeIdentifier>
    <SelfContained>true</SelfContained>
    <RuntimeFrameworkVersion>$runtime</RuntimeFrameworkVersion>
    <InvariantGlobalization>true</InvariantGlobalization>
  </PropertyGroup>
</Project>
XML
cat > "$folder/Program.cs" <<'CS'
using System;
using System.Runtime.InteropServices;

PosixSignalRegistration On(PosixSignal signal) => PosixSignalRegistration.Create(signal, context =>
{
    context.Cancel = true;
    Console.WriteLine($"handled {signal}");
});
using var hangUp = On(PosixSignal.SIGHUP);
using var interrupt = On(PosixSignal.SIGINT);
using var quit = On(PosixSignal.SIGQUIT);
using var terminate = On(PosixSignal.SIGTERM);
Console.WriteLine($"registered on {Environment.Version}");
Console.In.ReadLine();
CS
export NUGET_PACKAGES=$folder/packages DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1
(cd "$folder" && timeout 300 dotnet build -v quiet -nodeReuse:false -p:UseSharedCompilation=false -o "$folder/out" > build.log 2>&1) ||
    untried "a program for .NET $runtime cannot be built: $(grep -m 1 error "$folder/build.log")"

waits_for() { # TENTHS FILE TEXT
    local left
    for ((left = $1; left > 0; left--)); do
        ! grep -q "$3" "$2" || return 0
        sleep 0.1
    done
    return 1
}

# The signals that the program tells of, when it was started with all four as `env` was told.
handled() { # --default-signal or --ignore-signal
    local told=$folder/told signal
    : > "$told"
    rm -f "$folder/input"
    mkfifo "$folder/input"
    env "$1=HUP,INT,QUIT,TERM" "$folder/out/signals" < "$folder/input" > "$told" 2>&1 &
    program=$!
    exec {input}> "$folder/input"
    waits_for 300 "$told" "registered on $runtime" || untried "the program did not say within 30 s that it runs on $runtime: $(cat "$told")"
    for signal in "${signals[@]}"; do
        kill -s "$signal" "$program"
        # TERM is sent last: what is told by then is told.
        waits_for 20 "$told" "handled SIG$signal" || true
    done
    printf 'SigIgn %s; handled:' "$(awk '$1 == "SigIgn:" { print $2 }' "/proc/$program/status")" > "$folder/result"
    for signal in "${signals[@]}"; do
        ! grep -q "handled SIG$signal" "$told" || printf ' %s' "$signal" >> "$folder/result"
    done
    exec {input}>&-
    wait "$program" || true
    program=
}

status=0
expect() { # HOW OPTION SIGNALS
    handled "$2"
    printf '%s: %s\n' "$1" "$(cat "$folder/result")"
    [[ $(sed 's/.*handled: *//' "$folder/result") == "$3" ]] || { printf 'CHANGED: %s it was: %s\n' "$1" "$3"; status=1; }
}
expect 'started with the four signals at their default' --default-signal 'HUP INT QUIT TERM'
expect 'started with the four signals ignored' --ignore-signal 'TERM'
((status)) || printf 'as described: of four registered handlers only that of SIGTERM is called where the signals were ignored before\n'
exit "$status"
