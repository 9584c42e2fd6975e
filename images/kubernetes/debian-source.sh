# shellcheck shell=bash
# The source "debian-source": Debian 12 ships kubectl alone, but its source package holds all of Kubernetes with every dependency.
# Sourced by build.sh.

# shellcheck source=images/distro/debian.sh
source "$HERE/../distro/debian.sh"

DEBIAN_KUBERNETES_SUITE=bookworm
# The distribution's own compiler, whichever other Go is on the PATH.
GO_ROOT=/usr/lib/go
# No debugging information: the linker's -s -w would only throw it away.
GO_FLAGS=(-trimpath -gcflags=all=-dwarf=false)

# Everything but the locked files that the bytes depend on.
debian_inputs() {
    [[ -x $GO_ROOT/bin/go ]] || die "no Go in $GO_ROOT" "images/install-deps.sh installs golang-go"
    GOTOOLCHAIN=local "$GO_ROOT/bin/go" version
    # shellcheck disable=SC2016 # dpkg's own variables
    dpkg-query -W -f '${source:Package} ${source:Version}\n' "$(dpkg-query -S "$(readlink -f "$GO_ROOT/bin/go")" | cut -d: -f1)"
    (cd "$HERE" && sha256sum debian-source.sh patches/*.patch)
}

debian_locked() { locked | awk -v end="$1" 'substr($1, length($1) - length(end) + 1) == end { print $1 }'; } # ENDING

debian_fetch() {
    local folder=$CACHE/downloads dsc deb package revision
    dsc=$(debian_locked .dsc) deb=$(debian_locked .deb)
    [[ -n $dsc && -n $deb ]] || die "$LOCK names no .dsc and .deb for debian-source $VERSION"
    if [[ ! -f $folder/$dsc.checked || ! -f $folder/$deb.checked ]]; then
        printf 'kubernetes: fetching %s\n' "${dsc%.dsc}"
        debian_apt "$DEBIAN_KUBERNETES_SUITE" "$CACHE/apt"
        revision=${dsc#kubernetes_}; revision=${revision%.dsc}
        debian_download_source kubernetes "$revision" "$folder" "$LOCK"
        package=${deb%%_*} revision=${deb#*_}; revision=${revision%%_*}
        (cd "$folder" && apt-get download -qq "$package=$revision") ||
            die "the mirror has no $package $revision" \
                "there is: $(apt-cache madison "$package" | awk '{ print $3 }' | sort -u | paste -sd' '); pin it in $LOCK"
        unset APT_CONFIG
        admit "$dsc" "$folder/$dsc" "$folder/$dsc.checked"
        admit "$deb" "$folder/$deb" "$folder/$deb.checked"
    fi
}

debian_unpack() { # WORK
    local tree=$1/go/src/k8s.io/kubernetes folder=$CACHE/downloads
    rm -rf "$1/go" "$1/deb"
    mkdir -p "$1/go/src/k8s.io"
    debian_unpack_source "$folder/$(debian_locked .dsc).checked" "$folder" "$tree" "$HERE"/patches/*.patch
    # The vendored reflect2 1.0.1 corrupts memory when compiled by Go 1.18 or later: components crash at random.
    dpkg-deb -x "$folder/$(debian_locked .deb).checked" "$1/deb"
    rm -rf "$tree/vendor/github.com/modern-go/reflect2"
    cp -r "$1/deb/usr/share/gocode/src/github.com/modern-go/reflect2" "$tree/vendor/github.com/modern-go/reflect2"
}

# Packages below vendor/ are known to the linker by that path; flags for the short one are ignored without a word.
debian_version_flags() {
    local package setting
    for package in component-base/version client-go/pkg/version; do
        for setting in "gitVersion=v$VERSION" "gitMajor=${VERSION%%.*}" "gitMinor=$(cut -d. -f2 <<< "$VERSION")" gitTreeState=archive; do
            printf -- '-X k8s.io/kubernetes/vendor/k8s.io/%s.%s ' "$package" "$setting"
        done
    done
}

# The API server's OpenAPI definitions, the only generated code that the source is without. `make generated_files` makes the same
# bytes, but makes all other generated code again first.
debian_openapi() {
    local folder=pkg/generated/openapi package=k8s.io/kubernetes inputs
    inputs=$(grep -rl --include='*.go' --exclude-dir='_*' '+k8s:openapi-gen=' pkg plugin cmd vendor/k8s.io/*/ |
        grep -Ev '^vendor/k8s.io/(code-generator|sample-apiserver)/' |
        xargs -n 1 dirname | LC_ALL=C sort -u | sed "s|^|$package/|" | paste -sd,)
    nice -n 10 go run "${GO_FLAGS[@]}" ./vendor/k8s.io/kube-openapi/cmd/openapi-gen --logtostderr -i "$inputs" -p "$package/$folder" \
        -O zz_generated.openapi \
        -h vendor/k8s.io/code-generator/hack/boilerplate.go.txt -r "$GOPATH/violations"
    diff "$GOPATH/violations" api/api-rules/violation_exceptions.list
}

debian_build() { # WORK FOLDER
    cd "$1/go/src/k8s.io/kubernetes"
    export GOPATH=$1/go GOCACHE=$1/go-cache GOENV=off GOFLAGS='' GOTOOLCHAIN=local GO111MODULE=off CGO_ENABLED=0
    export HOME=$1 PATH=$GO_ROOT/bin:$PATH
    debian_openapi
    nice -n 10 go build "${GO_FLAGS[@]}" -ldflags "-s -w $(debian_version_flags)" -o "$2/" "${COMPONENTS[@]/#/./cmd/}"
}

debian_compile() { # FOLDER
    local work=$CACHE/work status=0
    mkdir -p "$work"
    printf 'kubernetes: compiling %s with %s; about 7 minutes on two idle cores; log: %s\n' "$VERSION" \
        "$("$GO_ROOT/bin/go" env GOVERSION)" "$work/log"
    # Not as a condition: the shell would go on after an error in it.
    set +e
    (set -e; debian_unpack "$work"; debian_build "$work" "$1") > "$work/log" 2>&1
    status=$?
    set -e
    if ((status)); then
        tail -n 20 "$work/log" >&2
        die "the compilation failed" "what is compiled is kept in $work, and the next run goes on from there"
    fi
    rm -rf "$work"
}
