#!/usr/bin/env bash
# Makes the Kubernetes component of the layers: the binaries of one version, and the container images that a node brings with it.
set -euo pipefail
shopt -s inherit_errexit

usage() {
    cat <<'USAGE'
usage: images/kubernetes/build.sh --version V --source upstream|debian-source --out DIR [--tool NAME] [--cache DIR] [--lock FILE]
                 [--busybox FILE]
       images/kubernetes/build.sh --version V --source upstream --pin [--tool NAME] [--cache DIR] [--lock FILE]

  upstream        release binaries from $OPEROS_KUBERNETES_URL/vV/bin/linux/amd64/, checked against the lock file
  debian-source   Debian's source package, checked against the lock file, compiled with this host's golang-go
  --tool          makes DIR/tools/NAME instead, which no layer holds, and leaves the component as it is: kubeadm
  --cache         downloads and unfinished work (default DIR/cache)
  --lock          the pinned SHA-256 of each file (default images/kubernetes/lock)
  --busybox       the static one for the sample image (default: the layers' distribution's, images/kubernetes/busybox.sh)
  --pin           fetch a release and add its SHA-256 to the lock file; compare them with published ones before you commit

Leaves DIR/bin, DIR/images/*.tar and DIR/inputs, which changes only when they do. What was made once is found again by its inputs,
in DIR or in the cache of all checkouts (images/cache.sh).
USAGE
}
die() { printf 'kubernetes: %s\n' "$1" >&2; [[ -z ${2-} ]] || printf '  next: %s\n' "$2" >&2; exit 1; }

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
VERSION='' SOURCE='' OUT='' CACHE='' LOCK=$HERE/lock PIN='' TOOL='' BUSYBOX=''
while (($#)); do
    case $1 in
        --version) VERSION=${2:?--version needs a version}; shift 2 ;;
        --source) SOURCE=${2:?--source needs a name}; shift 2 ;;
        --out) OUT=${2:?--out needs a folder}; shift 2 ;;
        --cache) CACHE=${2:?--cache needs a folder}; shift 2 ;;
        --lock) LOCK=${2:?--lock needs a file}; shift 2 ;;
        --pin) PIN=yes; shift ;;
        --busybox) BUSYBOX=${2:?--busybox needs a file}; shift 2 ;;
        --tool) TOOL=${2:?--tool needs a name}; shift 2 ;;
        -h|--help) usage; exit 0 ;;
        *) usage >&2; exit 2 ;;
    esac
done
VERSION=${VERSION#v}
[[ -n $VERSION && -n $OUT$PIN ]] || { usage >&2; exit 2; }
[[ $VERSION =~ ^[0-9]+\.[0-9]+\.[0-9]+(-[0-9a-z.]+)?$ ]] || die "'$VERSION' is no version" "such as 1.20.2"
[[ $SOURCE == upstream || $SOURCE == debian-source ]] || { usage >&2; exit 2; }
[[ -z $PIN || $SOURCE == upstream ]] || { usage >&2; exit 2; }
[[ -z $TOOL || $TOOL == kubeadm ]] || { usage >&2; exit 2; }
[[ -f $LOCK ]] || die "no lock file $LOCK"

export LC_ALL=C TZ=UTC
umask 022
COMPONENTS=(kube-apiserver kube-controller-manager kube-scheduler kube-proxy kubelet kubectl)
# A tool comes from the same source, by itself.
[[ -z $TOOL ]] || COMPONENTS=("$TOOL")
[[ -z $OUT ]] || { mkdir -p "$OUT"; OUT=$(cd "$OUT" && pwd); }
CACHE=${CACHE:-${OUT:-$HERE/../../out/kubernetes}/cache}
mkdir -p "$CACHE/downloads"; CACHE=$(cd "$CACHE" && pwd)

# shellcheck source=images/pinned.sh
source "$HERE/../pinned.sh"

# The lines of this source and version: "FILE SHA256".
locked() { awk -v source="$SOURCE" -v version="$VERSION" '$1 == source && $2 == version { print $3, $4 }' "$LOCK"; }

locked_digest() { # FILE
    local pinned
    pinned=$(locked | awk -v file="$1" '$1 == file { print $2 }')
    [[ $pinned =~ ^[0-9a-f]{64}$ ]] || die "$LOCK has no SHA-256 of $1 for $SOURCE $VERSION" \
        "$(awk '!/^#/ && NF { print $1, $2 }' "$LOCK" | sort -u | paste -sd, | sed 's/^/known: /'); --pin adds an upstream release"
    printf '%s\n' "$pinned"
}

admit() { # FILE PARTIAL FINAL
    local pinned
    pinned=$(locked_digest "$1")
    admit_pinned "$1" "$pinned" "$LOCK" "$2" "$3"
}

# shellcheck source=images/kubernetes/upstream.sh
source "$HERE/upstream.sh"
# shellcheck source=images/kubernetes/debian-source.sh
source "$HERE/debian-source.sh"
# shellcheck source=images/distro/source.sh
source "$HERE/../distro/source.sh"
# shellcheck source=images/kubernetes/containers.sh
source "$HERE/containers.sh"

if [[ -n $PIN ]]; then upstream_pin; exit; fi
[[ -n $(locked) ]] || locked_digest "$SOURCE" > /dev/null

# Every folder in DIR/built is whole, and named by all that went into it.
make_once() { # NAME INPUTS FUNCTION: DIR/built/NAME-KEY by FUNCTION, which fills the folder it is given
    local inputs=$OUT/built/$1.inputs key folder start=$SECONDS how=made
    printf '%s\n' "$1 of Kubernetes" "$2" > "$inputs"
    key=$(digest <<< "$2" | cut -c1-16)
    folder=$OUT/built/$1-$key
    if [[ -d $folder ]]; then
        printf 'kubernetes: %-10s unchanged\n' "$1"
        "$HERE/../cache.sh" put kubernetes "$inputs" "$folder" .
    else
        rm -rf "$folder.partial"
        if "$HERE/../cache.sh" get kubernetes "$inputs" "$folder.partial"; then
            how='from the cache'
        else
            # Nothing of an entry that could not be unpacked.
            rm -rf "$folder.partial"
            mkdir -p "$folder.partial"
            "$3" "$folder.partial"
            "$HERE/../cache.sh" put kubernetes "$inputs" "$folder.partial" .
        fi
        sync -f "$folder.partial"
        mv "$folder.partial" "$folder"
        printf 'kubernetes: %-10s %s MB %s in %d s\n' "$1" "$(du -sm "$folder" | cut -f1)" "$how" $((SECONDS - start))
    fi
    ln -sfn "built/$1-$key" "$OUT/$1.new"
    mv -T "$OUT/$1.new" "$OUT/$1"
}

# What was fetched for another compiler or other patches is not fetched again. What is pinned is compared with its pin before it counts.
debian_fetch_once() {
    local downloads=$CACHE/downloads pins=$CACHE/source file names
    locked | awk 'BEGIN { print "source of Kubernetes" } $1 != "kubeadm"' > "$pins"
    if [[ -z $(find "$downloads" -name '*.checked' -print -quit) ]] && "$HERE/../cache.sh" get downloads "$pins" "$downloads"; then
        for file in "$downloads"/*.checked; do
            mv "$file" "${file%.checked}"
            admit "$(basename "$file" .checked)" "${file%.checked}" "$file"
        done
    fi
    debian_fetch
    mapfile -t names < <(cd "$downloads" && find . -type f -size +0 -printf '%P\n' | sort)
    "$HERE/../cache.sh" put downloads "$pins" "$downloads" "${names[@]}"
}

obtain() { # FOLDER
    local component
    case $SOURCE in
        upstream) upstream_fetch "$1" ;;
        debian-source) debian_fetch_once; debian_compile "$1" ;;
    esac
    for component in "${COMPONENTS[@]}"; do
        [[ -f $1/$component ]] || die "no $component was made"
        chmod 755 "$1/$component"
    done
}

make_tool() { # FOLDER
    obtain "$1"
    [[ $("$1/kubeadm" version -o short) == "v$VERSION" ]] || die "kubeadm says '$("$1/kubeadm" version -o short)', not v$VERSION"
}

make_binaries() { # FOLDER
    obtain "$1"
    [[ $("$1/kubelet" --version) == "Kubernetes v$VERSION" ]] || die "kubelet says '$("$1/kubelet" --version)', not $VERSION"
}

binaries_inputs() {
    printf '%s %s\n' "$SOURCE" "$VERSION"
    # A tool that is pinned later leaves what the layers hold as it is.
    locked | if [[ -n $TOOL ]]; then cat; else awk '$1 != "kubeadm"'; fi
    [[ $SOURCE != debian-source ]] || debian_inputs
}

exec 9> "$OUT/.lock"
flock -n 9 || { printf 'kubernetes: waiting for another build in %s\n' "$OUT"; flock 9; }
mkdir -p "$OUT/built"
binaries=$(binaries_inputs)
if [[ -n $TOOL ]]; then make_once tools "$binaries" make_tool; exit; fi
make_once bin "$binaries" make_binaries
[[ -n $BUSYBOX ]] || { BUSYBOX=$CACHE/busybox; "$HERE/busybox.sh" --out "$BUSYBOX"; }
images=$(containers_inputs)
make_once images "$images" containers_make
made="$SOURCE $VERSION $(digest <<< "$binaries" | cut -c1-16) $(digest <<< "$images" | cut -c1-16)"
if [[ $(cat "$OUT/inputs" 2>/dev/null) != "$made" ]]; then
    printf '%s\n' "$made" > "$OUT/inputs.new"
    mv "$OUT/inputs.new" "$OUT/inputs"
fi
