#!/usr/bin/env bash
# dnsmasq does not start where its lease file has more leases than dhcp-lease-max, not even where all of them expired years ago.
#
# Seen in 2026-11: dnsmasq-base 2.90-4~deb12u2 (Debian 12). With --dhcp-lease-max=2 and a lease file of three lines that expired in 2001 it
# ends with "too many stored leases" and exit code 5, before it serves anything. With two such lines, or --dhcp-lease-max=3, it starts, and
# has dropped the expired ones. `dnsmasq --test` with the same options says "syntax check OK."
# Guessed otherwise: the option limits how many leases are given ("Limits dnsmasq to the specified maximum number of DHCP leases", man
# page), so that a smaller one is met by giving no more until some have expired; and what has expired is no lease any more.
# What Operos does: dhcp-lease-max follows the range; where the file has more lines than that, as after the range was made smaller, it
# follows the file, so that a changed range never leaves a rack without DHCP.
#
# Exit code 0: as described; 1: it changed; 2: it could not be tried. Needs a Debian amd64 host's apt (its mirror and keyring), unshare
# and ip; dnsmasq runs in a network namespace of its own. Nothing is installed.
set -euo pipefail

package=dnsmasq-base=2.90-4~deb12u2
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
    printf 'deb [target=Packages arch=amd64] %s bookworm main\n' "$site" > "$apt/sources.list"
    printf 'Dir::%s;\n' "State \"$apt\"" "State::status \"$apt/status\"" "Cache \"$apt\"" "Etc::sourcelist \"$apt/sources.list\"" \
        'Etc::sourceparts "/dev/null"' 'Etc::preferences "/dev/null"' 'Etc::preferencesparts "/dev/null"' > "$apt/apt.conf"
    printf 'APT::Sandbox::User "root";\nAPT::Install-Recommends "false";\n' >> "$apt/apt.conf"
    APT_CONFIG=$apt/apt.conf timeout 300 apt-get update -qq || untried "bookworm's index cannot be had"
    APT_CONFIG=$apt/apt.conf timeout 300 apt-get install -qq -y --download-only "$package" > /dev/null ||
        untried "$package cannot be had from this host's mirror"
    for deb in "$apt"/archives/*.deb; do dpkg-deb -x "$deb" "$folder/root" || untried "$deb cannot be unpacked"; done
}

dnsmasq() { # ARGUMENT...
    local root=$folder/root libraries=lib/x86_64-linux-gnu
    "$root/$libraries/ld-linux-x86-64.so.2" --library-path "$root/$libraries:$root/usr/$libraries" "$root/usr/sbin/dnsmasq" \
        --keep-in-foreground --conf-file=/dev/null --port=0 --user=root --pid-file --log-facility=- \
        --dhcp-range=192.0.2.10,192.0.2.19,1h --dhcp-leasefile="$folder/leases" "$@" 2>&1
}

# What dnsmasq makes of that many leases which expired in 2001: its exit code and what it said last, or that it serves.
outcome() { # LEASES LEASE-MAX
    local number said code=0
    for ((number = 1; number <= $1; number++)); do
        printf '1000000000 52:54:00:00:00:0%d 192.0.2.1%d * *\n' "$number" "$number"
    done > "$folder/leases"
    # A dnsmasq that serves is ended by timeout.
    said=$(timeout --preserve-status 3 bash -c "$(declare -f dnsmasq); folder=$folder; dnsmasq --dhcp-lease-max=$2") || code=$?
    said=$(grep -v '^$' <<< "$said")
    if grep -q 'IP range 192.0.2.10' <<< "$said"; then printf 'serves, %d leases left\n' "$(wc -l < "$folder/leases")"
    else printf 'ends with %d: %s\n' "$code" "${said##*$'\n'}"; fi
}

if [[ ${1:-} == --inside ]]; then
    folder=$2
    trap - EXIT
    ip link set lo up
    printf '3 expired leases, at most 2: %s\n' "$(outcome 3 2)"
    printf '3 expired leases, at most 2, --test: %s\n' "$(dnsmasq --test --dhcp-lease-max=2)"
    printf '2 expired leases, at most 2: %s\n' "$(outcome 2 2)"
    printf '3 expired leases, at most 3: %s\n' "$(outcome 3 3)"
    exit 0
fi
fetch
unshare --net "$0" --inside "$folder" > "$folder/seen" || untried "there is no network namespace to be had"
cat "$folder/seen"
diff - "$folder/seen" <<'EXPECTED' || { printf 'It changed.\n'; exit 1; }
3 expired leases, at most 2: ends with 5: dnsmasq: too many stored leases
3 expired leases, at most 2, --test: dnsmasq: syntax check OK.
2 expired leases, at most 2: serves, 0 leases left
3 expired leases, at most 3: serves, 0 leases left
EXPECTED
printf 'As described.\n'
