# Operos. `make help` lists the targets; everything made lands under out/.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
MAKEFLAGS += --no-print-directory
.DELETE_ON_ERROR:

VERSION ?= 0.1.0-dev
OUT := out
# KUBERNETES= (empty) leaves Kubernetes out of the layers and of the tests. Version: a line of images/kubernetes/lock.
KUBERNETES ?= 1
component := $(if $(KUBERNETES),$(OUT)/kubernetes)
# CEPH= (empty) leaves Ceph out of the layers and of the tests.
CEPH ?= 1
components := $(if $(KUBERNETES),--kubernetes $(OUT)/kubernetes) $(if $(CEPH),--ceph)
KUBERNETES_VERSION ?= 1.20.2
KUBERNETES_SOURCE ?= debian-source

# Where builds keep what they made for other checkouts (images/cache.sh --help); OPEROS_CACHE= on the command line builds without.
# That it cannot be used is said once: this file says that it was.
export OPEROS_CACHE_SAID ?= $(abspath $(OUT))/.cache-said
export DOTNET_CLI_TELEMETRY_OPTOUT := 1
export DOTNET_NOLOGO := 1

BINARIES := operos-init operos-worker operos-controller operosctl
BIN := $(addprefix $(OUT)/bin/,$(BINARIES))
# Of BIOS machines.
LOADER := $(OUT)/bin/lpxelinux.0
RELEASE := $(OUT)/release/$(VERSION)
LAYERS := $(addprefix $(OUT)/images/layers/,base.squashfs node.squashfs worker.squashfs controller.squashfs)
# Names the folder of the key that signs releases (images/release-key.sh --help); the key itself is outside of what is made here.
KEYS := $(OUT)/release-keys

.PHONY: help deps bin kubernetes images release demo test soak bench lint cache outdated reproducible clean FORCE

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

deps: $(OUT)/.deps ## install what building and testing need (root, Debian 12 or 13)

$(OUT)/.deps: images/install-deps.sh
	@mkdir -p $(OUT)
	images/install-deps.sh
	@touch $@

bin: $(BIN) $(LOADER) ## build the NativeAOT binaries and the BIOS boot loader into out/bin

# Always asked: each script finds by the hash of all its inputs whether there is something to do, and replaces only what changed,
# so that nothing above is made again for nothing.
FORCE:

# One after the other: they compile the same libraries.
$(OUT)/bin/operos-init: FORCE | $(OUT)/.deps
	@images/binary.sh Operos.Init --out $(OUT)
$(OUT)/bin/operos-worker: FORCE | $(OUT)/.deps $(OUT)/bin/operos-init
	@images/binary.sh Operos.Worker --out $(OUT)
$(OUT)/bin/operos-controller: FORCE | $(OUT)/.deps $(OUT)/bin/operos-worker
	@images/binary.sh Operos.Controller --out $(OUT)
$(OUT)/bin/operosctl: FORCE | $(OUT)/.deps $(OUT)/bin/operos-controller
	@images/binary.sh Operos.Ctl --out $(OUT)

$(LOADER): FORCE | $(OUT)/.deps
	@images/lpxelinux/build.sh --out $@ --work $(OUT)/lpxelinux

$(KEYS): FORCE | $(OUT)/bin/operosctl
	@images/release-key.sh --out $(OUT) > /dev/null

kubernetes: $(OUT)/kubernetes/inputs ## make the Kubernetes component: KUBERNETES_VERSION, KUBERNETES_SOURCE (debian-source, upstream)

$(OUT)/kubernetes/inputs: FORCE | $(OUT)/.deps
	@images/kubernetes/build.sh --version $(KUBERNETES_VERSION) --source $(KUBERNETES_SOURCE) --out $(OUT)/kubernetes

images: $(OUT)/.images ## build the layers (base, node, worker, controller)

# The lowest layer needs nothing that is compiled here, and is made meanwhile.
$(OUT)/images/layers/base.inputs: FORCE | $(OUT)/.deps
	@images/build.sh $(components) base

$(OUT)/.images: FORCE $(OUT)/images/layers/base.inputs $(BIN) $(LOADER) $(if $(component),$(OUT)/kubernetes/inputs) | $(OUT)/.deps
	@images/build.sh $(components)
	@cat $(LAYERS:.squashfs=.inputs) | cmp -s - $@ || cat $(LAYERS:.squashfs=.inputs) > $@

