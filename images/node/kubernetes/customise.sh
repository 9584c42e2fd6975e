#!/usr/bin/env bash
# What makes it a node of Kubernetes is started by its agent.
set -euo pipefail
shopt -s extglob
root=$1
chroot "$root" systemctl -q disable containerd.service cni-dhcp.socket cni-dhcp.service
# A worker holds this in RAM: no shims of older containerds, and of the CNI plugins those of our configuration and Calico's.
rm "$root"/usr/bin/containerd-shim "$root"/usr/bin/containerd-shim-runc-v1
# Which version this is, for agents that start: the programs themselves are 100 MB to load for a line.
chroot "$root" /usr/bin/kubelet --version > "$root/usr/lib/operos/kubernetes-version"
rm "$root"/usr/lib/cni/!(bandwidth|host-local|loopback|portmap|ptp) "$root"/usr/lib/systemd/system/cni-dhcp.*
