# shellcheck shell=bash
# The distribution seam: everything that is Debian's stands here. build-layer.sh sources this file and calls
#   distro_indexes DIR [SHARED]        what the archive has, into DIR (SHARED: kept for other checkouts)
#   distro_resolve PACKAGE...          "SHA256 FILE" of every package that a root with these has
#   distro_kernel_file                 the same of the kernel's package
#   distro_package_files PACKAGE...    the same of these packages alone
#   distro_bootstrap ROOT PACKAGE...   a new root with these packages
#   distro_mount ROOT                  inside the build's mount namespace: what installing needs to see
#   distro_install ROOT PACKAGE...     more packages into a mounted root
#   distro_unpack ROOT PACKAGE PATH... files of a package that is not installed (PATH: may have * and ?); prints the package's FILE
#   distro_kernel ROOT DIR             the distribution's kernel package, unpacked into DIR
#   distro_tidy ROOT                   removes what differs from build to build or serves no node
#   distro_installed ROOT              the FILE of every package that is installed
# They may use $CACHE (downloaded packages), $STATE (its apt: the indexes, one set for all layers), in_root and die.
# Another distribution is another file with these functions.

DEBIAN_SUITE=trixie
KERNEL_PACKAGE=linux-image-amd64

# No documentation, translations or caches: a worker keeps the image in RAM.
dpkg_options=(
    'path-exclude=/usr/share/doc/*' 'path-include=/usr/share/doc/*/copyright' 'path-exclude=/usr/share/man/*'
    'path-exclude=/usr/share/info/*' 'path-exclude=/usr/share/locale/*' 'path-exclude=/usr/share/lintian/*'
    'path-exclude=/usr/share/bash-completion/*' 'path-exclude=/usr/share/zsh/*'
)

# The mirrors that this host's own apt uses, so that a private mirror or a proxy keeps working: lines of sources.list.
debian_sources() { # SUITE KIND...: deb, deb-src
    local suite=$1 kind label site main='' security=''; shift
    # shellcheck disable=SC2016 # apt's own variables
    while read -r label site; do
        case $label in
            Debian) main=${main:-$site} ;;
            Debian-Security) security=${security:-$site} ;;
        esac
    done < <(apt-get indextargets --format '$(LABEL) $(SITE)' 'Created-By: Packages')
    [[ -n $main ]] ||
        die "this host's apt knows no Debian mirror" "add one to /etc/apt/sources.list.d (main is enough) and run apt-get update"
    [[ -n $security ]] || printf 'debian: this host has no mirror for security updates, so what is built gets none\n' >&2
    for kind in "$@"; do
        printf "$kind %s %s main\n" "$main" "$suite" "$main" "$suite-updates" ${security:+"$security" "$suite-security"}
    done
}

# An apt of its own: a suite's indexes from this host's mirrors, proved by this host's keyring, whatever suite the host runs.
debian_apt_configure() { # SUITE STATE KIND...: exports APT_CONFIG
    local suite=$1 folder=$2; shift 2
    mkdir -p "$folder/lists/partial" "$folder/archives/partial"
    if [[ ! -s $folder/sources.list || -n $(find /etc/apt -newer "$folder/sources.list" -print -quit) ]]; then
        debian_sources "$suite" "$@" |
            sed -e 's/^deb /deb [target=Packages] /' -e 's/^deb-src /deb-src [target=Sources] /' > "$folder/sources.list.new"
        mv "$folder/sources.list.new" "$folder/sources.list"
    fi
    cat > "$folder/apt.conf" <<CONF
Dir::State "$folder";
Dir::State::status "$folder/status";
Dir::Cache "$folder";
Dir::Etc::sourcelist "$folder/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
APT::Sandbox::User "root";
Acquire::Retries "5";
CONF
    [[ -e $folder/status ]] || : > "$folder/status"
    export APT_CONFIG=$folder/apt.conf
}
debian_apt() { # SUITE STATE: exports APT_CONFIG
    debian_apt_configure "$1" "$2" deb deb-src
    apt-get update -qq
}

