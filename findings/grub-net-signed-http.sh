#!/usr/bin/env bash
# Debian's signed GRUB for network boot: Debian 12's has no module `http`, Debian 13's has.
#
# Seen in 2026-11: grub-efi-amd64-signed 1+2.06+13+deb12u2 (bookworm) and 1+2.12+9+deb13u4 (trixie). Of grubnetx64.efi.signed's modules
# both have net, efinet and tftp, and only trixie's has http. The same shim, configuration and server boot by HTTP with one and not with
# the other: bookworm's then asks TFTP for grub/x86_64-efi/http.mod (seen in a boot; not done here), and under Secure Boot a module that
# is not in the signed image is of no use.
# Guessed otherwise: bookworm's image is the one built for the network; it knows the firmware's HTTPClient class and the device (http), so
# it comes up after UEFI HTTP boot as if all were well; and grub-efi-amd64-bin of the same suite has an http.mod.
# What Operos does: its loaders are taken from trixie, whatever Debian builds the release, and a machine is booted by UEFI HTTP in the
# tests.
#
# The image's modules are read out of its section `mods`. Exit code 0: as described; 1: it changed; 2: it could not be tried. Needs a
# Debian host's apt (its mirror and keyring) and perl-base; nothing is installed.
set -euo pipefail

folder=$(mktemp -d)
trap 'trap "" HUP INT TERM; rm -rf "$folder"' EXIT
untried() { printf 'could not be tried: %s\n' "$1"; exit 2; }

# An apt of its own, from the host's mirror, for which nothing is installed.
image_of() { # SUITE VERSION: prints the path of its signed network image
    local apt=$folder/$1 site
    mkdir -p "$apt/lists/partial" "$apt/archives/partial" "$apt/root"
    : > "$apt/status"
    # shellcheck disable=SC2016 # apt's own variables
    site=$(apt-get indextargets --format '$(LABEL) $(SITE)' 'Created-By: Packages' | awk '$1 == "Debian" { print $2; exit }')
    [[ -n $site ]] || return
    printf 'deb [target=Packages] %s %s main\n' "$site" "$1" > "$apt/sources.list"
    printf 'Dir::%s;\n' "State \"$apt\"" "State::status \"$apt/status\"" "Cache \"$apt\"" "Etc::sourcelist \"$apt/sources.list\"" \
        'Etc::sourceparts "/dev/null"' 'Etc::preferences "/dev/null"' 'Etc::preferencesparts "/dev/null"' > "$apt/apt.conf"
    printf 'APT::Sandbox::User "root";\n' >> "$apt/apt.conf"
    (
        cd "$apt"
        export APT_CONFIG=$apt/apt.conf
        timeout 300 apt-get update -qq >&2 && timeout 300 apt-get download -qq "grub-efi-amd64-signed=$2" >&2
    ) || return
    dpkg-deb -x "$apt"/grub-efi-amd64-signed_*.deb "$apt/root" || return
    printf '%s\n' "$apt/root/usr/lib/grub/x86_64-efi-signed/grubnetx64.efi.signed"
}

# A PE section that holds ELF objects one after another; each tells its module's name in a section of its own.
modules() {
    perl -e '
        use strict; local $/; my $image = <STDIN>; my $at;
        my $pe = unpack "V", substr $image, 0x3c, 4;
        my ($count, $optional) = unpack "x6 v x12 v", substr $image, $pe, 24;
        for (0 .. $count - 1) {
            my ($name, $offset) = unpack "Z8 x12 V", substr $image, $pe + 24 + $optional + 40 * $_, 40;
            $at = $offset if $name eq "mods";
        }
        defined $at or die "the image has no section mods\n";
        my ($magic, $first, $size) = unpack "a4 x4 Q< Q<", substr $image, $at, 24;
        $magic eq "mimg" or die "the section mods holds no modules\n";
        for (my $next = $at + $first; $next < $at + $size;) {
            my ($type, $length) = unpack "VV", substr $image, $next, 8;
            $length >= 8 or die "an object of $length bytes\n";
            my $object = substr $image, $next + 8, $length - 8;
            $next += $length;
            next if $type != 0;
            my ($table, $sections, $names) = unpack "x40 Q< x12 v v", $object;
            my @section = map { [unpack "V x20 Q< Q<", substr $object, $table + 64 * $_, 64] } 0 .. $sections - 1;
            for (@section) {
                my $name = unpack "Z*", substr $object, $section[$names][1] + $_->[0];
                print unpack("Z*", substr $object, $_->[1], $_->[2]), "\n" if $name eq ".modname";
            }
        }' < "$1"
}

status=0
expect() { # SUITE VERSION HTTP: yes or no
    local image names module expected found
    image=$(image_of "$1" "$2") || untried "grub-efi-amd64-signed $2 of $1 cannot be had from this host's mirror"
    [[ -f $image ]] || untried "$1's package has no grubnetx64.efi.signed, or this host's apt has no Debian mirror"
    names=$(modules "$image") || { printf 'CHANGED: %s: the modules of the image cannot be read\n' "$1"; status=1; return; }
    printf '%s, %s: %d modules;' "$1" "$2" "$(wc -l <<< "$names")"
    for module in net efinet tftp http; do
        found=no expected=yes
        [[ $module != http ]] || expected=$3
        ! grep -qx "$module" <<< "$names" || found=yes
        printf ' %s: %s' "$module" "$found"
        [[ $found == "$expected" ]] || { printf ' (CHANGED, was %s)' "$expected"; status=1; }
    done
    printf '\n'
}
expect bookworm '1+2.06+13+deb12u2' no
expect trixie '1+2.12+9+deb13u4' yes
((status)) || printf 'as described: bookworm'"'"'s signed network loader cannot speak HTTP, trixie'"'"'s can\n'
exit "$status"
