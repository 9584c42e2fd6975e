#!/usr/bin/env bash
# Lists what is behind: packages of the code, pinned sources, what the layers were built of.
set -euo pipefail
shopt -s inherit_errexit nullglob

usage() {
    cat <<'USAGE'
usage: images/outdated.sh [--out DIR]

A line for each thing that has something newer: what, where it is pinned, which version, the newest.
  packages     of NuGet, against the sources that this host's dotnet knows (Directory.Packages.props)
  SDK          against what dotnet sdk check says; global.json rolls forward to it
  kubernetes   Debian's source, and the library that replaces one in it; releases of $OPEROS_KUBERNETES_URL where that is set
               (images/kubernetes/lock)
  lpxelinux    Debian's source of the BIOS loader (images/lpxelinux/lock)
  layers       Debian packages in the layers of out/images: make release builds them anew
  held         a package that is not brought to the newest, and why: a comment "held: NAME: why" in Directory.Packages.props

  --out  where layers were built and indexes are kept (default out)

Exit code 0: nothing is behind; 1: something is; 2: something could not be looked at, and is named.
USAGE
}
die() { printf 'outdated: %s\n' "$1" >&2; [[ -z ${2-} ]] || printf '  next: %s\n' "$2" >&2; exit 2; }

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/.." && pwd)
out=$root/out
while (($#)); do
    case $1 in
        --out) out=${2:?--out needs a folder}; shift 2 ;;
        -h|--help) usage; exit 0 ;;
        *) usage >&2; exit 2 ;;
    esac
done
export LC_ALL=C DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 DOTNET_CLI_UI_LANGUAGE=en
mkdir -p "$out/outdated"; out=$(cd "$out" && pwd)
work=$out/outdated
# shellcheck source=images/distro/debian.sh
source "$here/distro/debian.sh"
behind=0 unseen=0

tell() { # WHAT WHERE HAVE NEWEST
    printf '%-11s %-46s %-32s %s\n' "$@"
    behind=$((behind + 1))
}
unknown() { # WHAT WHY
    printf '%-11s not looked at: %s\n' "$1" "$2" >&2
    unseen=$((unseen + 1))
}
held() { sed -n "s/.*held: $1: \(.*\) -->.*/\1/p" "$root/Directory.Packages.props"; } # PACKAGE: why

look_at_packages() {
    local name have newest why
    if ! (cd "$root" && timeout 900 dotnet list Operos.sln package --outdated --format json) > "$work/packages.json" 2> "$work/errors"; then
        unknown packages "$(tail -n 1 "$work/packages.json") $(tail -n 1 "$work/errors")"
        return
    fi
    while read -r name have newest; do
        why=$(held "$name")
        if [[ $newest != [0-9]* ]]; then unknown packages "$name is found at no source"
        elif [[ -n $why ]]; then printf '%-11s %-46s %-32s %s\n' held "$name" "$have" "$newest: $why"
        else tell packages "$name" "$have" "$newest"
        fi
    done < <(jq -r '[.projects[].frameworks[]?.topLevelPackages[]? | select(.autoReferenced != "true")
        | "\(.id) \(.resolvedVersion) \(.latestVersion)"] | unique[]' "$work/packages.json")
}

look_at_sdk() {
    local have newest
    if ! timeout 120 dotnet sdk check > "$work/sdk" 2>&1; then unknown SDK "$(tail -n 1 "$work/sdk")"; return; fi
    have=$(dotnet --version)
    newest=$(awk -v have="$have" '$1 == have && /is available/' "$work/sdk" | grep -oE '[0-9]+\.[0-9]+\.[0-9]+' | tail -n 1)
    [[ -z $newest ]] || tell SDK "${have%.*}" "$have" "$newest"
}

# The newest revision that a suite has. In a subshell: each suite has an apt of its own.
newest_source() { # SUITE PACKAGE
    (debian_apt "$1" "$work/$1" > "$work/errors" 2>&1 && apt-cache showsrc --only-source "$2" | sed -n 's/^Version: //p' | sort -V |
        tail -n 1)
}
newest_package() { # SUITE PACKAGE
    (debian_apt "$1" "$work/$1" > "$work/errors" 2>&1 && apt-cache madison "$2" | awk '{ print $3 }' | sort -V | tail -n 1)
}
compare() { # WHAT WHERE HAVE NEWEST
    if [[ -z $4 ]]; then unknown "$1" "$2: the archive does not name it: $(tail -n 1 "$work/errors")"
    elif dpkg --compare-versions "$3" lt "$4"; then tell "$@"
    fi
}

look_at_sources() {
    local source version file sha newest
    while read -r source version file sha; do
        case $source:$file in
            debian-source:*.dsc)
                file=${file#kubernetes_}
                compare kubernetes "source of $version" "${file%.dsc}" "$(newest_source bookworm kubernetes || true)" ;;
            debian-source:*.deb)
                sha=${file#*_}
                compare kubernetes "${file%%_*}" "${sha%%_*}" "$(newest_package bookworm "${file%%_*}" || true)" ;;
        esac
    done < <(grep -v '^#' "$here/kubernetes/lock")
    version=$(awk '$1 == "upstream" { print $2 }' "$here/kubernetes/lock" | sort -V | tail -n 1)
    if [[ -n ${OPEROS_KUBERNETES_URL-} ]]; then
        newest=$(curl -fsSL --max-time 30 "$OPEROS_KUBERNETES_URL/stable.txt" 2> "$work/errors" || true)
        compare kubernetes 'releases' "${version:-0}" "${newest#v}"
    fi
    version=$(awk '!/^#/ { print $1; exit }' "$here/lpxelinux/lock")
    compare lpxelinux 'source of syslinux' "$version" "$(newest_source "$DEBIAN_SUITE" syslinux || true)"
}

look_at_layers() {
    local layer name have newest shared
    local -A told=()
    [[ -s $out/images/state/base.installed ]] || { unknown layers 'none is built (make release)'; return; }
    # shellcheck disable=SC2034 # of what layers.sh defines
    STATE=$work BIN=$out/bin KUBERNETES='' CEPH=''
    [[ ! -s $out/kubernetes/inputs ]] || KUBERNETES=$out/kubernetes
    [[ ! -e $out/images/roots/controller/usr/bin/ceph-mon ]] || CEPH=yes
    # shellcheck source=images/layers.sh
    source "$here/layers.sh"
    shared=$("$here/cache.sh" folder)
    distro_indexes "$work/apt" ${shared:+"$shared/apt/$DEBIAN_SUITE"}
    for layer in "${LAYERS[@]}"; do
        [[ -s $out/images/state/$layer.installed ]] || continue
        # An archive's file is NAME_VERSION_ARCHITECTURE.deb, and so is an installed package told.
        while read -r name have newest; do
            # A mirror may be behind itself.
            if [[ -v told[$name] ]] || ! dpkg --compare-versions "$have" lt "$newest"; then continue; fi
            told[$name]=1
            tell layers "$layer: $name" "$have" "$newest"
        done < <(
            layer_archive "$layer" | awk -F '[ _]' 'FNR == NR { newest[$2] = $3; next }
                ($1 in newest) && newest[$1] != $2 { gsub(/%3a/, ":", $2); gsub(/%3a/, ":", newest[$1]); print $1, $2, newest[$1] }' \
                - "$out/images/state/$layer.installed" | sort)
    done
}

look_at_packages
look_at_sdk
look_at_sources
look_at_layers
if ((behind)); then printf 'outdated: %d behind\n' "$behind"; else printf 'outdated: nothing is behind\n'; fi
((unseen == 0)) || exit 2
exit $((behind > 0))
