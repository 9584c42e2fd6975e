#!/usr/bin/env bash
# etcdctl's --dial-timeout ends no attempt to connect: refused or alone it tries until --command-timeout, and tells of a deadline only.
#
# Seen in 2026-11: etcd-client 3.4.23-4+b4 (Debian 12) with etcd-server of the same version. etcd with --client-cert-auth refuses a client
# without a certificate at once and says so in its own log ("tls: client didn't provide a certificate"). `etcdctl --dial-timeout=1s get`
# ends after 5 s, with --command-timeout=2s after 2 s, each time with "Error: context deadline exceeded". The same for a port at which
# nobody listens.
# Guessed otherwise: the option is "dial timeout for client connections", and --command-timeout is "(excluding dial timeout)", so that a
# connection that never comes about is over after the former; and a server that has answered is no timeout.
# What Operos does: its test of who is refused sets --command-timeout, which is what ends it.
#
# Exit code 0: as described; 1: it changed; 2: it could not be tried. Needs a Debian amd64 host's apt (its mirror and keyring), unshare
# and ip; etcd listens in a network namespace of its own. Nothing is installed.
set -euo pipefail

packages=(etcd-server=3.4.23-4+b4 etcd-client=3.4.23-4+b4 openssl)
folder=$(mktemp -d)
running=
# What it ran may write for a moment longer.
trap 'trap "" HUP INT TERM; exec 2> /dev/null; [[ -z $running ]] || kill -KILL "$running" || true; wait
    for _ in {1..100}; do ! rm -rf "$folder" || break; sleep 0.1; done' EXIT
untried() { printf 'could not be tried: %s\n' "$1"; exit 2; }

# The packages and what they need, from the host's mirror by an apt of its own for which nothing is installed.
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
    APT_CONFIG=$apt/apt.conf timeout 300 apt-get install -qq -y --download-only "${packages[@]}" > /dev/null ||
        untried "${packages[*]} cannot be had from this host's mirror"
    for deb in "$apt"/archives/*.deb; do dpkg-deb -x "$deb" "$folder/root" || untried "$deb cannot be unpacked"; done
}

# Runs in the namespace. Of each attempt it leaves the seconds it took and, in another file, its exit code and what it said last.
trial() {
    cat <<'TRIAL'
set -euo pipefail
cd "$1"
run() { # PROGRAM ARGUMENT...
    local root=$1/root libraries=lib/x86_64-linux-gnu
    "root/$libraries/ld-linux-x86-64.so.2" --library-path "root/$libraries:root/usr/$libraries" "root/usr/bin/$1" "${@:2}"
}
attempt() { # NAME OPTION...
    local code=0 began=$EPOCHREALTIME
    ETCDCTL_API=3 run etcdctl --cacert=own.crt --dial-timeout=1s "${@:2}" get word < /dev/null > said 2>&1 || code=$?
    awk -v began="$began" -v ended="$EPOCHREALTIME" 'BEGIN { printf "%.1f\n", ended - began }' > "$1.seconds"
    printf 'exit code %d, %s\n' "$code" "$(tail -n 1 said)" > "$1"
}
ip link set lo up
OPENSSL_CONF=root/etc/ssl/openssl.cnf run openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=etcd \
    -addext subjectAltName=IP:127.0.0.1 -keyout own.key -out own.crt 2> log
run etcd --data-dir=data --listen-peer-urls=http://127.0.0.1:2380 --listen-client-urls=https://127.0.0.1:2379 \
    --advertise-client-urls=https://127.0.0.1:2379 --cert-file=own.crt --key-file=own.key --client-cert-auth --trusted-ca-file=own.crt \
    > log 2>&1 &
for ((left = 300; left > 0; left--)); do
    ! grep -q 'serving client requests on 127.0.0.1:2379' log || break
    sleep 0.1
done
server=https://127.0.0.1:2379
own=(--endpoints="$server" --cert=own.crt --key=own.key)
ETCDCTL_API=3 run etcdctl --cacert=own.crt "${own[@]}" put word written > said 2>&1
attempt with-certificate "${own[@]}"
attempt refused --endpoints="$server"
attempt refused-2s --endpoints="$server" --command-timeout=2s
attempt alone-2s --endpoints=https://127.0.0.1:2378 --command-timeout=2s
TRIAL
}

# Whoever ends the namespace's first process ends etcd.
apart() {
    local user=()
    ((EUID == 0)) || user=(--map-root-user)
    trial > "$folder/trial"
    unshare "${user[@]}" --net --pid --fork --kill-child timeout 90 bash "$folder/trial" "$folder" > "$folder/errors" 2>&1 &
    running=$!
    wait "$running" || untried "$(tail -n 3 "$folder/errors" "$folder/log")"
    running=
}

status=0
expect() { # SECONDS OUTCOME NAME FILE
    local seconds outcome
    seconds=$(cat "$folder/$4.seconds")
    outcome=$(cat "$folder/$4")
    printf '%s: %s s, %s\n' "$3" "$seconds" "$outcome"
    # A busy host takes longer, and none ends before what ends it.
    [[ $outcome == "$2" && ${seconds%.*} -ge $1 ]] || { printf 'CHANGED: it was: %s s or more, %s\n' "$1" "$2"; status=1; }
}
fetch
apart
deadline='exit code 1, Error: context deadline exceeded'
expect 0 'exit code 0, written' 'with a certificate' with-certificate
expect 5 "$deadline" 'refused, --dial-timeout=1s' refused
expect 2 "$deadline" 'refused, --dial-timeout=1s --command-timeout=2s' refused-2s
expect 2 "$deadline" 'nobody listens, --dial-timeout=1s --command-timeout=2s' alone-2s
printf 'etcd said: %s\n' "$(grep -m 1 -o 'rejected connection.*' "$folder/log" || true)"
((status)) || printf 'as described: --command-timeout alone ends it, and the error does not tell why\n'
exit "$status"
