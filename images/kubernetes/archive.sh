#!/usr/bin/env bash
# Packs a folder as a container image in an OCI archive, which "ctr image import" takes. Same folder, same bytes.
set -euo pipefail
shopt -s inherit_errexit

usage() {
    cat <<'USAGE'
usage: images/kubernetes/archive.sh --name NAME:TAG --root DIR --out FILE -- COMMAND [ARGUMENT...]

One layer, all of it root's; COMMAND is the image's entry point. The format: OCI image specification 1.0, image-layout and config.
USAGE
}

umask 022
name='' root='' out=''
while (($#)); do
    case $1 in
        --name) name=${2:?--name needs a name}; shift 2 ;;
        --root) root=${2:?--root needs a folder}; shift 2 ;;
        --out) out=${2:?--out needs a file}; shift 2 ;;
        --) shift; break ;;
        -h|--help) usage; exit 0 ;;
        *) usage >&2; exit 2 ;;
    esac
done
[[ $name == *:* && -d $root && -n $out && $# -gt 0 ]] || { usage >&2; exit 2; }

layout=$(mktemp -d)
trap 'rm -rf "$layout"' EXIT
blobs=$layout/blobs/sha256
mkdir -p "$blobs"

pack() { # FOLDER: as tar, with nothing of this host or hour in it
    tar --create --directory "$1" --sort=name --format=gnu --mtime=@0 --owner=0 --group=0 --numeric-owner .
}

blob() { # the standard input as a blob; its digest and size
    local digest
    cat > "$layout/blob"
    digest=$(sha256sum < "$layout/blob" | cut -d' ' -f1)
    mv "$layout/blob" "$blobs/$digest"
    printf '%s %s\n' "$digest" "$(stat -c %s "$blobs/$digest")"
}

# Not compressed: the layer of the node that holds it is.
read -r layer layer_size < <(pack "$root" | blob)
read -r config config_size < <(jq -cn --arg layer "sha256:$layer" '{
    created: "1970-01-01T00:00:00Z", architecture: "amd64", os: "linux",
    config: { Env: ["PATH=/bin"], Entrypoint: $ARGS.positional },
    rootfs: { type: "layers", diff_ids: [$layer] }
}' --args -- "$@" | blob)
read -r manifest manifest_size < <(jq -cn --arg config "sha256:$config" --argjson config_size "$config_size" \
    --arg layer "sha256:$layer" --argjson layer_size "$layer_size" '{
    schemaVersion: 2, mediaType: "application/vnd.oci.image.manifest.v1+json",
    config: { mediaType: "application/vnd.oci.image.config.v1+json", digest: $config, size: $config_size },
    layers: [{ mediaType: "application/vnd.oci.image.layer.v1.tar", digest: $layer, size: $layer_size }]
}' | blob)
# containerd keeps an image under its full name, with the domain that the grammar of references puts before a name without one.
jq -cn --arg manifest "sha256:$manifest" --argjson size "$manifest_size" --arg name "docker.io/$name" --arg tag "${name##*:}" '{
    schemaVersion: 2, mediaType: "application/vnd.oci.image.index.v1+json",
    manifests: [{ mediaType: "application/vnd.oci.image.manifest.v1+json", digest: $manifest, size: $size,
        platform: { architecture: "amd64", os: "linux" },
        annotations: { "io.containerd.image.name": $name, "org.opencontainers.image.ref.name": $tag } }]
}' > "$layout/index.json"
printf '{"imageLayoutVersion":"1.0.0"}' > "$layout/oci-layout"
pack "$layout" > "$out.partial"
mv "$out.partial" "$out"
