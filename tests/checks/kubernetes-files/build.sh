#!/usr/bin/env bash
# Compiles decode.go with the newest of Kubernetes' own types and loaders that Debian has, and with Debian's newest Go.
set -euo pipefail
shopt -s inherit_errexit nullglob

usage() {
    cat <<'USAGE'
usage: tests/checks/kubernetes-files/build.sh --out DIR

Leaves DIR/decode, and DIR/versions: which packages are in it. It is made anew once a month, of what Debian's unstable suite has then,
and kept in the cache (images/cache.sh). In a month in which it cannot be made, the newest that is kept serves, and that is said.
Nothing is installed. Several at once wait for the first; a compilation that was cut goes on.
USAGE
}
die() { printf 'kubernetes-files: %s\n' "$1" >&2; [[ -z ${2-} ]] || printf '  next: %s\n' "$2" >&2; exit 1; }

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../../.." && pwd)
case ${1-}:$# in
    --out:2) out=$(mkdir -p "$2" && cd "$2" && pwd) ;;
    -h:1|--help:1) usage; exit 0 ;;
    *) usage >&2; exit 2 ;;
esac
export LC_ALL=C TZ=UTC
umask 022
# shellcheck source=images/distro/debian.sh
source "$root/images/distro/debian.sh"
suite=sid

exec {lock}> "$out/lock"
flock -w 600 "$lock" || die "another build has held $out/lock for 10 minutes" "see which process holds it: fuser $out/lock"
# What a cut compilation made is not made again.
work=$out/work
mkdir -p "$work"

inputs() { # MONTH
    printf 'decoder of files for Kubernetes, %s\n' "$1"
    (cd "$here" && sha256sum build.sh decode.go packages)
}
# What is in DIR, or else in the cache.
take() { # MONTH
    inputs "$1" > "$work/inputs"
    [[ ! -x $out/decode ]] || ! cmp -s "$work/inputs" "$out/inputs" || return 0
    rm -rf "$work/taken"
    "$root/images/cache.sh" get checks "$work/inputs" "$work/taken" || return 1
    install -m 644 "$work/taken/versions" "$out/versions"
    install -m 755 "$work/taken/decode" "$out/decode"
    mv "$work/inputs" "$out/inputs"
}

fetch() { # the packages, unpacked, into work/tree
    local wanted=() name apt=$work/apt
    rm -rf "$apt" "$work"/{packages,tree}
    mkdir -p "$apt" "$work/packages" "$work/tree"
    # Of this suite alone: it has neither updates nor security updates of its own.
    debian_sources "$suite" deb | awk -v suite="$suite" '$3 == suite { sub(/^deb /, "deb [target=Packages] "); print }' \
        > "$apt/sources.list"
    debian_apt_configure "$suite" "$apt" deb
    timeout 300 apt-get update -qq --error-on=any -o Acquire::Retries=1 || return 1
    # The compiler's packages have its version in their names.
    mapfile -t wanted < <(apt-cache depends golang-go golang-src | awk '$1 == "Depends:" && $2 ~ /^golang-[0-9.]+-(go|src)$/ { print $2 }' |
        sort -u)
    ((${#wanted[@]} == 2)) || { echo "golang-go of $suite depends on no compiler" >&2; return 1; }
    mapfile -t -O 2 wanted < "$here/packages"
    (cd "$work/packages" && timeout 300 apt-get download -qq -o Acquire::Retries=1 "${wanted[@]}") || return 1
    for name in "$work"/packages/*.deb; do dpkg-deb -x "$name" "$work/tree" || return 1; done
    (cd "$work/packages" && printf '%s\n' *.deb) > "$work/versions"
}

compile() {
    local go
    go=$(echo "$work"/tree/usr/lib/go-*)
    mkdir -p "$work/tree/usr/share/gocode/src/operos/decode"
    cp "$here/decode.go" "$work/tree/usr/share/gocode/src/operos/decode/"
    (cd "$work/tree/usr/share/gocode/src/operos/decode" &&
        GOROOT=$go GOPATH=$work/tree/usr/share/gocode GOCACHE=$work/objects GOENV=off GO111MODULE=off CGO_ENABLED=0 GOFLAGS='' \
            GOTOOLCHAIN=local "$go/bin/go" build -p 2 -trimpath -ldflags '-s -w' -o "$work/decode" .)
}

month=$(date +%Y-%m)
if take "$month"; then exit; fi
start=$SECONDS
if fetch > "$work/log" 2>&1 && compile >> "$work/log" 2>&1; then
    install -m 644 "$work/versions" "$out/versions"
    install -m 755 "$work/decode" "$out/decode"
    inputs "$month" > "$out/inputs"
    "$root/images/cache.sh" put checks "$out/inputs" "$out" decode versions
    rm -rf "$work"
    printf 'kubernetes-files: compiled in %d s with %s\n' $((SECONDS - start)) "$(grep -m 1 '^golang-k8s-apimachinery' "$out/versions")"
    exit
fi
tail -n 20 "$work/log" >&2
for back in {1..12}; do
    earlier=$(date -d "$month-15 -$back month" +%Y-%m)
    if take "$earlier"; then
        printf 'kubernetes-files: it cannot be made of what Debian has now (above); that of %s serves\n' "$earlier" >&2
        exit
    fi
done
die 'it cannot be made (above), and none of an earlier month is kept' \
    'without a network: wait for one; a package that is not found or missing: correct tests/checks/kubernetes-files/packages'
