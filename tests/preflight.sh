#!/usr/bin/env bash
# Says before anything is built whether this host can do it, and how long it takes.
set -euo pipefail

usage() {
    cat <<'EOT'
usage: tests/preflight.sh demo|test

Looks at rights, memory, disk, tools and KVM, and says what is cached and the time to expect. It changes nothing.
All that is missing is told at once, each with the next step; the exit code is then 1.
EOT
}

case ${1-} in
    demo|test) command=$1 ;;
    -h|--help) usage; exit 0 ;;
    *) usage >&2; exit 2 ;;
esac
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# Empty where there is none.
cache=$("$root/images/cache.sh" folder)
problems=()
say() { printf '%s: %-7s %s\n' "$command" "$1" "$2"; }
problem() { problems+=("$1"$'\n'"  next: $2"); } # WHAT NEXT-STEP

# In MiB. A controller and two workers have 6 GiB; an emulated one needs half as much again for the code that QEMU translated.
need_memory=8192
# What a build from nothing leaves in out/ and the disks of the guests, with room for what a package manager unpacks meanwhile.
need_disk=10240
release=$(find "$root/out/release" -mindepth 2 -maxdepth 2 -name release.json.sig -print -quit 2> /dev/null || true)
[[ -z $release ]] || need_disk=4096

check_rights() {
    if [[ $(id -u) != 0 ]]; then
        problem "it must run as root: guests, network namespaces and layers need it" "sudo make $command"
    elif ! unshare --net --mount true 2> /dev/null; then
        problem "root may not make network and mount namespaces here, as in a container without privileges" \
            "run it on a virtual machine, or in a container that is privileged"
    elif [[ ! -c /dev/net/tun ]]; then
        problem "there is no /dev/net/tun: guests' network cards need it" "modprobe tun, or give the container the device"
    else
        say rights "root, namespaces"
    fi
}

check_memory() {
    local available limit group
    available=$(($(awk '$1 == "MemAvailable:" { print $2 }' /proc/meminfo) / 1024))
    # A container sees the host's memory and may not have it (cgroups(7): version 2, then 1).
    group=$(sed -n 's/^0:://p' /proc/self/cgroup)
    for limit in "/sys/fs/cgroup$group/memory.max" /sys/fs/cgroup/memory.max /sys/fs/cgroup/memory/memory.limit_in_bytes; do
        limit=$(cat "$limit" 2> /dev/null || true)
        # A number of 19 digits is no limit.
        if [[ $limit =~ ^[0-9]{1,18}$ ]] && ((limit / 1048576 < available)); then available=$((limit / 1048576)); fi
    done
    if ((available < need_memory)); then
        problem "$available MiB of memory are available; three guests need $need_memory MiB" \
            "end what else runs, use a larger machine, or leave this check out: make $command PREFLIGHT=0"
    else
        say memory "$available MiB available"
    fi
}

check_disk() {
    local available
    available=$(($(df --output=avail -k "$root/." | tail -n 1) / 1024))
    # Where it is a file system of its own.
    [[ ! -d $root/out ]] || available=$(($(df --output=avail -k "$root/out" | tail -n 1) / 1024))
    if ((available < need_disk)); then
        problem "$available MiB are free for $root/out; $need_disk MiB are needed" \
            "make room, clone to a larger disk, or leave this check out: make $command PREFLIGHT=0"
    else
        say disk "$available MiB free for out/"
    fi
}

check_tools() {
    local missing
    if ! command -v dpkg-query apt-get > /dev/null; then
        problem "this is not Debian: tools are installed by apt-get" "use Debian 12 or 13"
        return
    fi
    missing=$("$root/images/install-deps.sh" --missing | tr '\n' ' ')
    if [[ -z $missing ]]; then say tools "all installed"; else say tools "to be installed first: $missing"; fi
}

# The verdict of an earlier run in this boot, else what can be said before a guest is started (tests/Operos.Lab/Accelerator.cs).
check_kvm() {
    local record
    record=$(grep -ls "$(cat /proc/sys/kernel/random/boot_id)" "$cache"/accelerator/*.json | head -n 1 || true)
    if [[ ! -e /dev/kvm ]]; then
        say kvm "there is no /dev/kvm: guests are emulated, which takes several times as long"
    elif [[ -n $record ]]; then
        say kvm "$(sed 's/.*"Line":"kvm: \(.*\)"}}$/\1/; s/\\"/"/g' "$record")"
    else
        say kvm "/dev/kvm is there; whether it runs guests is tried before the first"
    fi
}

tell_time() {
    local build run kept
    kept=$(du -sm "$cache" 2> /dev/null | cut -f1 || true)
    if [[ -n $release ]]; then
        say cached "release $(basename "$(dirname "$release")") in out/"
        build="a few minutes to build what changed since"
    elif ((${kept:-0} > 100)); then
        say cached "$kept MiB in $cache"
        build="2 minutes to build what did not change since, 10 to build all"
    else
        say cached nothing
        build="10 minutes to build all"
    fi
    [[ $command == demo ]] && run="5 to 10 minutes to three Ready nodes" || run="25 to 40 minutes of tests"
    say time "$build, then $run, on two cores without KVM; here are $(nproc)"
    say logs "out/$([[ $command == demo ]] && echo demo/rack || echo 'test-results, out/test/NAME')"
}

check_rights
check_memory
check_disk
check_tools
check_kvm
if ((${#problems[@]})); then
    printf '\n' >&2
    printf "$command: %s\n" "${problems[@]}" >&2
    exit 1
fi
tell_time
