#!/usr/bin/env bash
# Makes the boot loader of BIOS machines: lpxelinux of Debian's syslinux source, with patches that let a machine recover.
set -euo pipefail
shopt -s inherit_errexit

usage() {
    cat <<'USAGE'
usage: images/lpxelinux/build.sh --out FILE [--work DIR]

  --out     the loader, such as out/bin/lpxelinux.0; replaced only when its bytes changed
  --work    downloads and what was made before, found again by its inputs (default: out/lpxelinux)
USAGE
}
die() { printf 'lpxelinux: %s\n' "$1" >&2; [[ -z ${2-} ]] || printf '  next: %s\n' "$2" >&2; exit 1; }

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
OUT='' WORK=$HERE/../../out/lpxelinux
while (($#)); do
    case $1 in
        --out) OUT=${2:?--out needs a file}; shift 2 ;;
        --work) WORK=${2:?--work needs a folder}; shift 2 ;;
        -h|--help) usage; exit 0 ;;
        *) usage >&2; exit 2 ;;
    esac
done
[[ -n $OUT ]] || { usage >&2; exit 2; }
export LC_ALL=C TZ=UTC
umask 022
mkdir -p "$WORK"; WORK=$(cd "$WORK" && pwd)
# shellcheck source=images/distro/debian.sh
source "$HERE/../distro/debian.sh"
# shellcheck source=images/distro/source.sh
source "$HERE/../distro/source.sh"
# shellcheck source=images/pinned.sh
source "$HERE/../pinned.sh"

read -r VERSION DSC PINNED < <(sed '/^#/d' "$HERE/lock")

fetch() {
    local pins=$WORK/source names
    [[ ! -f $WORK/$DSC.checked || $(digest "$WORK/$DSC.checked") != "$PINNED" ]] || return 0
    { printf 'source of the loader of BIOS machines\n'; sed '/^#/d' "$HERE/lock"; } > "$pins"
    if "$HERE/../cache.sh" get downloads "$pins" "$WORK" && [[ $(digest "$WORK/$DSC.checked") == "$PINNED" ]]; then return; fi
    printf 'lpxelinux: fetching %s\n' "${DSC%.dsc}"
    # In a subshell: the build uses this host's apt again.
    (debian_apt "$DEBIAN_SUITE" "$WORK/apt"; debian_download_source syslinux "$VERSION" "$WORK" "$HERE/lock")
    admit_pinned "$DSC" "$PINNED" "$HERE/lock" "$WORK/$DSC" "$WORK/$DSC.checked"
    mapfile -t names < <(debian_source_files "$WORK/$DSC.checked")
    "$HERE/../cache.sh" put downloads "$pins" "$WORK" "$DSC.checked" "${names[@]}"
}

compile() {
    local tree=$WORK/tree stamp
    debian_unpack_source "$WORK/$DSC.checked" "$WORK" "$tree" "$HERE"/patches/*.patch
    # It prints the day of its build: that of Debian's last change to it.
    stamp=$(dpkg-parsechangelog -l "$tree/debian/changelog" -STimestamp)
    # The loader alone, and the library that it is linked with; the same bytes wherever it is built.
    make -C "$tree" bios DATE="$(date -d "@$stamp" +%Y%m%d)" HEXDATE="$(printf '0x%08x' "$stamp")" \
        CC="gcc -ffile-prefix-map=$tree=syslinux" \
        BSUBDIRS='codepage com32 lzo core' ISUBDIRS='' SUBDIRS='tools lib'
    cp "$tree/bios/core/lpxelinux.0" "$WORK/lpxelinux.0.new"
    rm -rf "$tree"
}

inputs() {
    printf 'loader of BIOS machines\n'
    (cd "$HERE" && sha256sum build.sh lock patches/*.patch)
    gcc --version
    ld --version
    nasm -v
    dpkg-query -W -f '${Package} ${Version}\n' libc6-dev uuid-dev 2> /dev/null || true
}

exec 9> "$WORK/.lock"
flock 9
inputs > "$WORK/inputs.new"
if [[ ! -f $WORK/lpxelinux.0 ]] || ! cmp -s "$WORK/inputs.new" "$WORK/inputs"; then
    rm -f "$WORK/inputs" "$WORK/lpxelinux.0"
    start=$SECONDS
    if "$HERE/../cache.sh" get loader "$WORK/inputs.new" "$WORK"; then
        printf 'lpxelinux: from the cache\n'
    else
        fetch
        # Not as a condition: the shell would go on after an error in it.
        set +e
        (set -e; compile) > "$WORK/log" 2>&1
        status=$?
        set -e
        ((status == 0)) || { tail -n 20 "$WORK/log" >&2; die "the compilation failed" "its log: $WORK/log"; }
        mv "$WORK/lpxelinux.0.new" "$WORK/lpxelinux.0"
        printf 'lpxelinux: %s bytes in %d s\n' "$(stat -c %s "$WORK/lpxelinux.0")" $((SECONDS - start))
        "$HERE/../cache.sh" put loader "$WORK/inputs.new" "$WORK" lpxelinux.0
    fi
    mv "$WORK/inputs.new" "$WORK/inputs"
fi
cmp -s "$WORK/lpxelinux.0" "$OUT" || install -D -m 644 "$WORK/lpxelinux.0" "$OUT"
