#!/usr/bin/env bash
# The Kubernetes component's build: what it refuses, what it resumes, what it does not do twice, and what its container images are.
# shellcheck disable=SC2317 # functions that "holds" and "soon" call by name
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# A network of its own: the release server has its port for itself, and nothing can be fetched from elsewhere.
busybox=$PWD/out/kubernetes/cache/busybox
if [[ -z ${OPEROS_KUBERNETES_TEST-} ]]; then
    images/kubernetes/busybox.sh --out "$busybox"
    OPEROS_KUBERNETES_TEST=1 exec unshare --net --pid --fork --kill-child --mount-proc "$0" "$@"
fi
ip link set lo up
unset OPEROS_KUBERNETES_URL
# shellcheck source=tests/checks/checks.sh
source tests/checks/checks.sh
# What it makes is no component for anybody.
export OPEROS_CACHE=

build() { # ARGUMENT...: its output in $work/log
    local status=0
    images/kubernetes/build.sh --source upstream --lock "$work/lock" --busybox "$busybox" "$@" > "$work/log" 2>&1 || status=$?
    return "$status"
}

accepts() { # WHAT ARGUMENT...
    local what=$1 status=0; shift
    build "$@" || status=1
    report "$status" "$what"
}

refuses() { # WHAT MESSAGE ARGUMENT...: it fails, says so, and leaves no binaries
    local what=$1 message=$2 status=0; shift 2
    rm -rf "$work/refused"
    if build --out "$work/refused" "$@" || ! grep -qF -- "$message" "$work/log" ||
        [[ -e $work/refused/bin || -e $work/refused/inputs ]]; then status=1; fi
    report "$status" "refuses $what"
}

# A release as a server has it. Only kubelet is ever started, for its version.
release() { # VERSION
    local folder=$work/www/v$1/bin/linux/amd64 name
    mkdir -p "$folder"
    for name in kube-apiserver kube-controller-manager kube-scheduler kube-proxy kubectl; do
        head -c 300000 /dev/urandom > "$folder/$name"
    done
    printf '#!/bin/sh\necho Kubernetes v%s\n' "$1" > "$folder/kubelet"
    (cd "$folder" && sha256sum -- *) | awk -v version="$1" '{ print "upstream", version, $2, $1 }' >> "$work/lock"
}

serve() { # PORT DIRECTIVE
    mkdir -p "$work/nginx"
    cat > "$work/nginx/$1.conf" <<CONFIGURATION
daemon on; pid $work/nginx/$1.pid; error_log $work/nginx/error.log;
events {}
http { access_log $work/nginx/$1.log; server { listen 127.0.0.1:$1; root $work/www; $2 } }
CONFIGURATION
    # It reads as another user.
    chmod 755 "$work"
    nginx -c "$work/nginx/$1.conf"
}

locked() { awk -v version="$1" -v file="$2" '$2 == version && $3 == file { print $4 }' "$work/lock"; }

printf '# a comment\n' > "$work/lock"
release 1.30.1
release 1.30.2
release 1.30.3
www=$work/www
serve 8001 ''
serve 8002 'max_ranges 0;'

refuses 'to guess where releases are' 'OPEROS_KUBERNETES_URL is not set' --version 1.30.1
export OPEROS_KUBERNETES_URL=http://127.0.0.1:8001
accepts 'a release by HTTP' --version 1.30.1 --out "$work/a"
holds 'its binaries are the release'\''s' diff -r "$www/v1.30.1/bin/linux/amd64" "$work/a/bin"
holds 'they may be run' test -x "$work/a/bin/kube-proxy"
stamp=$(stat -c %y "$work/a/inputs")
OPEROS_KUBERNETES_URL=http://127.0.0.1:1 accepts 'a second run fetches nothing' --version 1.30.1 --out "$work/a"
holds 'and changes nothing' test "$stamp" = "$(stat -c %y "$work/a/inputs")"
accepts 'another version beside it' --version 1.30.2 --out "$work/a"
holds 'is the one in use now' test "$("$work/a/bin/kubelet")" = 'Kubernetes v1.30.2'
holds 'and says so to make' test "$stamp" != "$(stat -c %y "$work/a/inputs")"
OPEROS_KUBERNETES_URL=http://127.0.0.1:1 accepts 'the first again, without a server' --version 1.30.1 --out "$work/a"
OPEROS_KUBERNETES_URL=file://$www accepts 'a release by file://' --version 1.30.1 --out "$work/b"
OPEROS_KUBERNETES_URL=http://127.0.0.1:8002 accepts 'a server without ranges' --version 1.30.1 --out "$work/c"

