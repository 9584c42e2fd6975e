#!/usr/bin/env bash
# Publishes one of the NativeAOT binaries, or takes it from the cache.
set -euo pipefail
shopt -s inherit_errexit nullglob

usage() {
    cat <<'USAGE'
usage: images/binary.sh PROJECT --out DIR      PROJECT: a folder below agents/, such as Operos.Init
       images/binary.sh PROJECT --inputs

Leaves DIR/bin/BINARY (its project says the name), replaced only when its bytes changed, and DIR/publish/BINARY when it was compiled.
  --inputs   only prints all that its bytes depend on
USAGE
}
die() { printf 'binary: %s\n' "$1" >&2; [[ -z ${2-} ]] || printf '  next: %s\n' "$2" >&2; exit 1; }

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
(($# >= 2)) || { usage >&2; exit 2; }
project=agents/$1 out=''
case $2:$# in
    --out:3) out=$(mkdir -p "$3" && cd "$3" && pwd) ;;
    --inputs:2) ;;
    *) usage >&2; exit 2 ;;
esac
cd "$here/.."
export LC_ALL=C DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1
name=$(sed -n 's/.*<OperosBinary>\(.*\)<\/OperosBinary>.*/\1/p' "$project/${project##*/}.csproj")
[[ -n $name ]] || die "$project/${project##*/}.csproj names no OperosBinary"

# A project and those that it refers to, as the compiler finds them.
closure() { # FOLDER...
    local -A seen=()
    local folder reference
    while (($#)); do
        folder=$1; shift
        [[ ! -v seen[$folder] ]] || continue
        seen[$folder]=1
        printf '%s\n' "$folder"
        while read -r reference; do
            set -- "$@" "$(realpath --relative-to=. "$folder/$(dirname "$reference")")"
        done < <(sed -n 's/.*<ProjectReference Include="\([^"]*\)".*/\1/p' "$folder"/*.csproj)
    done
}

inputs() {
    local folders
    mapfile -t folders < <(closure "$project" | sort)
    printf 'binary %s\n' "$name"
    printf 'SDK %s\n' "$(dotnet --version)"
    # The linker, and the libraries that it takes in. Packages are pinned by the projects' lock files, the AOT compiler by the SDK.
    dpkg-query -W -f '${Package} ${Version} ${db:Status-Status}\n' 'clang*' 'lld*' 'llvm-*' 'binutils*' 'libc6*' 'libgcc-*' 'libstdc++-*' \
        zlib1g-dev nettle-dev libgmp-dev |
        sed -n 's/ installed$//p'
    find . agents proto -maxdepth 1 -type f \( -name 'Directory.*' -o -name '*.props' -o -name '*.targets' -o -name global.json \
        -o -name .editorconfig -o -iname nuget.config \) -print0 |
        sort -zu | xargs -0 sha256sum
    find "${folders[@]}" \( -name bin -o -name obj \) -prune -o -type f -not -name '*.md' -print0 | sort -z | xargs -0 sha256sum
}

if [[ -z $out ]]; then inputs; exit; fi
mkdir -p "$out/bin" "$out/publish"
made=$out/publish/$name.inputs
inputs > "$made.new"
[[ ! -f $out/bin/$name ]] || ! cmp -s "$made.new" "$made" || { rm "$made.new"; printf 'binary: %-18s unchanged\n' "$name"; exit; }
rm -f "$made"
taken=$out/publish/.$name.taken start=$SECONDS
rm -rf "$taken"
if "$here/cache.sh" get binaries "$made.new" "$taken"; then
    printf 'binary: %-18s from the cache\n' "$name"
else
    dotnet publish "$project" -c Release -o "$out/publish/$name" --nologo -v quiet
    mkdir -p "$taken"
    cp "$out/publish/$name/$name" "$taken/"
    "$here/cache.sh" put binaries "$made.new" "$taken" "$name"
    printf 'binary: %-18s compiled in %d s\n' "$name" $((SECONDS - start))
fi
cmp -s "$taken/$name" "$out/bin/$name" || install -m 755 "$taken/$name" "$out/bin/$name"
rm -rf "$taken"
mv "$made.new" "$made"
