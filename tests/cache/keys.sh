# shellcheck shell=bash
# shellcheck disable=SC2154,SC2317 # set, and called by name, in cache.sh
# What changes which key: the builders' own key functions, asked in a copy of this checkout. Sourced by ../cache.sh.

# A clone for the history, and over it what this checkout has now. Binaries that are none: only their bytes matter to a key.
keys=$work/keys
git clone -q "$top" "$keys"
git ls-files -z --cached --others --exclude-standard | while IFS= read -r -d '' file; do
    [[ ! -e $file ]] || printf '%s\0' "$file"
done | tar --create --null --files-from=- | tar --extract --directory "$keys"
in_copy() { git -C "$keys" -c user.name=test -c user.email=test@invalid "$@"; }
in_copy add --all
GIT_COMMITTER_DATE='2001-01-01 00:00:00 +0000' in_copy commit -q --allow-empty -m 'as it is'
mkdir -p "$keys"/out/{bin,kubernetes/bin,kubernetes/images}
while read -r name _; do
    case $name in
        kubernetes/*) printf '%s\n' "$name" > "$keys/out/$name" ;;
        *) printf '%s\n' "$name" > "$keys/out/bin/$name" ;;
    esac
done < <(cat images/*/install images/*/kubernetes/install | sed -e '/^#/d')
# The archive as this checkout's layers found it, or as it is now.
indexes=$work/apt
if [[ -f out/images/state/apt/refreshed ]]; then
    cp -r out/images/state/apt "$indexes"
else
    (
        die() { printf 'cache: %s\n' "$1" >&2; exit 1; }
        # shellcheck source=images/distro/debian.sh
        source images/distro/debian.sh
        distro_indexes "$indexes"
    )
fi

layer_keys() { "$keys/images/build.sh" --keys --indexes "$indexes" --out "$keys/out/images" --bin "$keys/out/bin" \
    --kubernetes "$keys/out/kubernetes"; }
binary_keys() {
    local project
    for project in Init Worker Controller Ctl; do
        printf '%s %s\n' "$project" "$("$keys/images/binary.sh" "Operos.$project" --inputs | sha256sum)"
    done
}

# A change must change these keys, and no others.
changes() { # layers|binaries "NAME..." WHAT COMMAND...
    local kind=$1 expected=$2 what=$3 found; shift 3
    "$@"
    if [[ $kind == layers ]]; then layer_keys; else binary_keys; fi > "$work/$kind.after"
    found=$({ diff "$work/$kind.before" "$work/$kind.after" || true; } | awk '$1 == ">" { print $2 }' | paste -sd' ')
    mv "$work/$kind.after" "$work/$kind.before"
    printf 'changed: %s\nexpected: %s\n' "$found" "$expected" > "$work/log"
    report "$([[ $found == "$expected" ]]; printf '%d' $?)" "$what changes the key of ${expected:-nothing}"
}
append() { printf '# changed\n' >> "$keys/$1"; } # FILE
commit() { # FILE
    append "$1"
    in_copy commit -q --all -m 'a change'
}
# In the index that apt fetched: other bytes of these packages.
move_packages() { # PACKAGE...
    local list
    for list in "$indexes"/lists/*Packages*; do
        /usr/lib/apt/apt-helper cat-file "$list" > "$work/list"
        grep -qxE "Package: ($(tr ' ' '|' <<< "$*"))" "$work/list" || continue
        rm "$list"
        awk -v packages=" $* " \
            'BEGIN { RS = ""; ORS = "\n\n" } { if (index(packages, " " $2 " ")) sub(/SHA256: ..../, "SHA256: 0000") } 1' \
            "$work/list" > "${list%Packages*}Packages"
    done
    date +%s.%N > "$indexes/refreshed"
}

layer_keys > "$work/layers.before"
changes layers '' 'nothing' true
changes layers 'worker' "a file of the worker's" append images/worker/customise.sh
changes layers 'controller' "a unit of the controller's control plane" append \
    images/controller/kubernetes/files/usr/lib/systemd/system/etcd.service
changes layers 'node worker controller' "a package of the node's" append images/node/packages
changes layers 'base node worker controller' 'the distribution' append images/distro/debian.sh
changes layers 'base node worker controller' 'an account' append images/accounts
changes layers '' 'a patch of Kubernetes' append images/kubernetes/patches/no-docker-wait.patch
changes layers '' 'a read-me' append images/README.md
changes layers 'worker' 'operos-worker' append out/bin/operos-worker
changes layers 'controller' 'the boot loader' append out/bin/lpxelinux.0
changes layers 'node worker controller' 'kubelet' append out/kubernetes/bin/kubelet
changes layers 'controller' 'kube-apiserver' append out/kubernetes/bin/kube-apiserver
in_copy commit -q --all -m 'all of that'
layer_keys > "$work/layers.before"
changes layers 'worker' "a commit to the worker's folder" commit images/worker/customise.sh
changes layers '' 'a commit elsewhere' commit agents/Operos.Worker/Program.cs
changes layers '' "a commit to the initramfs's folder" commit initramfs/modules
changes layers 'controller' "a package of the controller's that moved in the archive, and one that nobody installs" move_packages \
    dnsmasq-base emacs
changes layers 'node worker controller' "a package of the node's that moved" move_packages openssh-server

binary_keys > "$work/binaries.before"
changes binaries 'Worker' 'a source of the worker' append agents/Operos.Worker/Program.cs
changes binaries 'Worker Controller' 'a source of the policies' append agents/Operos.Policy/Operos.Policy.csproj
changes binaries 'Controller' 'a source of the names' append agents/Operos.Names/Operos.Names.csproj
changes binaries 'Init Worker Controller Ctl' 'what all share' append agents/Operos.Linux/packages.lock.json
changes binaries 'Init Worker Controller Ctl' 'a setting of all' append Directory.Build.props
changes binaries '' 'a test' append tests/Operos.Ctl.Tests/Operos.Ctl.Tests.csproj
changes binaries '' 'a read-me' append agents/README.md