# A fetch that was cut at 100000 bytes; and one by a server that cannot go on there.
for port in 8001 8002; do
    mkdir -p "$work/cut$port/cache/downloads"
    head -c 100000 "$www/v1.30.1/bin/linux/amd64/kubectl" > "$work/cut$port/cache/downloads/kubectl-$(locked 1.30.1 kubectl).partial"
    OPEROS_KUBERNETES_URL=http://127.0.0.1:$port accepts "goes on with a cut fetch (port $port)" --version 1.30.1 --out "$work/cut$port"
    holds 'to the same bytes' cmp "$work/cut$port/bin/kubectl" "$www/v1.30.1/bin/linux/amd64/kubectl"
done
holds 'fetching only the rest' grep -q '/kubectl HTTP/1.1" 206 200000 ' "$work/nginx/8001.log"

printf 'x' >> "$www/v1.30.2/bin/linux/amd64/kube-proxy"
refuses 'a file that differs' 'kube-proxy is not what' --version 1.30.2
holds 'and keeps nothing of it' test -z "$(find "$work/refused/cache" -name '*.partial')"
rm "$www/v1.30.2/bin/linux/amd64/kube-proxy"
refuses 'a release without one of its files' 'cannot fetch' --version 1.30.2
sed -i '/1.30.3 kubelet/d' "$work/lock"
refuses 'a file that the lock does not name' 'has no SHA-256 of kubelet' --version 1.30.3
refuses 'a version that the lock does not name' 'upstream 1.30.1' --version 1.99.0
refuses 'what is no version' 'is no version' --version ../1.30.1
cp "$www/v1.30.1/bin/linux/amd64/kubelet" "$www/v1.30.3/bin/linux/amd64/kubelet"
printf 'upstream 1.30.3 kubelet %s\n' "$(locked 1.30.1 kubelet)" >> "$work/lock"
refuses 'binaries of another version' "kubelet says 'Kubernetes v1.30.1', not 1.30.3" --version 1.30.3

cp "$work/lock" "$work/before"
sed -i '/ 1.30.1 /d' "$work/lock"
accepts 'pins a release' --version 1.30.1 --pin --cache "$work/pin"
holds 'with the same SHA-256' diff <(sort "$work/before") <(sort "$work/lock")
sed -i '/ 1.30.1 /d' "$work/lock"
printf '%064d\n' 0 > "$www/v1.30.1/bin/linux/amd64/kubectl.sha256"
status=0
if build --version 1.30.1 --pin --cache "$work/pin2" || grep -q ' 1.30.1 ' "$work/lock"; then status=1; fi
report "$status" 'pins only what is published'

# A tool of a release, which no layer holds.
cp "$work/before" "$work/lock"
printf '#!/bin/sh\necho v1.30.1\n' > "$www/v1.30.1/bin/linux/amd64/kubeadm"
refuses 'a tool that the lock does not name' 'has no SHA-256 of kubeadm' --version 1.30.1 --tool kubeadm
accepts 'pins a tool of a release that is pinned' --version 1.30.1 --pin --tool kubeadm --cache "$work/pin3"
stamp=$(stat -c %y "$work/a/inputs")
accepts 'a tool by itself' --version 1.30.1 --out "$work/a" --tool kubeadm
holds 'it is the release'\''s' cmp "$www/v1.30.1/bin/linux/amd64/kubeadm" "$work/a/tools/kubeadm"
accepts 'the component beside it' --version 1.30.1 --out "$work/a"
holds 'is not made again' test "$(grep -c ' unchanged$' "$work/log")" = 2
holds 'and is as it was' test "$stamp" = "$(stat -c %y "$work/a/inputs")"
holds 'without the tool' test ! -e "$work/a/bin/kubeadm"

