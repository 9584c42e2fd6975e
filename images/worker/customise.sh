#!/usr/bin/env bash
# A worker: the agent runs from the first moment.
set -euo pipefail
root=$1
chroot "$root" systemctl -q enable operos-worker.service
# Nothing that it writes outlives it.
chroot "$root" systemctl -q mask systemd-machine-id-commit.service systemd-random-seed.service
