#!/usr/bin/env bash
# chronyd goes on saying that it follows a server, "Normal", when that has been gone for good; for hours, even where it has a local
# reference to fall back to.
#
# Seen in 2026-11: chrony 4.6.1-3+deb13u2 (Debian 13). A client with one server and `local stratum 10` follows it. The server ends. 25 s
# later (25 polls) `chronyc sources` has reach 0 and the mark `?`, the log says "Can't synchronise: no selectable sources", and
# `chronyc -c tracking` still has the server's address, its stratum plus one, and leap status Normal, as if nothing had happened. The
# reference time in it is the one thing that tells: it stands still.
# Guessed otherwise: that the leap status becomes "Not synchronised", or that `local` takes over as soon as no server answers. It does when
# the root distance has grown to a second ("distance", chrony.conf(5)), which takes most of a day at the usual 15 ppm.
# What Operos does: a server that was last heard an hour ago counts as silent in `operosctl status`, whatever the leap status.
#
# Exit code 0: as described; 1: it changed; 2: it could not be tried. Needs a Debian amd64 host's apt (its mirror and keyring), unshare
# and ip; both daemons run in a network namespace of their own with -x, so that no clock is set. Nothing is installed.
set -euo pipefail

package=chrony=4.6.1-3+deb13u2
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
untried() { printf 'could not be tried: %s\n' "$1"; exit 2; }

# The package and what it needs, from the host's mirror by an apt of its own for which nothing is installed.
fetch() {
    local apt=$folder/apt site deb
    mkdir -p "$apt/lists/partial" "$apt/archives/partial"
    : > "$apt/status"
    # shellcheck disable=SC2016 # apt's own variables
    site=$(apt-get indextargets --format '$(LABEL) $(SITE)' 'Created-By: Packages' | awk '$1 == "Debian" { print $2; exit }')
    [[ -n $site ]] || untried "this host's apt has no Debian mirror"
    printf 'deb [target=Packages arch=amd64] %s trixie main\n' "$site" > "$apt/sources.list"
    printf 'Dir::%s;\n' "State \"$apt\"" "State::status \"$apt/status\"" "Cache \"$apt\"" "Etc::sourcelist \"$apt/sources.list\"" \
        'Etc::sourceparts "/dev/null"' 'Etc::preferences "/dev/null"' 'Etc::preferencesparts "/dev/null"' > "$apt/apt.conf"
    printf 'APT::Sandbox::User "root";\nAPT::Install-Recommends "false";\n' >> "$apt/apt.conf"
    APT_CONFIG=$apt/apt.conf timeout 300 apt-get update -qq || untried "trixie's index cannot be had"
    APT_CONFIG=$apt/apt.conf timeout 300 apt-get install -qq -y --download-only "$package" > /dev/null ||
        untried "$package cannot be had from this host's mirror"
    for deb in "$apt"/archives/*.deb; do dpkg-deb -x "$deb" "$folder/root" || untried "$deb cannot be unpacked"; done
}

program() { # PATH ARGUMENT...
    local root=$folder/root libraries=usr/lib/x86_64-linux-gnu path=$1; shift
    "$root/$libraries/ld-linux-x86-64.so.2" --library-path "$root/$libraries" "$root/$path" "$@"
}
chronyd() { # NAME LINE...: with these lines, until this script ends
    local name=$1; shift
    mkdir -m 700 "$folder/$name"
    printf '%s\n' "$@" 'cmdport 0' 'pidfile /' "bindcmdaddress $folder/$name/sock" > "$folder/$name.conf"
    program usr/sbin/chronyd -u root -4 -d -x -f "$folder/$name.conf" > "$folder/$name.log" 2>&1
}
ask() { program usr/bin/chronyc -n -c -h "$folder/client/sock" "$1"; }
# Whom it follows, at which stratum, leap status; how many of the last eight polls were answered.
state() {
    ask tracking | awk -F, '{ printf "%s, stratum %s, %s; ", $2, $3, $14 }'
    printf 'reach %s\n' "$(ask sources | cut -d, -f6)"
}

if [[ ${1:-} == --inside ]]; then
    folder=$2
    trap 'kill $(jobs -p) 2> /dev/null || true' EXIT
    ip link set lo up
    ip address add 192.0.2.1/24 dev lo
    chronyd server 'local stratum 3' 'allow' &
    server=$!
    chronyd client 'server 192.0.2.1 iburst minpoll 0 maxpoll 0' 'local stratum 10' 'port 0' &
    sleep 15
    printf 'a server: %s\n' "$(state)"
    pkill -P "$server"
    sleep 25
    printf 'none for 25 polls: %s\n' "$(state)"
    grep -o "Can't synchronise.*" "$folder/client.log"
    exit 0
fi
fetch
unshare --net --pid --fork --kill-child --mount-proc "$0" --inside "$folder" > "$folder/seen" ||
    untried "the daemons cannot be run in a namespace"
cat "$folder/seen"
diff - "$folder/seen" <<'EXPECTED' || { printf 'It changed.\n'; exit 1; }
a server: 192.0.2.1, stratum 4, Normal; reach 377
none for 25 polls: 192.0.2.1, stratum 4, Normal; reach 0
Can't synchronise: no selectable sources
EXPECTED
printf 'As described.\n'