# An index that is there and cannot be refreshed serves: what was built of it once can be taken or built again without a network.
debian_refresh() { # SUITE STATE
    local folder=$2 before patience=()
    before=$(cat "$folder/sources.list" 2> /dev/null || true)
    debian_apt_configure "$1" "$folder" deb
    [[ -z $(find "$folder/refreshed" -mmin -60 2> /dev/null) || $before != "$(cat "$folder/sources.list")" ]] || return 0
    [[ ! -f $folder/refreshed ]] || patience=(-o Acquire::Retries=0 -o Acquire::http::Timeout=15 -o Acquire::https::Timeout=15)
    if timeout 600 apt-get update -qq --error-on=any "${patience[@]}"; then
        date +%s.%N > "$folder/refreshed"
    elif [[ -f $folder/refreshed && $before == "$(cat "$folder/sources.list")" ]]; then
        printf 'debian: the archive cannot be reached; packages are those that it had on %s\n' \
            "$(date -r "$folder/refreshed" '+%Y-%m-%d %H:%M')"
    else
        die "the archive cannot be reached, and no index of it is kept" \
            "see what apt-get update says on this host; a build from the cache needs indexes that an earlier build fetched"
    fi
}

# Refreshed once an hour. One set for all layers of a build: what the names of versions come from is what is installed from.
distro_indexes() { # DIR [SHARED]
    local dir=$1 shared=${2:-} held
    if [[ -z $shared ]] || ! { mkdir -p "$shared" && [[ -w $shared ]]; } 2> /dev/null; then
        (debian_refresh "$DEBIAN_SUITE" "$dir")
        return
    fi
    exec {held}< "$shared"
    flock -w 600 "$held" || die "another build has refreshed $shared for 10 minutes" "see which process holds it: fuser $shared"
    mkdir -p "$shared"
    (debian_refresh "$DEBIAN_SUITE" "$shared")
    touch "$shared"
    if ! cmp -s "$shared/refreshed" "$dir/refreshed"; then
        rm -rf "$dir"
        mkdir -p "$dir"
        cp -r --preserve=timestamps "$shared"/{lists,refreshed,sources.list} "$dir/"
        (debian_apt_configure "$DEBIAN_SUITE" "$dir" deb)
    fi
    exec {held}<&-
}

# Asks that apt, which keeps what it parsed (some hosts tell theirs not to; what APT_CONFIG says, they would override).
debian_ask() { # PROGRAM ARGUMENT...
    local program=$1; shift
    APT_CONFIG=$STATE/apt/apt.conf "$program" -o Dir::Cache::pkgcache=pkgcache.bin -o Dir::Cache::srcpkgcache=srcpkgcache.bin "$@"
}

# What is asked of the same indexes again is answered from beside them.
debian_once() { # NAME FUNCTION ARGUMENT...
    local saved=$STATE/apt/$1
    shift
    if [[ ! $saved -nt $STATE/apt/refreshed ]]; then
        "$@" > "$saved.new"
        mv "$saved.new" "$saved"
    fi
    cat "$saved"
}
debian_files() { awk '{ sub(/^SHA256:/, "", $4); print $4, $2 }' | LC_ALL=C sort -k 2; }

# A root's packages, as apt would fetch them into nothing at all.
debian_resolve() { # PACKAGE...
    debian_ask apt-get install --print-uris -qq --no-install-recommends -o Acquire::ForceHash=SHA256 '?essential' '?priority(required)' \
        apt "$@" | debian_files
}
distro_resolve() { debian_once "packages-$(sha256sum <<< "$*" | cut -c1-16)" debian_resolve "$@"; }

distro_package_file() { # PACKAGE...: not remembered
    debian_ask apt-get download --print-uris -qq -o Acquire::ForceHash=SHA256 "$@" | debian_files
}
distro_package_files() { debian_once "files-$(sha256sum <<< "$*" | cut -c1-16)" distro_package_file "$@"; }

debian_kernel() { # PACKAGE FILE SHA256
    local package
    package=$(debian_ask apt-cache depends "$KERNEL_PACKAGE" | awk '$1 == "Depends:" && $2 ~ /^linux-image-[0-9]/ { print $2; exit }')
    [[ -n $package ]] || die "$KERNEL_PACKAGE depends on no kernel" "look at apt-cache depends $KERNEL_PACKAGE"
    distro_package_file "$package" |
        awk -v package="$package" '{ print package, $2, $1 }'
}
distro_kernel_file() { debian_once kernel debian_kernel | awk '{ print $3, $2 }'; }

