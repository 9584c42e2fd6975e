#!/usr/bin/env bash
# A worker: the agent runs from the first moment.
set -euo pipefail
root=$1
chroot "$root" systemctl -q enable operos-worker.service
