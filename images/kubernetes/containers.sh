# shellcheck shell=bash
# The container images that a node brings with it: a cluster without internet runs them. Sourced by build.sh.
#   operos/pause:3.2   the first process of every pod
#   operos/sample:1    busybox, and a web server that says which pod answers

containers_inputs() {
    cc --version
    sha256sum < "$BUSYBOX"
    (cd "$HERE" && sha256sum containers.sh archive.sh pause.c serve)
}

containers_pause() { # ROOT
    cc -Os -static -nostdlib -ffreestanding -fno-stack-protector -fno-asynchronous-unwind-tables -Wall -Wextra -Werror \
        -Wl,--build-id=none -s -o "$1/pause" "$HERE/pause.c"
}

containers_sample() { # ROOT
    local applet
    mkdir -p "$1"/{bin,etc,tmp,root}
    chmod 1777 "$1/tmp"
    install -m 755 "$BUSYBOX" "$1/bin/busybox"
    for applet in $("$BUSYBOX" --list); do
        [[ $applet == busybox ]] || ln -s busybox "$1/bin/$applet"
    done
    install -m 755 "$HERE/serve" "$1/bin/serve"
    printf 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n' > "$1/etc/passwd"
    printf 'root:x:0:\nnogroup:x:65534:\n' > "$1/etc/group"
}

containers_make() { # FOLDER
    local work=$CACHE/containers
    rm -rf "$work"
    mkdir -p "$work"/{pause,sample}
    containers_pause "$work/pause"
    "$HERE/archive.sh" --name operos/pause:3.2 --root "$work/pause" --out "$1/pause.tar" -- /pause
    containers_sample "$work/sample"
    "$HERE/archive.sh" --name operos/sample:1 --root "$work/sample" --out "$1/sample.tar" -- /bin/serve
    rm -rf "$work"
}
