# shellcheck shell=bash
# The source "upstream": release binaries by version. Sourced by build.sh.

upstream_url() { # FILE
    [[ -n ${OPEROS_KUBERNETES_URL-} ]] || die "OPEROS_KUBERNETES_URL is not set" \
        "set it to where Kubernetes releases are, up to the version: the files are at URL/v$VERSION/bin/linux/amd64/"
    printf '%s/v%s/bin/linux/amd64/%s\n' "${OPEROS_KUBERNETES_URL%/}" "$VERSION" "$1"
}

# Into PARTIAL, going on where an earlier fetch ended.
upstream_download() { # FILE PARTIAL
    local url status=0
    local curl=(curl --fail --location --silent --show-error --retry 5 --retry-connrefused --connect-timeout 20 --speed-limit 1000 \
        --speed-time 60)
    url=$(upstream_url "$1")
    "${curl[@]}" --continue-at - --output "$2" "$url" || status=$?
    # 33: the server knows no ranges. 22 with a partial file: it ended at or beyond the file's end.
    if ((status == 33)) || { ((status == 22)) && [[ -e $2 ]]; }; then
        rm -f "$2"
        status=0
        "${curl[@]}" --output "$2" "$url" || status=$?
    fi
    ((status == 0)) ||
        die "cannot fetch $url (curl says $status)" \
        "is $VERSION a release, and OPEROS_KUBERNETES_URL right? what was fetched is kept and resumed"
}

upstream_file() { # FILE: its path in the cache, fetched and checked if it is not there
    local pinned final
    pinned=$(locked_digest "$1")
    final=$CACHE/downloads/$1-$pinned
    if [[ ! -f $final ]]; then
        upstream_download "$1" "$final.partial"
        admit "$1" "$final.partial" "$final"
    fi
    printf '%s\n' "$final"
}

upstream_fetch() { # FOLDER
    local component file
    for component in "${COMPONENTS[@]}"; do
        file=$(upstream_file "$component")
        cp --reflink=auto "$file" "$1/$component"
    done
}

upstream_pin() {
    local component file published lines=()
    for component in "${COMPONENTS[@]}"; do
        [[ -z $(locked | awk -v file="$component" '$1 == file') ]] ||
            die "$LOCK has upstream $VERSION already" "a release never changes; remove its lines if they are wrong"
    done
    for component in "${COMPONENTS[@]}"; do
        file=$CACHE/downloads/$component-$VERSION.unpinned
        upstream_download "$component" "$file"
        published=$(curl --fail --location --silent "$(upstream_url "$component").sha256" | cut -d' ' -f1 || true)
        if [[ -z $published ]]; then
            printf 'kubernetes: no SHA-256 of %s is published beside it\n' "$component" >&2
        elif [[ $published != "$(digest "$file")" ]]; then
            rm -f "$file"
            die "$component is not what is published beside it: SHA-256 $published"
        fi
        lines+=("upstream $VERSION $component $(digest "$file")")
        mv "$file" "$CACHE/downloads/$component-$(digest "$file")"
    done
    printf '%s\n' "${lines[@]}" | tee -a "$LOCK"
}
