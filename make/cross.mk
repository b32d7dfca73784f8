# Static binaries for other processors:
#
#   make cross            all of them, tried under qemu, and one table (tools/cross.py); the unit
#                         tests on one of 32 bits and on a big-endian one, s390x, and with
#                         THIMBLE_CHECK=all on each
#   make cross-armhf      builds one; also arm64, mipsel and riscv64
#
# Each is built in build/ARCHITECTURE by Debian's cross compiler and the musl of that architecture,
# which is unpacked in build/deps; the system is asked for nothing but packages of its own.

cross_architectures := armhf arm64 mipsel riscv64
big_endian          := s390x
cross_units         := $(if $(filter all,$(THIMBLE_CHECK)),$(cross_architectures),armhf) \
                       $(big_endian)

triple.armhf   := arm-linux-gnueabihf
triple.arm64   := aarch64-linux-gnu
triple.mipsel  := mipsel-linux-gnu
triple.riscv64 := riscv64-linux-gnu
triple.s390x   := s390x-linux-gnu

musl_suite         := bookworm
musl_suite.riscv64 := trixie

# ld 2.40 fails at the ULEB128 relocations in the debugging information of trixie's musl.
cross_ldflags.riscv64 := -Wl,--strip-debug

cross_unit_flags := -O1 -g -DTH_TEST=1 -static -isystem tests/cross

# Like musl-dev's own, for a musl that lies elsewhere.
cross_cc = $(DEPS_DIR)/cross/$(1)/$(triple.$(1))-musl-gcc

define cross_architecture
$(call cross_cc,$(1)): | cross-tools
	@tools/deps.sh foreign $$(@D) $(or $(musl_suite.$(1)),$(musl_suite)) $(1) musl-dev
	@sed 's|/usr/|$$(@D)/usr/|g' $$(@D)/usr/lib/*/musl-gcc.specs >$$(@D)/musl-gcc.specs
	@printf '#!/bin/sh\nexec %s-gcc "$$$$@" -specs %s\n' $(triple.$(1)) $$(@D)/musl-gcc.specs >$$@
	@chmod +x $$@

cross_make.$(1) = $$(MAKE) --no-print-directory B=build/$(1) MUSL_CC=$(call cross_cc,$(1)) \
    CROSS=$(triple.$(1))- KERNEL_HEADERS=/usr/$(triple.$(1))/include \
    LDFLAGS="$(cross_ldflags.$(1)) $(LDFLAGS)" CC.native=$(call cross_cc,$(1)) \
    CFLAGS.native="$(cross_unit_flags) $(cross_ldflags.$(1)) -idirafter build/$(1)/system \
        -Lbuild/$(1)" THEIRS.native=

.PHONY: cross-$(1) cross-unit-$(1)
cross-$(1): $(call cross_cc,$(1)) | sources
	+@$$(cross_make.$(1)) build/$(1)/thimble
cross-unit-$(1): $(call cross_cc,$(1)) | sources
	+@$$(cross_make.$(1)) build/$(1)/system build/$(1)/libcmocka.a
	+@$$(cross_make.$(1)) unit-programs
endef
$(foreach a,$(cross_architectures) $(big_endian),$(eval $(call cross_architecture,$(a))))

# The unit tests with musl, static; what they use of cmocka is tests/cross/cmocka.h.
$(B)/libcmocka.a:
	@mkdir -p $(@D)
	@$(AR) rcs $@

.PHONY: unit-programs
unit-programs: $(unit_programs)

.PHONY: cross cross-build cross-programs
cross-programs: cross-build $(addprefix cross-unit-,$(cross_units))
cross-build: $(addprefix cross-,$(cross_architectures)) ## static binaries for other processors
cross: cross-programs lab-tools test-tools ## the same, tried under qemu, one table
	@$(PYTHON) tools/cross.py $(cross_architectures) $(big_endian)

.PHONY: cross-tools
cross-tools: build-tools
	@tools/deps.sh tools cross