# What one checkout made is another's.
OPEROS_CACHE=$work/kept accepts 'keeps what was made in the cache' --version 1.30.1 --out "$work/a"
OPEROS_CACHE=$work/kept OPEROS_KUBERNETES_URL=http://127.0.0.1:1 accepts 'another checkout needs no server' --version 1.30.1 --out "$work/d"
holds 'takes both parts' test "$(grep -c 'from the cache' "$work/log")" = 2
holds 'and has the same component' diff -r "$work/a/bin/" "$work/d/bin/"
holds 'and the same container images' diff -r "$work/a/images/" "$work/d/images/"

# What this checkout's layers are made of is there already.
if [[ -f out/kubernetes/inputs ]]; then
    read -r source version _ < out/kubernetes/inputs
    holds 'the component in out/kubernetes is not made twice' images/kubernetes/build.sh --version "$version" --source "$source" \
        --out out/kubernetes --busybox "$busybox"
    holds 'no part of it' test "$(grep -c ' unchanged$' "$work/log")" = 2
else
    printf 'kubernetes: out/kubernetes is not made (make KUBERNETES=1): that it is not made twice was not looked at\n'
fi

# The container images: the same bytes from another folder, whole by the OCI image layout, and they run.
holds 'the same archives twice' diff -r "$work/a/images" "$work/c/images"
whole() { # ARCHIVE.tar: every blob is what it is called, every reference has a blob of its size; its files in ARCHIVE.root
    local into blobs blob manifest digest size
    into=$(mktemp -d "$work/oci.XXXXXX")
    blobs=$into/blobs/sha256
    tar -xf "$1" -C "$into"
    [[ $(jq -r .imageLayoutVersion "$into/oci-layout") == 1.0.0 ]]
    for blob in "$blobs"/*; do [[ $(sha256sum < "$blob") == "${blob##*/}  -" ]]; done
    manifest=$blobs/$(jq -r '.manifests[0].digest | ltrimstr("sha256:")' "$into/index.json")
    while read -r digest size; do
        [[ $(stat -c %s "$blobs/${digest#sha256:}") == "$size" ]]
    done < <(jq -r '.manifests[] | "\(.digest) \(.size)"' "$into/index.json"
        jq -r '.config, .layers[] | "\(.digest) \(.size)"' "$manifest")
    mkdir "${1%.tar}.root"
    tar -xf "$blobs/$(jq -r '.layers[0].digest | ltrimstr("sha256:")' "$manifest")" -C "${1%.tar}.root"
}
for image in pause sample; do
    # Not as a condition: each line of it counts.
    set +e
    (set -e; whole "$work/a/images/$image.tar") > "$work/log" 2>&1
    status=$?
    set -e
    report "$status" "$image.tar is an OCI image layout"
done

soon() { # COMMAND...: true within half a minute
    local end=$((SECONDS + 30))
    while ((SECONDS < end)); do
        if "$@"; then return 0; fi
        sleep 0.1
    done
    return 1
}

unshare --pid --fork --kill-child "$work/a/images/pause.root/pause" &
outer=$!
soon pgrep -P "$outer" pause > /dev/null || true
pause=$(pgrep -P "$outer" pause || echo none)
nsenter --target "$pause" --pid sh -c 'sleep 0.5 &'
holds 'pause takes an orphan in' soon pgrep -P "$pause" sleep
gone() { ! pgrep -P "$pause"; }
holds 'and lets it end' soon gone
kill -TERM "$pause"
holds 'pause ends when told to' wait "$outer"

unshare --uts sh -c "hostname pod-a; PORT=8003 exec chroot '$work/a/images/sample.root' /bin/serve" &
in_sample() { chroot "$work/a/images/sample.root" "$@"; }
answers() { [[ $(in_sample /bin/wget -q -O - http://127.0.0.1:8003/ 2>/dev/null) == pod-a ]]; }
holds 'sample serves its name' soon answers
answers_in_time() { [[ $(in_sample /bin/wget -T 5 -q -O - http://127.0.0.1:8003/) == pod-a ]]; }
holds 'and is fetched with a time-out' answers_in_time
holds 'and has what one looks at a network with' in_sample /bin/sh \
    -c 'ip link show lo && ! nslookup 127.0.0.1:1 127.0.0.1 && type wget nslookup ping'

exit $((failures > 0))
