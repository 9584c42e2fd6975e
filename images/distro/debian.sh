# shellcheck shell=bash
# The distribution seam: everything that is Debian's stands here. build-layer.sh sources this file and calls
#   distro_bootstrap ROOT PACKAGE...   a new root with these packages
#   distro_install ROOT PACKAGE...     more packages into a mounted root
#   distro_kernel DIR                  the distribution's kernel package, unpacked into DIR
#   distro_tidy ROOT                   removes what differs from build to build or serves no node
# Another distribution is another file with these four functions.

DEBIAN_SUITE=trixie
KERNEL_PACKAGE=linux-image-amd64

# The mirror that this host's own apt uses: a private mirror or a proxy keeps working.
debian_mirror() {
    local site
    site=$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' | grep -v -e security -e '^$' | grep '/debian$' | sort -u | head -n 1)
    [[ -n $site ]] || die "this host's apt names no Debian mirror" "add one to /etc/apt/sources.list.d (main is enough) and run apt-get update"
    printf '%s\n' "$site"
}

# No documentation, translations or caches: a worker keeps the image in RAM.
dpkg_options=(
    'path-exclude=/usr/share/doc/*' 'path-include=/usr/share/doc/*/copyright' 'path-exclude=/usr/share/man/*'
    'path-exclude=/usr/share/info/*' 'path-exclude=/usr/share/locale/*' 'path-exclude=/usr/share/lintian/*'
    'path-exclude=/usr/share/bash-completion/*' 'path-exclude=/usr/share/zsh/*'
)

distro_bootstrap() {
    local root=$1 mirror; shift
    mirror=$(debian_mirror)
    mmdebstrap --quiet --mode=root --variant=minbase --format=directory --components=main \
        --aptopt='APT::Install-Recommends "false"' --aptopt='Acquire::Retries "5"' \
        "${dpkg_options[@]/#/--dpkgopt=}" \
        --include="$(IFS=,; printf '%s' "$*")" \
        --setup-hook='mkdir -p "$1/var/cache/apt/archives" && cp -n '"$CACHE"'/*.deb "$1/var/cache/apt/archives/" 2>/dev/null || true' \
        --skip=cleanup/apt,cleanup/reproducible \
        --customize-hook='cp -n "$1"/var/cache/apt/archives/*.deb '"$CACHE"'/ 2>/dev/null || true' \
        "$DEBIAN_SUITE" "$root" "$mirror"
}

distro_install() {
    local root=$1; shift
    (($#)) || return 0
    cp -n "$CACHE"/*.deb "$root/var/cache/apt/archives/" 2>/dev/null || true
    in_root "$root" env DEBIAN_FRONTEND=noninteractive LC_ALL=C apt-get install -y -qq --no-install-recommends \
        -o Dpkg::Use-Pty=0 -o Acquire::Retries=5 "$@" >&2
    cp -n "$root"/var/cache/apt/archives/*.deb "$CACHE/" 2>/dev/null || true
}

# Unpacked, not installed: a kernel package would pull an initramfs generator in, and ours is built elsewhere.
distro_kernel() {
    local root=$1 into=$2 package
    package=$(in_root "$root" apt-cache depends "$KERNEL_PACKAGE" | awk '$1 == "Depends:" && $2 ~ /^linux-image-[0-9]/ { print $2; exit }')
    [[ -n $package ]] || die "$KERNEL_PACKAGE depends on no kernel" "look at apt-cache depends $KERNEL_PACKAGE"
    if ! compgen -G "$CACHE/${package}_*.deb" >/dev/null; then
        in_root "$root" sh -c "cd /tmp && apt-get download -qq $package" >&2
        mv "$root"/tmp/"${package}"_*.deb "$CACHE/"
    fi
    local debs=("$CACHE/${package}"_*.deb)
    dpkg-deb -x "${debs[-1]}" "$into"
}

distro_tidy() {
    local root=$1
    rm -rf "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/* "$root"/var/cache/debconf/* "$root"/var/cache/ldconfig/* \
        "$root"/var/lib/dpkg/*-old "$root"/var/log/* "$root"/tmp/* "$root"/var/tmp/* "$root"/run/* \
        "$root"/etc/*- "$root"/root/.bash_history "$root"/var/lib/systemd/{random-seed,credential.secret,catalog} \
        "$root"/etc/ssh/ssh_host_* "$root"/usr/share/python3/debpython
    find "$root" -xdev \( -name '*.dpkg-old' -o -name '__pycache__' \) -prune -exec rm -rf {} +
}
