#!/usr/bin/env bash
# Under another name the agent is the last plugin of each pod's network.
set -euo pipefail
root=$1
install -d "$root/usr/lib/cni"
ln -sfn ../../bin/operos-worker "$root/usr/lib/cni/operos"
