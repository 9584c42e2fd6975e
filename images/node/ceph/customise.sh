#!/usr/bin/env bash
# A worker holds this in RAM: of the allocator's library the allocator alone, of RDMA what librados is linked with.
set -euo pipefail
shopt -s extglob
root=$1
libraries=$root/usr/lib/x86_64-linux-gnu
rm "$libraries"/lib@(profiler|tcmalloc_and_profiler|tcmalloc_debug|tcmalloc_minimal|tcmalloc_minimal_debug).so.*
