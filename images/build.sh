#!/usr/bin/env bash
# Makes every layer whose inputs changed, lowest first: from the cache, or by building it.
set -euo pipefail
shopt -s inherit_errexit

usage() {
    cat <<'USAGE'
usage: images/build.sh [--out DIR] [--bin DIR] [--kubernetes DIR] [--ceph] [--cache DIR] [--indexes DIR]
                       [LAYER...]
       images/build.sh --keys [OPTION...] [LAYER...]

Makes the layers (default: all) and those below them in DIR (default out/images): layers/*.squashfs, roots/, kernel/.
With --kubernetes (out/kubernetes) the layers' Kubernetes component is built in, with --ceph Ceph's.
A layer is made again when its folder, its binaries, its packages in the archive, the builder or a layer below it changed.
What another checkout made of the same is taken from the cache (images/cache.sh --help).

  --cache    downloaded packages (default DIR/apt-cache)
  --indexes  the archive's indexes of another build (its DIR/state/apt), instead of what the archive has now
  --keys     only prints the key of each, and leaves all that it depends on in DIR/state/LAYER.inputs
USAGE
}
die() { printf 'images: %s\n' "$1" >&2; [[ -z ${2-} ]] || printf '  next: %s\n' "$2" >&2; exit 1; }

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
OUT=$here/../out/images BIN=$here/../out/bin KUBERNETES='' CEPH='' CACHE='' INDEXES='' ONLY_KEYS='' wanted=()
while (($#)); do
    case $1 in
        --out) OUT=${2:?--out needs a folder}; shift 2 ;;
        --bin) BIN=${2:?--bin needs a folder}; shift 2 ;;
        --kubernetes) KUBERNETES=${2:?--kubernetes needs a folder}; shift 2 ;;
        --ceph) CEPH=yes; shift ;;
        --cache) CACHE=${2:?--cache needs a folder}; shift 2 ;;
        --indexes) INDEXES=${2:?--indexes needs a folder}; shift 2 ;;
        --keys) ONLY_KEYS=yes; shift ;;
        -h|--help) usage; exit 0 ;;
        -*) usage >&2; exit 2 ;;
        *) wanted+=("$1"); shift ;;
    esac
done
export LC_ALL=C
mkdir -p "$OUT/layers" "$OUT/roots" "$OUT/state"; OUT=$(cd "$OUT" && pwd)
STATE=$OUT/state CACHE=${CACHE:-$OUT/apt-cache}
cache=$here/cache.sh
# shellcheck source=images/distro/debian.sh
source "$here/distro/debian.sh"
# shellcheck source=images/layers.sh
source "$here/layers.sh"

((${#wanted[@]})) || wanted=("${LAYERS[@]}")
needed=,
for layer in "${wanted[@]}"; do
    [[ -v UNDER[$layer] ]] || die "no layer $layer; there are ${LAYERS[*]}"
    needed+=$layer,${UNDER[$layer]},
done

megabytes() { stat -c '%s' "$@" | awk '{ bytes += $1 } END { printf "%.1f", bytes / 1e6 }'; }
tell() { printf 'images: %-10s %7s MB  %s\n' "$1" "$(megabytes "$OUT/layers/$1.squashfs")" "$2"; } # LAYER WHAT

prepare_indexes() {
    local shared
    if [[ -n $INDEXES ]]; then
        cmp -s "$INDEXES/refreshed" "$STATE/apt/refreshed" || { rm -rf "$STATE/apt"; cp -r --preserve=timestamps "$INDEXES" "$STATE/apt"; }
        (debian_apt_configure "$DEBIAN_SUITE" "$STATE/apt" deb)
        return
    fi
    shared=$("$cache" folder)
    distro_indexes "$STATE/apt" ${shared:+"$shared/apt/$DEBIAN_SUITE"}
}

# The SquashFS is the layer; its root is unpacked from it, with what the overlay above needs of it: opaque folders, whiteouts, capabilities.
restore() { # LAYER INPUTS
    local layer=$1 from=$OUT/.restored.$1
    rm -rf "$from"
    if "$cache" get layers "$2" "$from" &&
        unsquashfs -quiet -no-progress -dest "$from/root" "$from/layers/$layer.squashfs" > /dev/null; then
        replace "$from/root" "$OUT/roots/$layer"
        [[ ! -d $from/kernel ]] || replace "$from/kernel" "$OUT/kernel"
        replace "$from/layers/$layer.squashfs" "$OUT/layers/$layer.squashfs"
    fi
    rm -rf "$from"
    [[ -f $OUT/layers/$layer.squashfs && -d $OUT/roots/$layer ]]
}
replace() { # FROM TO
    rm -rf "$2"
    mv "$1" "$2" || die "cannot put $2 in its place"
}

build() { # LAYER INPUTS
    local layer=$1 archive=$STATE/$1.archive
    layer_archive "$layer" > "$archive"
    "$cache" get-files "$archive" "$CACHE"
    "$here/build-layer.sh" "$layer" --out "$OUT" ${UNDER[$layer]:+--below "${UNDER[$layer]}"} --bin "$BIN" \
        ${KUBERNETES:+--kubernetes "$KUBERNETES"} ${CEPH:+--ceph} --cache "$CACHE"
    "$cache" put-files "$archive" "$CACHE"
}

keep() { # LAYER INPUTS
    local content=("layers/$1.squashfs") unnamed=''
    [[ -n ${UNDER[$1]} ]] || content+=(kernel)
    # Versions are known by what resolving says. What it did not name could change without anybody noticing.
    [[ ! -s $STATE/$1.archive ]] ||
        unnamed=$(awk 'FNR == NR { named[$2]; next } !($1 in named)' "$STATE/$1.archive" "$STATE/$1.installed" | paste -sd' ')
    if [[ -n $unnamed ]]; then
        printf 'images: %-10s is not kept in the cache: resolving did not name %s\n' "$1" "$unnamed"
    else
        "$cache" put layers "$2" "$OUT" "${content[@]}"
    fi
}

make_layer() { # LAYER
    local layer=$1 inputs=$STATE/$1.inputs hash start=$SECONDS
    note_inputs "$layer" "$inputs"
    hash=${KEY[$layer]}
    if [[ -f $OUT/layers/$layer.squashfs && -d $OUT/roots/$layer && $(cat "$OUT/layers/$layer.inputs" 2> /dev/null) == "$hash" ]]; then
        tell "$layer" unchanged
        return
    fi
    rm -rf "$OUT/layers/$layer".{inputs,squashfs} "$OUT/roots/$layer"
    if restore "$layer" "$inputs"; then
        printf '%s\n' "$hash" > "$OUT/layers/$layer.inputs"
        tell "$layer" "from the cache in $((SECONDS - start)) s"
    else
        printf 'images: %-10s building\n' "$layer"
        build "$layer" "$inputs"
        printf '%s\n' "$hash" > "$OUT/layers/$layer.inputs"
        tell "$layer" "built in $((SECONDS - start)) s"
        keep "$layer" "$inputs"
    fi
}

exec 9> "$OUT/.lock"
flock -n 9 || { printf 'images: waiting for another build in %s\n' "$OUT"; flock 9; }
prepare_indexes
for layer in "${LAYERS[@]}"; do
    [[ $needed == *",$layer,"* ]] || continue
    if [[ -n $ONLY_KEYS ]]; then
        note_inputs "$layer" "$STATE/$layer.inputs"
        printf '%s %s\n' "$layer" "${KEY[$layer]}"
    else
        make_layer "$layer"
    fi
done
[[ -z $ONLY_KEYS ]] || exit 0
if [[ $needed == *,worker,* ]]; then
    printf 'images: a worker holds %s MB in RAM\n' "$(megabytes "$OUT"/layers/{base,node,worker}.squashfs)"
fi
