#!/usr/bin/env bash
# QEMU's -action reboot=shutdown takes the host's own system_reset for a reboot, ends, and exits with 0 as after every other end.
#
# Seen in 2026-11: QEMU 7.2+dfsg-7+deb12u18+b3 (Debian 12). The guest resets itself by port 0xcf9: QEMU exits with 0. The host asks by QMP
# for system_reset: QEMU does not reset the machine but ends too, with 0, and "return" comes after the SHUTDOWN event. QMP quit: 0. What
# happened is told by nothing but that event's reason: guest-reset, host-qmp-system-reset, host-qmp-quit.
# Guessed otherwise: the option is described as what to do when the guest reboots; system_reset is the host's button for a machine that
# goes on; and a program that starts QEMU again after each reboot has, without QMP, only the exit code to go by.
# What Operos does: its lab reads the SHUTDOWN event's reason and starts a machine again for the first two and for no other.
#
# Exit code 0: as described; 1: it changed; 2: it could not be tried. Needs a Debian amd64 host's apt (its mirror and keyring); nothing is
# installed.
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

# A disk of 1 MiB whose boot sector is this code.
disk() { # FILE CODE
    printf '%b' "$2" > "$1"
    truncate -s 510 "$1"
    printf '\x55\xaa' >> "$1"
    truncate -s 1M "$1"
}

# Ends QEMU that way; tells the SHUTDOWN event's data and the exit code.
end_by() { # DISK COMMAND (empty: none)
    local code=0 told=$folder/told left
    : > "$told"
    rm -f "$folder/commands"
    mkfifo "$folder/commands"
    run_qemu 60 -action reboot=shutdown -drive "if=none,id=disk,format=raw,file=$1" -device virtio-blk-pci,drive=disk -qmp stdio \
        < "$folder/commands" > "$told" 2> "$folder/errors" &
    running=$!
    exec {commands}> "$folder/commands"
    printf '{"execute": "qmp_capabilities"}\n' >&"$commands"
    for ((left = 300; left > 0; left--)); do
        ! grep -q '"return"' "$told" || break
        kill -0 "$running" 2> /dev/null || untried "QEMU ended: $(cat "$folder/errors")"
        sleep 0.1
    done
    ((left)) || untried 'QEMU did not answer within 30 s'
    [[ -z $2 ]] || printf '{"execute": "%s"}\n' "$2" >&"$commands"
    wait "$running" || code=$?
    running=
    exec {commands}>&-
    printf '%s, exit code %d\n' "$(sed -n 's/.*"SHUTDOWN", "data": {"guest": [a-z]*, "reason": "\([^"]*\)".*/\1/p' "$told")" "$code" \
        > "$folder/end"
}

status=0
expect() { # END NAME DISK COMMAND
    end_by "$3" "$4"
    printf '%s: %s\n' "$2" "$(cat "$folder/end")"
    [[ $(cat "$folder/end") == "$1" ]] || { printf 'CHANGED: it was: %s\n' "$1"; status=1; }
}
fetch_qemu
# mov al,6; mov dx,0cf9h; out dx,al; and: cli; halt: hlt; jmp halt
disk "$folder/resets" '\xb0\x06\xba\xf9\x0c\xee\xf4\xeb\xfd'
disk "$folder/halts" '\xfa\xf4\xeb\xfd'
expect 'guest-reset, exit code 0' 'the guest resets itself' "$folder/resets" ''
expect 'host-qmp-system-reset, exit code 0' 'QMP system_reset' "$folder/halts" system_reset
expect 'host-qmp-quit, exit code 0' 'QMP quit' "$folder/halts" quit
((status)) || printf 'as described: system_reset ends QEMU, and all three ends have the exit code 0\n'
exit "$status"
