# shellcheck shell=bash
# shellcheck disable=SC2154 # set by the script
# A root of the worker's layers to add a bench's peer to. Sourced by the scripts that make one; they set
#   images  what make images built     out  their own folder     root  a folder in it, to mount at

LAYERS=(worker node base)

# Everything of the layers and of the scripts named that a peer's bytes depend on, as one hash.
peer_inputs() { # FILE...
    local layer
    for layer in "${LAYERS[@]}"; do
        [[ -d $images/roots/$layer && -f $images/layers/$layer.inputs ]] || die "the layer $layer is not built in $images" "make images"
    done
    { for layer in "${LAYERS[@]}"; do cat "$images/layers/$layer.inputs"; done; cat "$images/kernel/release" "$@"; } | sha256sum
}

# Mounts and processes live in namespaces of their own and end with the script, however it ends.
enter_namespace() { # SCRIPT ARGUMENT...
    if [[ -z ${OPEROS_BENCH_NAMESPACE-} ]]; then
        OPEROS_BENCH_NAMESPACE=1 exec setpriv --pdeathsig KILL \
            unshare --mount --pid --fork --kill-child --mount-proc --propagation private "$@"
    fi
    unset OPEROS_BENCH_NAMESPACE
    trap 'exit 130' INT
    trap 'exit 143' TERM
}

in_root() { local root=$1; shift; env -u TMPDIR chroot "$root" "$@"; }

# The layers with a new folder over them; or, without a name, as they are.
mount_layers() { # [UPPER]
    local lower
    lower=$(printf ":$images/roots/%s" "${LAYERS[@]}")
    lower=${lower#:}
    if (($#)); then
        rm -rf "${out:?}/$1" "$out/work"
        mkdir -p "$out/$1" "$out/work"
        mount -t overlay overlay -o "lowerdir=$lower,upperdir=$out/$1,workdir=$out/work" "$root"
    else
        mount -t overlay overlay -o "ro,lowerdir=$lower" "$root"
    fi
}

# What programs in the root may see.
furnish_root() {
    local node
    mount -t proc proc "$root/proc"
    mount -t sysfs -o ro sysfs "$root/sys"
    mount -t tmpfs -o mode=755 tmpfs "$root/run"
    mount -t tmpfs -o mode=755 tmpfs "$root/dev"
    for node in null zero full random urandom tty; do
        : > "$root/dev/$node"
        mount --bind "/dev/$node" "$root/dev/$node"
    done
    ln -s /proc/self/fd "$root/dev/fd"
}

# Packages of the layers' own distribution.
install_in_root() { # PACKAGE...
    # shellcheck disable=SC2034 # for the distribution's functions
    STATE=$images/state CACHE=$out/apt-cache
    mkdir -p "$CACHE"
    # shellcheck source=images/distro/debian.sh
    source "$top/images/distro/debian.sh"
    distro_mount "$root"
    printf '#!/bin/sh\nexit 101\n' > "$root/usr/sbin/policy-rc.d"
    chmod 755 "$root/usr/sbin/policy-rc.d"
    distro_install "$root" "$@"
}