# Kubernetes, the binaries and the lowest layer side by side.
release: ## build and sign the release in out/release
	@rm -f $(OPEROS_CACHE_SAID)
	@$(MAKE) -j3 $(RELEASE)/release.json.sig

# Always asked, too: the time of the last commit is one of its inputs.
$(OUT)/initramfs/initramfs.img: FORCE $(OUT)/bin/operos-init $(OUT)/images/layers/base.inputs
	@initramfs/pack.sh --root $(OUT)/images/roots/base --kernel $(OUT)/images/kernel --init $(OUT)/bin/operos-init --out $(OUT)/initramfs \
	    --made-of $(OUT)/images/layers/base.inputs

$(RELEASE)/release.json.sig: $(OUT)/initramfs/initramfs.img $(OUT)/.images $(KEYS)
	SOURCE_DATE_EPOCH=$$(images/epoch.sh images initramfs) images/release.sh --version $(VERSION)
	@touch $@

# Looks first whether this host can do it; PREFLIGHT=0 leaves that out.
PREFLIGHT ?= 1
preflight = $(if $(filter-out 0,$(PREFLIGHT)),tests/preflight.sh $(1))

demo: ## boot a virtual cluster: a controller and two workers (DEMO_EXIT=1 ends by itself)
	$(call preflight,demo)
	$(MAKE) release
	dotnet run --project tests/Operos.Demo -c Release -- --release $(RELEASE)

# all, quick (without guests), or items: projects below tests/ and scripts; tests/run.sh --help.
TESTS ?= all

# What does not compile or lint is told before the release is made, which the run does on its way.
test: ## run every test: unit, network namespaces, QEMU (TESTS="quick" or items of tests/ for parts)
	$(call preflight,test)
	tests/run.sh --make $(if $(component),,--without-kubernetes) $(if $(CEPH),,--without-ceph) --results $(OUT)/test-results $(TESTS)

# Hours; the next one goes on where one was stopped.
SOAK_MINUTES ?= 1440

soak: ## go through the long lists of which each run of the tests does a part (SOAK_MINUTES=30 to stop then)
	tests/run.sh --results $(OUT)/soak --limit $(SOAK_MINUTES) soak

# The benchmarks' processes, mounts and network namespaces end with them, however they end. The shell stays: it is the namespace's init.
bench_namespace := setpriv --pdeathsig KILL unshare --net --mount --pid --fork --kill-child --mount-proc --propagation private
bench_network := mkdir -p /run/netns && mount -t tmpfs tmpfs /run/netns && ip link set lo up && ip address add 10.77.0.1/24 dev lo

bench: release ## measure against what a user would pick instead (BENCH="boot node" for parts of it)
	tests/Operos.Bench/dracut-livenet.sh
ifneq ($(component),)
	tests/Operos.Bench.Watch/build.sh
	images/kubernetes/build.sh --version $(KUBERNETES_VERSION) --source $(KUBERNETES_SOURCE) --out $(component) --tool kubeadm
	tests/Operos.Bench/kubeadm-node.sh --kubeadm $(component)/tools/kubeadm
endif
	dotnet build tests/Operos.Bench -c Release --nologo -v quiet
	$(bench_namespace) sh -c '$(bench_network) && dotnet run --no-build --project tests/Operos.Bench -c Release -- $(BENCH); \
		status=$$?; exit $$status'

lint: | $(OUT)/.deps ## shellcheck and a warning-free build
	tests/shellcheck.sh
	dotnet build --nologo -v quiet

reproducible: release ## build the layers and the initramfs a second time, without the cache, and compare every byte
	tests/reproducible.sh --always

cache: ## show what builds keep outside the checkout; PRUNE=all, a kind, 30d, 5GB removes from it
	@images/cache.sh $(if $(PRUNE),prune '$(PRUNE)',show)

outdated: | $(OUT)/.deps ## list what has something newer: packages, pinned sources, the layers' packages
	@images/outdated.sh --out $(OUT)

clean: ## remove everything that was made (out/, bin/, obj/); the release key is elsewhere and stays
	rm -rf $(OUT)
	find agents proto tests -type d \( -name bin -o -name obj \) -prune -exec rm -rf {} +
