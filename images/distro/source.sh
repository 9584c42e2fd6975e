# shellcheck shell=bash
# Debian's source packages, for what is compiled here. Apart from debian.sh, on which every layer depends: none depends on this.
# Sourced after it, by what brings die.

# By that apt: a source package into FOLDER. LOCK is only named, where the mirror has another revision than it pins.
debian_download_source() { # PACKAGE VERSION FOLDER LOCK
    (cd "$3" && apt-get source -qq --download-only "$1=$2") ||
        die "the mirror has no source package $1 $2" \
            "there is: $(apt-cache showsrc "$1" | awk '$1 == "Version:" { print $2 }' | sort -u | paste -sd' '); pin it in $4"
}

debian_source_files() { awk '/^Checksums-Sha256:/ { on = 1; next } /^[^ ]/ { on = 0 } on { print $3 }' "$1"; } # DSC

# A .dsc pins the other files of its source package, which stand beside it: dpkg-source compares them with the hashes in it.
debian_unpack_source() { # DSC FOLDER TREE PATCH...: the files of the .dsc are in FOLDER
    local dsc=$1 folder=$2 tree=$3 links=$3.source name patch; shift 3
    rm -rf "$tree" "$links"
    mkdir -p "$links"
    cp "$dsc" "$links/package.dsc"
    while read -r name; do ln -s "$folder/$name" "$links/$name"; done < <(debian_source_files "$dsc")
    dpkg-source --no-copy -x "$links/package.dsc" "$tree"
    rm -rf "$links"
    for patch; do patch -d "$tree" -p1 --no-backup-if-mismatch -i "$patch"; done
}
