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
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
longest_wait=600
# shellcheck source=tests/checks/monthly.sh
source "$here/../monthly.sh"
suite=sid

inputs() { # MONTH
    printf 'decoder of files for Kubernetes, %s\n' "$1"
    (cd "$here" && sha256sum build.sh decode.go packages)
}
is_here() { [[ -x $out/decode ]]; }
place() { # FOLDER
    install -m 644 "$1/versions" "$out/versions" && install -m 755 "$1/decode" "$out/decode"
}
made_of() { grep -m 1 '^golang-k8s-apimachinery' "$out/versions"; }

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

# What a cut compilation made is not made again.
make_it() { fetch && compile; }

monthly decode versions
die 'it cannot be made (above), and none of an earlier month is kept' \
    'without a network: wait for one; a package that is not found or missing: correct tests/checks/kubernetes-files/packages'
