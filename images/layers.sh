# shellcheck shell=bash
# The layers, and all that the bytes of each depend on. Sourced by what builds or compares them, which sets
#   BIN (the binaries)     STATE (with the distribution's indexes)
#   KUBERNETES (the component's folder, or empty)     CEPH (not empty: built in)
# and brings die; distro/*.sh is sourced before.

IMAGES=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

# In the order of building; layer -> the layers under it, lowest first.
# shellcheck disable=SC2034 # the caller's
LAYERS=(base node worker controller)
declare -A UNDER=([base]='' [node]='base' [worker]='base,node' [controller]='base,node')
# The key of each whose inputs were looked at, in that order.
declare -A KEY=()

# Lines of a list without comments and blanks.
entries() { sed -e 's/#.*//' -e 's/[[:space:]]*$//' -e '/^[[:space:]]*$/d' "$1"; }

# A layer's folder, and that of a component of it, hold the same sorts of files.
layer_parts() { # LAYER: its folders below images/
    local component
    printf '%s\n' "$1"
    for component in ${KUBERNETES:+kubernetes} ${CEPH:+ceph}; do
        [[ ! -d $IMAGES/$1/$component ]] || printf '%s\n' "$1/$component"
    done
}
layer_packages() { # LAYER...
    local layer part
    for layer; do
        while read -r part; do
            if [[ -f $IMAGES/$part/packages ]]; then entries "$IMAGES/$part/packages"; fi
        done < <(layer_parts "$layer")
    done
}

# "PACKAGE PATH" of each file that is taken from a package that is not installed.
layer_unpacked() { # LAYER
    local part
    while read -r part; do
        if [[ -f $IMAGES/$part/unpacked ]]; then entries "$IMAGES/$part/unpacked"; fi
    done < <(layer_parts "$1")
}

layer_epoch() { # LAYER
    local name paths=("images/$1" images/distro/debian.sh images/accounts images/build-layer.sh)
    for name in ${UNDER[$1]//,/ }; do paths+=("images/$name"); done
    "$IMAGES/epoch.sh" "${paths[@]}"
}

# The packages, by name and digest, that the archive has for a layer and those below it.
layer_archive() { # LAYER
    local below=${UNDER[$1]} own packages
    own=$(layer_packages "$1")
    [[ -n $own ]] || return 0
    # shellcheck disable=SC2086 # names of layers
    mapfile -t packages < <(layer_packages ${below//,/ } "$1")
    distro_resolve "${packages[@]}"
    mapfile -t packages < <(layer_unpacked "$1" | awk '!known[$1]++ { print $1 }')
    ((${#packages[@]} == 0)) || distro_package_files "${packages[@]}"
    [[ -n $below ]] || distro_kernel_file
}

# A file that is installed: out/bin's or the Kubernetes component's.
installed_file() { # SOURCE: its path
    case $1 in
        kubernetes/*) printf '%s\n' "$KUBERNETES/${1#kubernetes/}" ;;
        *) printf '%s\n' "$BIN/$1" ;;
    esac
}
need_installed() { # SOURCE
    local file hint='make bin'
    file=$(installed_file "$1")
    [[ $1 != kubernetes/* ]] || hint='make kubernetes'
    [[ -f $file ]] || die "no $file" "$hint"
}

# A file's SHA-256, read again only when its inode says that it changed: Kubernetes is 400 MB.
digest_once() { # FILE
    local inode known
    inode=$(stat -L -c '%d:%i:%s:%.Z' "$1")
    known=$(awk -v inode="$inode" '$1 == inode { known = $2 } END { print known }' "$STATE/digests" 2> /dev/null || true)
    if [[ -z $known ]]; then
        known=$(sha256sum < "$1" | cut -d' ' -f1)
        printf '%s %s\n' "$inode" "$known" >> "$STATE/digests"
    fi
    printf '%s\n' "$known"
}

# What stands in a layer's folder: contents, modes, links.
layer_files() { # LAYER
    local skip=()
    [[ -n $KUBERNETES ]] || skip+=(-not -path "$1/kubernetes*")
    [[ -n $CEPH ]] || skip+=(-not -path "$1/ceph*")
    (
        cd "$IMAGES" || exit
        find "$1" \( -type f -o -type l \) "${skip[@]}" -printf 'mode %m %p %l\n' | sort
        find "$1" -type f "${skip[@]}" -print0 | sort -z | xargs -0 sha256sum
        sha256sum build-layer.sh accounts distro/debian.sh
    )
}

layer_inputs() { # LAYER: all its bytes depend on, as a text
    local layer=$1 part source name
    printf 'layer %s\n' "$layer"
    printf 'epoch %s, compression %s, %s\n' "$(layer_epoch "$layer")" "${SQUASHFS_LEVEL:-15}" \
        "${KUBERNETES:+with Kubernetes}${CEPH:+ with Ceph}"
    # This host's tools that make a root and pack it.
    dpkg-query -W -f '${Package} ${Version}\n' mmdebstrap apt dpkg squashfs-tools libzstd1 kmod coreutils
    layer_files "$layer"
    while read -r part; do
        [[ -f $IMAGES/$part/install ]] || continue
        while read -r source _; do
            need_installed "$source"
            printf 'binary %s %s\n' "$source" "$(digest_once "$(installed_file "$source")")"
        done < <(entries "$IMAGES/$part/install")
    done < <(layer_parts "$layer")
    layer_archive "$layer"
    for name in ${UNDER[$layer]//,/ }; do printf 'below %s %s\n' "$name" "${KEY[$name]}"; done
}
note_inputs() { # LAYER FILE: those below it are noted
    layer_inputs "$1" > "$2"
    KEY[$1]=$(sha256sum < "$2" | cut -d' ' -f1)
}
