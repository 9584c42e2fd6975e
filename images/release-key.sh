#!/usr/bin/env bash
# Says where the key is that signs releases, and makes it once: outside every checkout, since clusters trust it for years.
set -euo pipefail

usage() {
    cat <<'USAGE'
usage: images/release-key.sh --out DIR

Prints the folder of release.key and release.pub; makes both where they are missing, with DIR/bin/operosctl. DIR/release-keys is left naming
that folder, for who reads what was signed.

  OPEROS_KEYS  the folder (default $XDG_CONFIG_HOME/operos/keys, else ~/.config/operos/keys)
USAGE
}
die() { printf 'release-key: %s\n' "$1" >&2; [[ -z ${2-} ]] || printf '  next: %s\n' "$2" >&2; exit 1; }

out=''
while (($#)); do
    case $1 in
        --out) out=$2; shift 2 ;;
        -h|--help) usage; exit 0 ;;
        *) usage >&2; exit 2 ;;
    esac
done
[[ -n $out ]] || { usage >&2; exit 2; }

keys=${OPEROS_KEYS:-${XDG_CONFIG_HOME:-${HOME:-$(getent passwd "$(id -u)" | cut -d: -f6)}/.config}/operos/keys}
[[ $keys == /* ]] || keys=$PWD/$keys
umask 077
mkdir -p "$keys" || die "$keys cannot be made" "set OPEROS_KEYS to a folder that can be written and is kept"
# Two builds may come here at once, and there is one pair for both.
exec {lock}< "$keys"
flock -w 60 "$lock" || die "another build has held $keys for a minute"
if [[ ! -e $keys/release.key ]]; then
    if [[ -e $out/keys/release.key ]]; then
        # A key among a checkout's outputs is one that clusters may trust.
        cp -p "$out/keys/release.pub" "$keys/release.pub"
        cp -p "$out/keys/release.key" "$keys/release.key.partial"
        mv "$keys/release.key.partial" "$keys/release.key"
    else
        "$out/bin/operosctl" release keygen --dir "$keys" >&2
    fi
    printf 'release-key: releases are signed with %s; keep it, clusters trust it\n' "$keys/release.key" >&2
fi
[[ -e $keys/release.pub ]] ||
    die "there is no $keys/release.pub beside release.key" "openssl ec -in $keys/release.key -pubout -out $keys/release.pub"
exec {lock}<&-
umask 022
# Written only when it is another: a release is signed again then.
printf '%s\n' "$keys" | cmp -s - "$out/release-keys" || printf '%s\n' "$keys" > "$out/release-keys"
printf '%s\n' "$keys"
