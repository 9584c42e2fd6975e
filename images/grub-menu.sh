#!/usr/bin/env bash
# Prints the GRUB menu of a controller's disk: each kernel argument is one word of it, and it is on the kernel's own serial port.
set -euo pipefail

usage() {
    cat <<'EOF'
usage: images/grub-menu.sh VERSION ARGS

  VERSION  of the release, whose files are in /operos/VERSION of the boot partition
  ARGS     all kernel arguments; the menu is on the first console=ttyS that GRUB can use (ttyS0 to ttyS3, 8 bits, no parity)
EOF
}
die() { printf 'grub-menu: %s\n  next: %s\n' "$1" "$2" >&2; exit 1; }
case ${1-} in
    -h|--help) usage; exit 0 ;;
esac
(($# == 2)) || { usage >&2; exit 2; }
version=$1

# What check-config takes for workers, too (agents/Operos.Controller/Configuration/KernelArguments.cs, SerialConsole.cs).
LC_ALL=C
refused="[\"'\\\\;{}\$]"
[[ ! $2 =~ [^[:print:]] ]] || die 'a kernel argument holds a character that is not printable ASCII' 'leave it out'
[[ ! $2 =~ $refused ]] || die "a kernel argument holds ${BASH_REMATCH[0]}, which GRUB does not hand on as it is" 'leave it out'

serial='' arguments=''
read -ra words <<< "$2"
for word in "${words[@]}"; do
    if [[ -z $serial && $word =~ ^console=ttyS([0-3])(,([0-9]{1,6})(n(8(r)?)?)?)?$ ]]; then
        port=${BASH_REMATCH[1]} speed=$((10#${BASH_REMATCH[3]:-9600})) flow=${BASH_REMATCH[6]:+ --rtscts=on}
        if ((speed >= 300 && speed <= 115200 && 115200 % speed == 0)); then serial="serial --unit=$port --speed=$speed$flow"; fi
    fi
    # In single quotes nothing has a meaning to GRUB.
    [[ $word =~ ^[A-Za-z0-9._,:/=@%+-]+$ ]] || word="'$word'"
    arguments+=" $word"
done

if [[ -n $serial ]]; then printf '%s\n' "$serial" 'terminal_input console serial' 'terminal_output console serial'; fi
cat <<EOF
set timeout=2
set default=0
menuentry 'Operos $version' {
  linux /operos/$version/vmlinuz$arguments
  initrd /operos/$version/initramfs.img /operos/$version/anchor.cpio
}
EOF