# The host's keyring proves the packages. Downloads go to and come from $CACHE, apt checks their hashes again.
distro_bootstrap() {
    local root=$1 hooks; shift
    hooks=$(mktemp -d)
    # shellcheck disable=SC2016 # $1 is the hook's own
    printf '#!/bin/sh\nset -e\nmkdir -p "$1/var/cache/apt/archives" "$1/var/lib/apt"\ncp -r "%s" "$1/var/lib/apt/"\n%s\n' \
        "$STATE/apt/lists" "cp '$CACHE'/*.deb \"\$1/var/cache/apt/archives/\" 2>/dev/null || true" > "$hooks/before"
    # shellcheck disable=SC2016
    printf '#!/bin/sh\ncp -n "$1"/var/cache/apt/archives/*.deb "%s/"\n' "$CACHE" > "$hooks/after"
    chmod 755 "$hooks"/*
    debian_sources "$DEBIAN_SUITE" deb | mmdebstrap --quiet --mode=root --variant=minbase --format=directory --components=main \
        --aptopt='APT::Install-Recommends "false"' --aptopt='Acquire::Retries "5"' \
        "${dpkg_options[@]/#/--dpkgopt=}" \
        --include="$(IFS=,; printf '%s' "$*")" \
        --setup-hook="$hooks/before" --customize-hook="$hooks/after" \
        --skip=update,essential/unlink,cleanup/apt,cleanup/reproducible \
        "$DEBIAN_SUITE" "$root" -
    rm -rf "$hooks"
}

distro_mount() {
    local root=$1
    mkdir -p "$root/var/lib/apt/lists" "$root/var/cache/apt/archives" "$root/run/systemd/resolve"
    mount --bind "$STATE/apt/lists" "$root/var/lib/apt/lists"
    mount --bind "$CACHE" "$root/var/cache/apt/archives"
    cp "$STATE/apt/sources.list" "$root/etc/apt/sources.list"
    # Where the image's own resolv.conf points to: on the tmpfs of this build.
    cp -L /etc/resolv.conf "$root/run/systemd/resolve/stub-resolv.conf"
}

distro_install() {
    local root=$1; shift
    (($#)) || return 0
    in_root "$root" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
        -o Dpkg::Use-Pty=0 -o Acquire::Retries=5 -o APT::Keep-Downloaded-Packages=true "$@" >&2
}

# With the package's licence; none of its scripts runs, and nothing that it depends on comes along.
distro_unpack() {
    local root=$1 package=$2 file; shift 2
    read -r _ file < <(distro_package_file "$package")
    in_root "$root" sh -c "cd /var/cache/apt/archives && apt-get download -qq -o Acquire::Retries=5 -o APT::Sandbox::User=root '$package'" \
        >&2
    [[ -f $CACHE/$file ]] || die "apt did not download $file" "run apt-get update on this host, then build again"
    dpkg-deb --fsys-tarfile "$CACHE/$file" |
        tar --extract --directory "$root" --no-overwrite-dir --wildcards "${@/#/.}" "./usr/share/doc/$package/copyright"
    printf '%s\n' "$file"
}

# Unpacked, not installed: a kernel package would pull an initramfs generator in, and ours is built elsewhere.
distro_kernel() {
    local root=$1 into=$2 package file
    # The candidate's own file, not whichever the cache has: a kernel may be updated under the same package name.
    read -r package file _ < <(debian_once kernel debian_kernel)
    in_root "$root" sh -c "cd /var/cache/apt/archives && apt-get download -qq -o Acquire::Retries=5 -o APT::Sandbox::User=root '$package'" \
        >&2
    [[ -f $CACHE/$file ]] || die "apt did not download $file" "run apt-get update on this host, then build again"
    dpkg-deb -x "$CACHE/$file" "$into"
}

distro_tidy() {
    local root=$1
    rm -rf "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/* "$root"/var/cache/debconf/* "$root"/var/cache/ldconfig/* \
        "$root"/var/lib/dpkg/*-old "$root"/var/log/* "$root"/tmp/* "$root"/var/tmp/* "$root"/run/* \
        "$root"/etc/*- "$root"/root/.bash_history "$root"/var/lib/systemd/{random-seed,credential.secret,catalog} \
        "$root"/etc/ssh/ssh_host_* "$root"/usr/share/python3/debpython
    # The build host's: its mirror and its resolver.
    rm -f "$root/etc/apt/sources.list" "$root/etc/.resolv.conf.systemd-resolved.bak"
    find "$root" -xdev \( -name '*.dpkg-old' -o -name '__pycache__' \) -prune -exec rm -rf {} +
}

# shellcheck disable=SC2016 # dpkg's own variables
distro_installed() {
    local root=$1
    # A version's epoch is not in a file's name, or is written %3a.
    in_root "$root" dpkg-query -W -f '${Package}_${Version}_${Architecture}.deb\n' | sed 's/:/%3a/'
}
