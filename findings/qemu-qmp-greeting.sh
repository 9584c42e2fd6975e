#!/usr/bin/env bash
# QEMU greets a QMP client before it makes the devices of its command line; a greeting does not say that there is a machine.
#
# Seen in 2026-11: QEMU 7.2+dfsg-7+deb12u18+b3 (Debian 12), QMP on a socket with server=on,wait=off, a client that connects as soon as it
# can. With a -device that names a drive that does not exist the client is connected and mostly gets the whole greeting (version,
# capabilities); then the connection is closed or reset with qmp_capabilities unanswered, and QEMU exits with 1. With a device that can be
# made the reply to qmp_capabilities comes.
# Why: greetings come from a thread of the monitor's own, commands are answered by the main loop, which is entered when the machine is
# made.
# Guessed otherwise: the command line is checked first and a server greets when it can serve; "wait until QMP answers" is how QEMU is
# waited for.
# What Operos does: its lab takes QEMU as started when qmp_capabilities is answered; where the connection ends before that, it waits for
# QEMU's end and reports its exit code.
#
# Exit code 0: as described; 1: it changed; 2: it could not be tried. Needs a Debian amd64 host's apt (its mirror and keyring) and
# perl-base; nothing is installed. When the client gets in is a race with QEMU's start: with the bad device, up to 30 starts are made
# until one client was greeted.
set -euo pipefail

qemu=1:7.2+dfsg-7+deb12u18+b3 seabios=1.16.2-1
folder=$(mktemp -d)
running=
trap 'trap "" HUP INT TERM; [[ -z $running ]] || kill "$running" 2> /dev/null || true; wait; rm -rf "$folder"' EXIT
untried() { printf 'could not be tried: %s\n' "$1"; exit 2; }

# Debian 12's QEMU and what it needs, from the host's mirror by an apt of its own for which nothing is installed.
fetch_qemu() {
    local apt=$folder/apt site deb
    mkdir -p "$apt/lists/partial" "$apt/archives/partial"
    : > "$apt/status"
    # shellcheck disable=SC2016 # apt's own variables
    site=$(apt-get indextargets --format '$(LABEL) $(SITE)' 'Created-By: Packages' | awk '$1 == "Debian" { print $2; exit }')
    [[ -n $site ]] || untried "this host's apt has no Debian mirror"
    printf 'deb [target=Packages arch=amd64] %s bookworm main\n' "$site" > "$apt/sources.list"
    printf 'Dir::%s;\n' "State \"$apt\"" "State::status \"$apt/status\"" "Cache \"$apt\"" "Etc::sourcelist \"$apt/sources.list\"" \
        'Etc::sourceparts "/dev/null"' 'Etc::preferences "/dev/null"' 'Etc::preferencesparts "/dev/null"' > "$apt/apt.conf"
    printf 'APT::Sandbox::User "root";\nAPT::Install-Recommends "false";\n' >> "$apt/apt.conf"
    APT_CONFIG=$apt/apt.conf timeout 300 apt-get update -qq || untried "bookworm's index cannot be had"
    APT_CONFIG=$apt/apt.conf timeout 300 apt-get install -qq -y --download-only "qemu-system-x86=$qemu" "seabios=$seabios" > /dev/null ||
        untried "qemu-system-x86 $qemu with seabios $seabios cannot be had from this host's mirror"
    for deb in "$apt"/archives/*.deb; do dpkg-deb -x "$deb" "$folder/root" || untried "$deb cannot be unpacked"; done
}

# Bounded, emulated, with the libraries of its own distribution.
run_qemu() { # SECONDS ARGUMENT...
    local root=$folder/root libraries=lib/x86_64-linux-gnu
    QEMU_MODULE_DIR=$root/usr/$libraries/qemu exec timeout --kill-after=5 "$1" \
        "$root/$libraries/ld-linux-x86-64.so.2" --library-path "$root/$libraries:$root/usr/$libraries" \
        "$root/usr/bin/qemu-system-x86_64" -L "$root/usr/share/qemu" -L "$root/usr/share/seabios" \
        -accel tcg -M q35 -m 32 -nodefaults -no-user-config -display none "${@:2}"
}

# Connects, asks at once, and tells "greeted" and "answered", each yes or no.
client() { # SOCKET
    # shellcheck disable=SC2016 # Perl's own variables
    timeout 30 perl -e '
        use strict; use IO::Socket::UNIX; use Time::HiRes qw(sleep);
        my ($socket, $told, $left) = (undef, "", 40000);
        until ($socket = IO::Socket::UNIX->new(Peer => $ARGV[0])) { $left-- or exit; sleep 0.0002 }
        $SIG{PIPE} = "IGNORE";
        syswrite $socket, qq({"execute": "qmp_capabilities"}\n);
        while ($told !~ /"return"/ and sysread $socket, my $part, 4096) { $told .= $part }
        print "greeted: ", $told =~ /"QMP"/ ? "yes" : "no", ", answered: ", $told =~ /"return"/ ? "yes" : "no", "\n"' "$1"
}

# What the client saw, and QEMU's exit code.
start() { # DEVICE
    local code=0 seen
    rm -f "$folder/qmp"
    run_qemu 60 -S -chardev "socket,id=qmp,path=$folder/qmp,server=on,wait=off" -mon chardev=qmp,mode=control -device "$1" \
        2> "$folder/errors" &
    running=$!
    seen=$(client "$folder/qmp") || true
    [[ $seen != *'answered: yes' ]] || kill "$running"
    wait "$running" || code=$?
    running=
    printf '%s, exit code %s\n' "${seen:-not connected}" "$code" > "$folder/seen"
}

fetch_qemu
start virtio-rng-pci
printf 'a device that can be made: %s\n' "$(cat "$folder/seen")"
[[ $(cat "$folder/seen") == 'greeted: yes, answered: yes, exit code '* ]] || untried "QEMU does not start here: $(cat "$folder/errors")"
for ((attempt = 1; attempt <= 30; attempt++)); do
    start virtio-blk-pci,drive=absent
    printf 'a device that cannot be made, start %d: %s\n' "$attempt" "$(cat "$folder/seen")"
    case $(cat "$folder/seen") in
        'greeted: yes, answered: no, exit code 1')
            printf 'QEMU said: %s\n' "$(sed 's/^[^ ]*: //' "$folder/errors")"
            printf 'as described: greeted by a QEMU that never had its machine\n'
            exit 0 ;;
        *'answered: yes'* | *'exit code 0') printf 'CHANGED: it was: greeted at most, never answered, exit code 1\n'; exit 1 ;;
    esac
done
printf 'CHANGED: no client of 30 was greeted before QEMU gave up\n'
exit 1
