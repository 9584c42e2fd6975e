#!/usr/bin/env bash
# unbound, knot and the control plane are started by the agent alone; the packages' own services would take the ports.
set -euo pipefail
root=$1
chroot "$root" systemctl -q disable etcd.service
chroot "$root" systemctl -q mask unbound.service unbound-resolvconf.service knot.service
# The controller is a node too; under another name its agent is the last plugin of each pod's network.
install -d "$root/usr/lib/cni"
ln -sfn ../../bin/operos-controller "$root/usr/lib/cni/operos"
