#!/usr/bin/env bash
# Takes the static busybox of the distribution that the layers are made of, whichever this host has: the wget of Debian 12's dies when it is
# given a time-out.
set -euo pipefail
shopt -s inherit_errexit

usage() {
    cat <<'USAGE'
usage: images/kubernetes/busybox.sh --out FILE

Leaves the program at FILE, replaced only when the archive has another, and the archive's indexes and the package beside it. Without a
network that of the indexes which were fetched last counts, from the cache (images/cache.sh --help).
USAGE
}
die() { printf 'busybox: %s\n' "$1" >&2; [[ -z ${2-} ]] || printf '  next: %s\n' "$2" >&2; exit 1; }

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
case ${1-}:$# in
    --out:2) mkdir -p "$(dirname "$2")"; out=$(cd "$(dirname "$2")" && pwd)/$(basename "$2") ;;
    -h:1|--help:1) usage; exit 0 ;;
    *) usage >&2; exit 2 ;;
esac
export LC_ALL=C
# shellcheck source=images/distro/debian.sh
source "$here/../distro/debian.sh"
STATE=$out.state
mkdir -p "$STATE"
exec {lock}> "$STATE/lock"
flock -w 600 "$lock" || die "another build has held $STATE/lock for 10 minutes" "see which process holds it: fuser $STATE/lock"

shared=$("$here/../cache.sh" folder)
distro_indexes "$STATE/apt" ${shared:+"$shared/apt/$DEBIAN_SUITE"}
debian_once busybox distro_package_file busybox-static > "$STATE/package"
read -r sha file < "$STATE/package" || die "the archive's indexes have no busybox-static" "remove $STATE and $shared/apt, and try again"
[[ ! -x $out || $(cat "$STATE/made" 2> /dev/null) != "$sha" ]] || exit 0
"$here/../cache.sh" get-files "$STATE/package" "$STATE"
[[ -f $STATE/$file ]] || (cd "$STATE" && debian_ask apt-get download -qq -o APT::Sandbox::User=root busybox-static) ||
    die "$file cannot be fetched" "see what apt-get says above"
[[ $(sha256sum < "$STATE/$file") == "$sha  -" ]] || { rm -f "$STATE/$file"; die "$file is not what the archive's index names" "try again"; }
"$here/../cache.sh" put-files "$STATE/package" "$STATE"
rm -rf "$STATE/root"
dpkg-deb -x "$STATE/$file" "$STATE/root"
install -m 755 "$STATE/root/usr/bin/busybox" "$out.new"
mv "$out.new" "$out"
printf '%s\n' "$sha" > "$STATE/made"
rm -rf "$STATE/root" "${STATE:?}/$file"
