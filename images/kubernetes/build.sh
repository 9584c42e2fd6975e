#!/usr/bin/env bash
# Makes the Kubernetes component of the layers: the binaries of one version, and the container images that a node brings with it.
set -euo pipefail
shopt -s inherit_errexit

usage() {
    cat <<'USAGE'
usage: images/kubernetes/build.sh --version V --source upstream|debian-source --out DIR [--tool NAME] [--cache DIR] [--lock FILE]
       images/kubernetes/build.sh --version V --source upstream --pin [--tool NAME] [--cache DIR] [--lock FILE]

  upstream        release binaries from $OPEROS_KUBERNETES_URL/vV/bin/linux/amd64/, checked against the lock file
  debian-source   Debian's source package, checked against the lock file, compiled with this host's golang-go
  --tool          makes DIR/tools/NAME instead, which no layer holds, and leaves the component as it is: kubeadm
  --cache         downloads and unfinished work (default DIR/cache)
  --lock          the pinned SHA-256 of each file (default images/kubernetes/lock)
  --pin           fetch a release and add its SHA-256 to the lock file; compare them with published ones before you commit

Leaves DIR/bin, DIR/images/*.tar and DIR/inputs, which changes only when they do. What was made once is found again by its inputs.
USAGE
}
die() { printf 'kubernetes: %s\n' "$1" >&2; [[ -z ${2-} ]] || printf '  next: %s\n' "$2" >&2; exit 1; }

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
VERSION='' SOURCE='' OUT='' CACHE='' LOCK=$HERE/lock PIN='' TOOL=''
while (($#)); do
    case $1 in
        --version) VERSION=${2:?--version needs a version}; shift 2 ;;
        --source) SOURCE=${2:?--source needs a name}; shift 2 ;;
        --out) OUT=${2:?--out needs a folder}; shift 2 ;;
        --cache) CACHE=${2:?--cache needs a folder}; shift 2 ;;
        --lock) LOCK=${2:?--lock needs a file}; shift 2 ;;
        --pin) PIN=yes; shift ;;
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
# shellcheck source=images/kubernetes/containers.sh
source "$HERE/containers.sh"

if [[ -n $PIN ]]; then upstream_pin; exit; fi
[[ -n $(locked) ]] || locked_digest "$SOURCE" > /dev/null

# Every folder in DIR/built is whole, and named by all that went into it.
make_once() { # NAME KEY FUNCTION: DIR/built/NAME-KEY by FUNCTION, which fills the folder it is given
    local folder=$OUT/built/$1-$2
    if [[ -d $folder ]]; then
        printf 'kubernetes: %-10s unchanged\n' "$1"
    else
        local start=$SECONDS
        rm -rf "$folder.partial"
        mkdir -p "$folder.partial"
        "$3" "$folder.partial"
        sync -f "$folder.partial"
        mv "$folder.partial" "$folder"
        printf 'kubernetes: %-10s %s MB in %d s\n' "$1" "$(du -sm "$folder" | cut -f1)" $((SECONDS - start))
    fi
    ln -sfn "built/$1-$2" "$OUT/$1.new"
    mv -T "$OUT/$1.new" "$OUT/$1"
}

obtain() { # FOLDER
    local component
    case $SOURCE in
        upstream) upstream_fetch "$1" ;;
        debian-source) debian_fetch; debian_compile "$1" ;;
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

binaries_key() {
    {
        printf '%s %s\n' "$SOURCE" "$VERSION"
        # A tool that is pinned later leaves what the layers hold as it is.
        locked | if [[ -n $TOOL ]]; then cat; else awk '$1 != "kubeadm"'; fi
        [[ $SOURCE != debian-source ]] || debian_inputs
    } | digest | cut -c1-16
}

exec 9> "$OUT/.lock"
flock -n 9 || { printf 'kubernetes: waiting for another build in %s\n' "$OUT"; flock 9; }
if [[ -n $TOOL ]]; then make_once tools "$(binaries_key)" make_tool; exit; fi
binaries=$(binaries_key) images=$(containers_key)
make_once bin "$binaries" make_binaries
make_once images "$images" containers_make
if [[ $(cat "$OUT/inputs" 2>/dev/null) != "$SOURCE $VERSION $binaries $images" ]]; then
    printf '%s\n' "$SOURCE $VERSION $binaries $images" > "$OUT/inputs.new"
    mv "$OUT/inputs.new" "$OUT/inputs"
fi
