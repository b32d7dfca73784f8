# thimble: MQTT over mutual TLS in a fixed, proven memory budget.
#
#   make help         what can be made
#   make V=1          shows every command
#
# Knobs (make NAME=value):
#   PREFIX, DESTDIR   where install puts things                        (/usr/local, empty)
#   PROFILE           sizes, and what is left out: config/profile/PROFILE.{h,mk}     (default)
#   CC                compiles the library and the tests               (gcc)
#   MUSL_CC           compiles the static binary                       (musl-gcc)
#   CROSS             prefix of ld, ar, objcopy and strip, such as aarch64-linux-gnu-
#   KERNEL_HEADERS    where linux/ and asm-generic/ are                (/usr/include)
#   WOLFSSL_SRC, CJSON_SRC   source trees of your own; else tools/deps.sh fetches the pinned ones
#   SYSTEM_LIBS=1     links the distribution's libwolfssl and libcjson: make/system-libs.mk
#   WOLFSSL_RELEASE   pinned, newest or stable: which wolfSSL is fetched   (pinned)
#   EMBED_ROOTS       CA certificates to build in: a set of config/roots, or a PEM file; the program
#                     is then build/embedded/thimble                   (none)
#   FUZZ_SECONDS      how long check runs each fuzz target             (5)

VERSION := $(shell sed -n 's/^#define TH_VERSION "\(.*\)"/\1/p' include/thimble.h)
PREFIX  ?= /usr/local
ifdef SYSTEM_LIBS
PROFILE     := system
WOLFSSL_SRC := /usr/include
CJSON_SRC   := /usr/include/cjson
endif
PROFILE ?= default
# Another profile is built beside, in build/PROFILE: nothing of default's is touched.
B       := build$(addprefix /,$(filter-out default,$(PROFILE)))
ifdef EMBED_ROOTS
B       := $(B)/embedded
endif
ifeq ($(origin CC),default)
CC      := gcc
endif
MUSL_CC ?= musl-gcc
FUZZ_CC ?= clang
LD      := $(CROSS)ld
AR      := $(CROSS)ar
OBJCOPY := $(CROSS)objcopy
STRIP   := $(CROSS)strip
KERNEL_HEADERS ?= /usr/include
PYTHON  ?= /usr/bin/python3
FUZZ_SECONDS ?= 5

DEPS_DIR := build/deps
WOLFSSL  := $(or $(WOLFSSL_SRC),$(DEPS_DIR)/wolfssl)
CJSON    := $(or $(CJSON_SRC),$(DEPS_DIR)/cjson)
ifeq ($(wildcard config/profile/$(PROFILE).h),)
$(error PROFILE=$(PROFILE): there is no config/profile/$(PROFILE).h; there is $(patsubst \
    config/profile/%.h,%,$(wildcard config/profile/*.h)))
endif
is_x86_64  := $(findstring x86_64,$(shell $(MUSL_CC) -dumpmachine))
# What features consist of; what this profile lacks, or has in another form.
include config/features.mk
profile_mk   := $(wildcard config/profile/$(PROFILE).mk)
profile_says  = $(foreach mk,$(profile_mk),$(file <$(mk)))
include $(profile_mk)
ifneq ($(and $(EMBED_ROOTS),$(filter bundle,$(lacks))),)
$(error EMBED_ROOTS: the profile $(PROFILE) lacks bundle, and cannot have roots built in)
endif
export WOLFSSL_SRC CJSON_SRC WOLFSSL_RELEASE DEPS_DIR PYTHON FUZZ_SECONDS

# A make inside another one shares that one's jobs.
ifeq ($(filter -j%,$(MAKEFLAGS))$(filter-out 0,$(MAKELEVEL)),)
MAKEFLAGS += -j$(shell nproc)
endif
MAKEFLAGS += --no-builtin-rules
.SUFFIXES:
.DELETE_ON_ERROR:
.DEFAULT_GOAL := all

# A recipe line "$(call say,CC,file)command" prints "  CC      file", or with V=1 the command.
say = $(if $(V),,@printf '  %-7s %s\n' '$(1)' '$(2)';)

# $(call write_if_changed,text) writes the target, unless it says that already.
define write_if_changed
$(shell mkdir -p $(@D))$(file >$@.new,$(1))@cmp -s $@.new $@ && rm $@.new || mv $@.new $@
endef

# ---- what is compiled -----------------------------------------------------------------------

library_rooms := base crypt net tls ws identity mqtt auth session outbox client report
binary_only   := mem/libc.c mem/run.c mem/alone.c mem/text.c
tests_only    := mem/failing.c
# What the features this profile lacks have as their sources, options ...
of_lacks   = $(foreach feature,$(lacks),$($(feature).$(1)))
library_c := $(filter-out $(binary_only) $(tests_only),$(wildcard mem/*.c)) \
             $(foreach room,$(library_rooms),$(wildcard src/$(room).c src/$(room)/*.c))
program_c := $(wildcard $(binary_only) src/json/*.c src/spool/*.c src/store/*.c src/sandbox/*.c \
                 src/tunnel/*.c src/cli/*.c src/agent/*.c)
tables_c  := src/cli/table.c src/cli/commands.c src/cli/exit.c
ifneq ($(lacks),)
library_c := $(filter-out $(call of_lacks,sources),$(library_c)) $(call of_lacks,instead)
program_c := $(filter-out $(tables_c),$(program_c)) $(call of_lacks,program_instead) \
             $(addprefix $(B)/gen/,$(tables_c))
endif
binary_c  := $(filter-out $(call of_lacks,program_sources),$(library_c) $(program_c))
# ... and what says less.
brief_c   := $(call of_lacks,sections) $(call of_lacks,reasons)
ifneq ($(brief_c),)
binary_c  := $(filter-out $(brief_c),$(binary_c)) $(addprefix $(B)/gen/,$(brief_c))
endif
unit_c    := $(wildcard tests/unit/*/test_*.c)
fuzz_c    := $(wildcard tests/fuzz/fuzz_*.c)
support_c := $(wildcard tests/support/*.c)

wolfssl_c := $(addprefix src/,internal.c keys.c ssl.c tls.c tls13.c wolfio.c) \
             $(addprefix wolfcrypt/src/,aes.c asn.c chacha.c chacha20_poly1305.c coding.c \
                 curve25519.c ecc.c error.c fe_low_mem.c fe_operations.c hash.c hmac.c kdf.c \
                 logging.c memory.c misc.c poly1305.c random.c rsa.c sha256.c sha512.c signature.c \
                 sp_int.c wc_encrypt.c wc_port.c wolfmath.c)

# What is in assembler in the binary, where wolfSSL has it: what a profile says.
wolfssl_c  += $(if $(is_x86_64),wolfcrypt/src/cpuid.c)
wolfssl_s  := $(addprefix wolfcrypt/src/,$(assembled))
assembled_o = $(patsubst %.S,$(B)/musl/wolfssl/%.o,$(wolfssl_s)) \
              $(patsubst %.S,$(B)/musl/config/sp/%_s.o,$(assembled_sp))

# ---- how it is compiled ---------------------------------------------------------------------

# Four flavours of the same sources:
#   musl    the static binary              lib     the library, for programs of this system
#   native  unit tests, with ASan+UBSan    fuzz    libFuzzer targets, likewise
# Each has its compiler, its flags, and its objects under build/FLAVOUR/.
SMALL    := $(if $(filter agent,$(lacks)),-DTH_AGENT_BIT=0) -Os \
            -ffunction-sections -fdata-sections -fomit-frame-pointer \
            -fno-asynchronous-unwind-tables -fno-unwind-tables
# Speed we do not need, traded for bytes (of the x86-64 binary): -Oz 5,200, thread jumps 2,400,
# shrink wrapping and caller saves 1,900, jump tables 1,800, dominator optimizations 1,000,
# alignment of data 1,000, tail calls 700, loop invariants 450, tail merging 500; scheduling, which
# has one sequence in many orders, 3,500. What the compiler does not know is left out.
TIGHT    := -Oz -fno-thread-jumps -fno-jump-tables -fno-tree-dominator-opts -fno-shrink-wrap \
            -fno-caller-saves -fno-optimize-sibling-calls -fno-tree-loop-im \
            -fno-move-loop-invariants -fno-tree-tail-merge -fno-schedule-insns2 -malign-data=abi
# Of wolfSSL's alone.
TIGHTER  := -fno-if-conversion -fno-tree-switch-conversion
knows     = $(shell $(1) -Werror $(2) -E -x c /dev/null >/dev/null 2>&1 && echo $(2))
tight_flags := $(foreach flag,$(TIGHT),$(call knows,$(MUSL_CC),$(flag)))
THEIRS.musl := $(foreach flag,$(TIGHTER),$(call knows,$(MUSL_CC),$(flag)))

SANITIZE := -O1 -g -fno-omit-frame-pointer \
            -fsanitize=address,undefined -fno-sanitize-recover=undefined
WARN     := -Wall -Wextra -Wshadow

# What is taken, what is not, and what each costs: docs/hardening.md.
HARDEN   := -fstack-protector
HARDLINK := -no-pie -Wl,-z,norelro,-z,noexecstack,-z,noseparate-code
# No gap in the file between what is read and what is written; in memory each has its pages.
GAPLESS  := -Wl,-z,common-page-size=64
# For tools/stack.py: the source line of each call, and the compiler's own idea of each frame. The
# stripped binary has nothing of it.
TRACEABLE := -g1
FRAMES    := -fcallgraph-info=su
# What is large and seldom touched apart from what is small and always touched: src/base/roomy.h.
SORTED   := -Wl,--sort-section=alignment

# Sentences are packed for the static binary: config/pack.awk.
source.musl  := $(B)/gen/packed/
PACKED       := -DTH_PACKED=1 -fdebug-prefix-map=$(source.musl)=

CC.musl       = $(MUSL_CC)
# The binary has one thread and needs no locks in wolfSSL: 1,100 bytes. The library keeps them.
# What is inline is for link time to say: 700 bytes; the library's compilers see one file at a time.
# Two functions of musl's have smaller ones of src/base in their place, 1,800 bytes.
CFLAGS.musl   = $(if $(is_x86_64),-DTH_X86_64_ASM) $(PACKED) $(SMALL) $(tight_flags) $(HARDEN) \
                -DSINGLE_THREADED -DNO_INLINE -Dstrstr=th_text_find -Dgmtime_r=th_date_utc \
                -flto=auto -flto-partition=one -fno-pie $(TRACEABLE) -idirafter $(B)/system
CC.lib        = $(CC)
CFLAGS.lib    = $(SMALL) $(HARDEN) -fPIC
CC.native     = $(CC)
CFLAGS.native = $(SANITIZE) -DTH_TEST=1
# wolfSSL shifts into sign bits on purpose; its other undefined behaviour is reported.
THEIRS.native = -fno-sanitize=shift
THEIRS.fuzz   = -fno-sanitize=shift
CC.fuzz       = $(FUZZ_CC)
CFLAGS.fuzz   = $(SANITIZE) -fsanitize=fuzzer-no-link -DTH_TEST=1

# What a waiting subscriber never needs lies apart and is not mapped: tools/layout.py.
APART    := -Wl,-T,$(B)/gen/layout.ld

# What link time optimization hands to the assembler is made shorter on its way, 18 KB:
# config/outline.
outliner ?= $(if $(is_x86_64),-Bconfig/outline/)

# There are no constructors and no destructors: of what compilers begin programs with, musl's own
# part is enough. 900 bytes.
crt1    := $(if $(is_x86_64),$(firstword $(shell $(MUSL_CC) '-###' -static -x none main.o 2>&1 \
                 | grep -o '[^ ]*/S\?crt1\.o')))
BARE    := $(if $(crt1),-nostartfiles $(crt1))

LDFLAGS.musl  = -static -Wl,--gc-sections $(HARDLINK) $(GAPLESS) $(SORTED) $(FRAMES) $(outliner) \
                $(BARE)

# Of single files: what stands for libc's own functions is none of the compiler's business.
flags.mem/text = -fno-lto -ffreestanding -fno-tree-loop-distribute-patterns

# What this profile changes of config/user_settings.h.
profile_settings := $(wildcard config/profile/$(PROFILE)_settings.h)

# wolfSSL's and cJSON's headers are system headers to us: their warnings are not ours.
wolfssl_flags = -DWOLFSSL_USER_SETTINGS \
                $(patsubst config/%,-DTH_PROFILE_SETTINGS='"%"',$(profile_settings)) -Iconfig \
                -isystem $(B)/gen -isystem $(WOLFSSL)
our_flags     = -std=c11 -D_GNU_SOURCE $(WARN) -Iinclude -Isrc -I. -I$(B) $(wolfssl_flags) \
                -isystem $(CJSON) $(addprefix -include ,$(wildcard config/profile/$(PROFILE).h))
cjson_flags   = -w -Isrc -include config/cjson.h
# wolfSSL's arithmetic relies on wrapping overflow.
their_flags   = -w -fwrapv -D_GNU_SOURCE $(wolfssl_flags) -I$(B)/gen/sp -I$(WOLFSSL)/wolfcrypt/src

sp_c256  ?= fast256
wolfssl_o = $(patsubst %.c,$(B)/$(1)/wolfssl/%.o,$(wolfssl_c)) $(B)/$(1)/config/sp/$(sp_c256).o \
            $(B)/$(1)/config/sp/smallrest.o $(B)/$(1)/config/sha1.o \
            $(B)/$(1)/config/aes_cbc.o
objects   = $(patsubst %.c,$(B)/$(1)/%.o,$(2))

# wolfSSL refuses ciphertext beyond 2^14 + 102 bytes; RFC 8446 section 5.2 allows 2^14 + 256, which
# padded records reach. The limit is an enumerator, so its header is shown changed. All objects
# depend on it, and by it on the settings: wolfSSL's headers include those, and gcc lists no such
# file. The members of its structures stand in another order: config/order.awk.
ifndef SYSTEM_LIBS
$(B)/gen/wolfssl/internal.h: $(WOLFSSL)/wolfssl/internal.h $(B)/gen/wolfssl/origin \
                             config/order.awk config/user_settings.h $(profile_settings)
	@mkdir -p $(@D)
	@awk -f config/order.awk $< >$@
	@sed -i 's/\( MAX_MSG_EXTRA *= \)38 + WC_MAX_DIGEST_SIZE,/\1256,/' $@
	@grep -q 'MAX_MSG_EXTRA *= 256,' $@ || { echo 'MAX_MSG_EXTRA not found in $<' >&2; exit 1; }
endif

# OCSP stapling has two seams there; make/stable.mk changes more.
amended        := $(if $(filter ocsp,$(lacks)),,tls internal)
seams.tls      := 2
seams.internal := 1
$(amended:%=$(B)/gen/wolfssl/%.c): $(B)/gen/wolfssl/%.c: $(WOLFSSL)/src/%.c config/staple.awk \
                                   $(B)/gen/wolfssl/origin Makefile make/stable.mk
	@mkdir -p $(@D)
	@awk -v seams=$(seams.$*) -f config/staple.awk $< >$@
	$(also.$*)

# Name constraints are src/tls/constraints.c's, of the whole path: wolfSSL holds those of a
# certificate's own issuer against it, and costs 2 KB.
$(B)/gen/wolfssl/asn.c: $(WOLFSSL)/wolfcrypt/src/asn.c $(B)/gen/wolfssl/origin Makefile
	@mkdir -p $(@D)
	@sed -e '1i #line 1 "$<"' -e 's/if (DecodeNameConstraints(.*) < 0) {/if (0) {/' \
	    -e 's/if (!ConfirmNameConstraints(.*)) {/if (0) {/' $< >$@
	@test "$$(diff $< $@ | grep -c '^>')" = 3 || \
	    { echo 'name constraints not found in $<' >&2; exit 1; }

# The program's tables without the rows of what this profile lacks.
$(B)/gen/src/cli/%.c: src/cli/%.c config/without.awk config/features.mk Makefile \
                      $(profile_mk)
	@mkdir -p $(@D)
	@awk -v lacking='$(rows.$*)' -v phrases='$(phrases.$*)' -f config/without.awk $< >$@
rows.table     = $(call of_lacks,options)
rows.commands  = $(call of_lacks,commands)
rows.exit      = $(call of_lacks,exits)
phrases.table  = $(call of_lacks,phrases)

$(addprefix $(B)/gen/,$(brief_c)): $(B)/gen/%.c: %.c config/brief.awk config/features.mk \
                                     $(profile_mk)
	@mkdir -p $(@D)
	@awk -v what=$(if $(filter $<,$(call of_lacks,reasons)),reasons,sections) \
	    -f config/brief.awk $< >$@

# The static binary's sentences take half their bytes; base/format.c writes them as they were.
$(source.musl)%.c: %.c config/pack.awk src/base/pairs.h
	@mkdir -p $(@D)
	@LC_ALL=C awk -f config/pack.awk src/base/pairs.h $< >$@

.SECONDARY:

# P-256 with a smaller table: config/sp says how and why.
sp_c := $(B)/gen/sp/sp_c64.c $(B)/gen/sp/sp_c32.c $(B)/gen/sp/sp_rsa.c

$(B)/gen/sp/%.c: $(WOLFSSL)/wolfcrypt/src/%.c config/sp/thin256.awk
	@mkdir -p $(@D)
	@awk -f config/sp/thin256.awk $< >$@

# RSA for all lengths at once, likewise.
$(B)/gen/sp/sp_rsa.c: $(WOLFSSL)/wolfcrypt/src/sp_c64.c config/sp/rsa.awk
	@mkdir -p $(@D)
	@awk -f config/sp/rsa.awk $< >$@

$(B)/gen/wolfssl/origin: FORCE | sources
	$(call write_if_changed,$(wolfssl_origin))

define flavour
compile.$(1) = $$(CC.$(1)) $$(CFLAGS.$(1)) $$(CFLAGS) -MMD -MP -c

$(B)/$(1)/%.o: $$(source.$(1))%.c $(B)/$(1)/flags $(B)/gen/wolfssl/internal.h \
               | $(B)/gen/version.h $(B)/gen/roots.h sources
	@mkdir -p $$(@D)
	$$(call say,CC,$$*.c)$$(compile.$(1)) -iquote $$(dir $$*) $$(our_flags) \
	    $$(flags.$$*) -o $$@ $$<

$(B)/$(1)/config/sp/$(sp_c256).o $(B)/$(1)/config/sp/smallrest.o: $(sp_c)

$(B)/$(1)/config/%.o: config/%.c $(B)/$(1)/flags $(B)/gen/wolfssl/internal.h | sources
	@mkdir -p $$(@D)
	$$(call say,CC,$$<)$$(compile.$(1)) $$(their_flags) $$(THEIRS.$(1)) -o $$@ $$<

$(amended:%=$(B)/$(1)/wolfssl/src/%.o): $(B)/$(1)/wolfssl/src/%.o: $(B)/gen/wolfssl/%.c \
                                       $(B)/$(1)/flags $(B)/gen/wolfssl/internal.h
	@mkdir -p $$(@D)
	$$(call say,CC,$$<)$$(compile.$(1)) $$(their_flags) $$(THEIRS.$(1)) -o $$@ $$<

$(B)/$(1)/wolfssl/wolfcrypt/src/asn.o: $(B)/gen/wolfssl/asn.c $(B)/$(1)/flags \
                                         $(B)/gen/wolfssl/internal.h
	@mkdir -p $$(@D)
	$$(call say,CC,$$<)$$(compile.$(1)) $$(their_flags) $$(THEIRS.$(1)) -o $$@ $$<

$(B)/$(1)/wolfssl/%.o: $(WOLFSSL)/%.c $(B)/$(1)/flags $(B)/gen/wolfssl/internal.h
	@mkdir -p $$(@D)
	$$(call say,CC,wolfssl/$$*.c)$$(compile.$(1)) $$(their_flags) $$(THEIRS.$(1)) -o $$@ $$<

$(B)/$(1)/cjson/%.o: $(CJSON)/%.c config/cjson.h $(B)/$(1)/flags
	@mkdir -p $$(@D)
	$$(call say,CC,cjson/$$*.c)$$(compile.$(1)) $$(cjson_flags) -o $$@ $$<

# Changes when a flag changes, and then everything of this flavour is compiled again; a profile may
# have flags of single files.
$(B)/$(1)/flags: FORCE | sources
	$$(call write_if_changed,$$(compile.$(1)) $$(our_flags) $$(their_flags) $$(cjson_flags) \
	    $$(THEIRS.$(1)) $$(LDFLAGS.$(1)) $$(wolfssl_origin)$$(profile_says))
endef
$(foreach f,musl lib native fuzz,$(eval $(call flavour,$(f))))

.PHONY: FORCE
FORCE:

# ---- what is built --------------------------------------------------------------------------

.PHONY: all
all: $(B)/thimble $(if $(SYSTEM_LIBS),,$(B)/libthimble.a)
all: ## the static binary and the library (default)

$(B)/musl/wolfssl/%.o: $(WOLFSSL)/%.S $(B)/musl/flags $(profile_settings)
	@mkdir -p $(@D)
	$(call say,AS,wolfssl/$*.S)$(compile.musl) -fno-lto $(their_flags) -o $@ $<

$(B)/musl/config/sp/%_s.o: config/sp/%.S $(B)/musl/flags $(profile_settings)
	@mkdir -p $(@D)
	$(call say,AS,$<)$(compile.musl) -fno-lto $(their_flags) -o $@ $<

ifndef SYSTEM_LIBS
$(B)/thimble: $(call objects,musl,$(binary_c)) $(call wolfssl_o,musl) $(B)/musl/cjson/cJSON.o \
              $(assembled_o) $(B)/gen/layout.ld $(wildcard config/outline/*)
	$(call say,LINK,$@)$(CC.musl) $(CFLAGS.musl) $(CFLAGS) $(LDFLAGS.musl) $(APART) \
	    $(LDFLAGS) -Wl,-Map=$@.map -o $@.full $(filter %.o,$^)
	@$(STRIP) -s -R .comment -o $@ $@.full
	@$(if $(without_sections),sh tools/without-sections.sh $@)
	@printf '  %-7s %s\n' SIZE "$@: $$(stat -c %s $@) bytes"
endif

$(call objects,musl,$(binary_c)) $(call wolfssl_o,musl): | $(B)/system

$(B)/gen/layout.ld: config/layout config/layout.awk
	@mkdir -p $(@D)
	@awk -f config/layout.awk $< >$@

# musl has no kernel headers and no valgrind headers: it may see these, and no other header of
# the system's C library.
$(B)/system: | sources
	@mkdir -p $@
	@for d in $(KERNEL_HEADERS)/linux $(KERNEL_HEADERS)/asm-generic /usr/include/valgrind \
	    $(firstword $(wildcard $(KERNEL_HEADERS)/asm \
	        $(KERNEL_HEADERS)/$(shell $(CC) -print-multiarch)/asm)); do ln -sfn $$d $@/; done

# One object: the functions of the public headers and what they need. Only these are visible; the
# wolfSSL inside is not, so that a program may link another one.
$(B)/libthimble.a: $(B)/lib/thimble.o
	$(call say,AR,$@)rm -f $@; $(AR) rcs $@ $<

$(B)/lib/thimble.o: $(B)/lib/public $(call objects,lib,$(library_c)) $(call wolfssl_o,lib)
	$(call say,LINK,$@)$(LD) -r --gc-sections $$(sed 's/^/-u /' $<) -o $@ $(filter %.o,$^)
	@$(OBJCOPY) --keep-global-symbols=$< --strip-unneeded $@

$(B)/lib/public: $(wildcard include/*.h include/thimble/*.h)
	@mkdir -p $(@D)
	@sed -n 's/^[^*].*\b\(th_[a-z0-9_]*\)(.*/\1/p' $^ | sort -u >$@

.PHONY: sources
sources: $(if $(and $(WOLFSSL_SRC),$(CJSON_SRC)),,build-tools)
	@tools/deps.sh sources

$(addprefix $(WOLFSSL)/,$(wolfssl_c) wolfssl/internal.h wolfcrypt/src/sp_c64.c \
    wolfcrypt/src/sp_c32.c $(wolfssl_s)) $(CJSON)/cJSON.c: | sources ;

# What `thimble version` tells.
wolfssl_version  = $(shell sed -n 's/.*LIBWOLFSSL_VERSION_STRING "\(.*\)"/\1/p' \
    $(WOLFSSL)/wolfssl/version.h)
wolfssl_origin   = $(if $(WOLFSSL_SRC),given tree,$(shell cat $(DEPS_DIR)/wolfssl.origin))
cjson_origin     = $(if $(CJSON_SRC),given tree,$(shell cat $(DEPS_DIR)/cjson.origin))
wolfssl_settings = $(filter-out $(shell sed -n 's/^.undef *//p' $(profile_settings) /dev/null) \
    TH_% NO_% WC_NO_% WOLFSSL_NO% WOLFSSL_IGNORE% HAVE_%_H,$(shell \
    sed -n 's/^.define \([A-Za-z0-9_]*\) *\([0-9]\+\)\?.*/\1=\2/p' config/user_settings.h \
    $(profile_settings) | sed 's/=$$//'))

# No earlier date is believed. Not the moment of building, so that two builds of a commit are the
# same; but a builder whose clock stands before the commit's date must be able to run what it
# builds.
commit_time      = $(or $(shell git log -1 --format=%ct 2>/dev/null),0)
build_time       = $(or $(SOURCE_DATE_EPOCH),$(shell echo $(commit_time) $$(date +%s) | \
    awk '{ day = 86400; print $$1 <= $$2 ? $$1 : $$2 - $$2 % day }'))

built_by         = $(if $(SYSTEM_LIBS),$(CC),$(MUSL_CC))

define version_h
/* Made by the Makefile. */
#define TH_BUILD_COMMIT "$(or $(shell git rev-parse --short=12 HEAD 2>/dev/null),unknown)"
#define TH_BUILD_TIME INT64_C($(build_time))
#define TH_BUILD_PROFILE "$(PROFILE)"
#define TH_BUILD_LACKS "$(strip $(filter-out $(unseen),$(lacks)))"
#define TH_BUILD_LACKS_COMMANDS $(patsubst %,"%\0",$(call of_lacks,commands)) ""
#define TH_BUILD_CC "$(notdir $(built_by)) $(shell $(built_by) -dumpfullversion 2>/dev/null)"
#define TH_BUILD_WOLFSSL "$(wolfssl_version)"
#define TH_BUILD_WOLFSSL_ORIGIN "$(wolfssl_origin)"
#define TH_BUILD_WOLFSSL_SETTINGS "$(if $(filter settings-list,$(lacks)),,$(wolfssl_settings))"
#define TH_BUILD_CJSON_ORIGIN "$(cjson_origin)"
endef

$(B)/gen/version.h: FORCE | sources
	$(call write_if_changed,$(version_h))

# Written anew only when it changes, as the one above.
$(B)/gen/roots.h: FORCE tools/embed-roots.py
	@mkdir -p $(@D)
	@$(PYTHON) tools/embed-roots.py $(EMBED_ROOTS) >$@.new
	@cmp -s $@.new $@ && rm $@.new || mv $@.new $@

# ---- tests ----------------------------------------------------------------------------------

unit_programs := $(patsubst tests/unit/%.c,$(B)/unit/%,$(unit_c))
fuzz_programs := $(patsubst tests/fuzz/%.c,$(B)/fuzz/%,$(fuzz_c))
testable_c    := $(filter-out mem/libc.c mem/alone.c mem/text.c,$(binary_c)) $(tests_only) \
                 $(support_c)

$(B)/native/libours.a: $(call objects,native,$(testable_c)) $(B)/native/cjson/cJSON.o
	$(call say,AR,$@)rm -f $@; $(AR) rcs $@ $^

$(B)/native/libwolfssl.a: $(call wolfssl_o,native)
	$(call say,AR,$@)rm -f $@; $(AR) rcs $@ $^

$(unit_programs): $(B)/unit/%: $(B)/native/tests/unit/%.o \
                  $(B)/native/libours.a $(B)/native/libwolfssl.a
	@mkdir -p $(@D)
	$(call say,LINK,$@)$(CC.native) $(CFLAGS.native) -o $@ $< \
	    -Wl,--start-group $(filter %.a,$^) -Wl,--end-group -lcmocka -lpthread

$(B)/fuzz/libours.a: $(call objects,fuzz,$(testable_c)) $(B)/fuzz/cjson/cJSON.o
	$(call say,AR,$@)rm -f $@; $(AR) rcs $@ $^

$(B)/lib/libwolfssl.a: $(call wolfssl_o,lib)
	$(call say,AR,$@)rm -f $@; $(AR) rcs $@ $^

$(fuzz_programs): $(B)/fuzz/%: $(B)/fuzz/tests/fuzz/%.o \
                  $(B)/fuzz/libours.a $(B)/lib/libwolfssl.a
	$(call say,LINK,$@)$(CC.fuzz) $(CFLAGS.fuzz) -fsanitize=fuzzer -o $@ $< \
	    -Wl,--start-group $(filter %.a,$^) -Wl,--end-group -lpthread

$(call objects,native,$(unit_c)): | test-tools
$(call objects,fuzz,$(fuzz_c) $(testable_c)) $(B)/fuzz/cjson/cJSON.o: | test-tools

checks := unit fuzz rooms integration sandbox failures differential audit soak pictures hub \
    stack package budget profiles

.PHONY: check check-all unit fuzz integration differential budget
check: $(unit_programs) $(fuzz_programs) all lab-tools hub-programs profile-programs
check: ## all tests; long matrices as a sample
	@tools/check.sh $(checks)
check-all: $(unit_programs) $(fuzz_programs) all lab-tools all-tools hub-units profile-hub \
    profile-programs
check-all: ## all tests, matrices whole
	@THIMBLE_CHECK=all tools/check.sh $(checks)
unit: $(unit_programs) ## unit tests, under ASan and UBSan
	@tools/check.sh unit
fuzz: $(fuzz_programs) ## every fuzz target for FUZZ_SECONDS
	@tools/check.sh fuzz
integration: all lab-tools test-tools ## the static binary against mosquitto
	@tools/check.sh integration
differential: all lab-tools test-tools ## every command line as mosquitto's clients do it
	@tools/check.sh differential
budget: all lab-tools test-tools ## bytes and instructions against the committed budget
	@tools/check.sh budget

# ---- campaigns: each has a file of its own ----------------------------------------------------

include $(wildcard make/*.mk)

# ---- by hand --------------------------------------------------------------------------------

LAB := $(B)/lab

.PHONY: demo lab lab-stop
demo: all lab-tools ## publish and subscribe over mutual TLS, show every memory report
	@THIMBLE=$(B)/thimble tools/demo.sh $(B)/demo-lab
lab: all lab-tools ## leave certificates and a running broker to play with
	@tools/lab.sh try $(LAB)
lab-stop: ## stop that broker
	@tools/lab.sh stop $(LAB)

# ---- manual ---------------------------------------------------------------------------------

man_pages := $(patsubst docs/%,$(B)/man/%,$(wildcard docs/*.[15]))

# A line ".so man/FILE" is the content of docs/man/FILE: what several commands share is written
# once.
$(man_pages): $(B)/man/%: docs/% $(wildcard docs/man/*.roff)
	@mkdir -p $(@D)
	@awk '$$1 == ".so" { while ((getline line < ("docs/" $$2)) > 0) print line; next } 1' $< >$@

.PHONY: manual
manual: $(man_pages) ## the man pages, in build/man

# ---- install --------------------------------------------------------------------------------

completions := share/bash-completion/completions share/zsh/site-functions

.PHONY: install
install: all manual ## binary, library, header, manual, completions, below DESTDIR and PREFIX
	@install -d $(addprefix $(DESTDIR)$(PREFIX)/,bin include/thimble lib/pkgconfig \
	    share/man/man1 share/man/man5 lib/systemd/system \
	    share/thimble/init share/doc/thimble/examples \
	    $(completions))
	install -m 755 $(B)/thimble $(DESTDIR)$(PREFIX)/bin/thimble
	install -m 755 dist/desk/thimble-convert $(DESTDIR)$(PREFIX)/bin/thimble-convert
	install -m 644 $(B)/libthimble.a $(DESTDIR)$(PREFIX)/lib/libthimble.a
	install -m 644 include/thimble.h $(DESTDIR)$(PREFIX)/include/
	install -m 644 include/thimble/*.h $(DESTDIR)$(PREFIX)/include/thimble/
	sed 's|@PREFIX@|$(PREFIX)|; s|@VERSION@|$(VERSION)|' config/thimble.pc.in \
	    >$(DESTDIR)$(PREFIX)/lib/pkgconfig/thimble.pc
	install -m 644 $(filter %.1,$(man_pages)) $(DESTDIR)$(PREFIX)/share/man/man1/
	install -m 644 $(filter %.5,$(man_pages)) $(DESTDIR)$(PREFIX)/share/man/man5/
	sed 's|/usr/bin/thimble|$(PREFIX)/bin/thimble|' 'dist/systemd/thimble-agent@.service' \
	    >'$(DESTDIR)$(PREFIX)/lib/systemd/system/thimble-agent@.service'
	install -m 644 docs/examples/*.json $(DESTDIR)$(PREFIX)/share/doc/thimble/examples/
	install -m 755 dist/busybox/S70thimble $(DESTDIR)$(PREFIX)/share/thimble/init/
	install -m 755 dist/openwrt/files/thimble.init $(DESTDIR)$(PREFIX)/share/thimble/init/thimble.procd
	install -m 644 docs/completion/_thimble $(DESTDIR)$(PREFIX)/share/zsh/site-functions/
	install -m 644 docs/completion/thimble.bash \
	    $(DESTDIR)$(PREFIX)/share/bash-completion/completions/thimble
	for name in pub sub rr; do ln -sf thimble \
	    $(DESTDIR)$(PREFIX)/share/bash-completion/completions/mosquitto_$$name; done

# ---- tools ----------------------------------------------------------------------------------

.PHONY: deps build-tools lab-tools test-tools all-tools
deps: build-tools lab-tools test-tools sources ## install missing tools, fetch wolfSSL and cJSON
build-tools lab-tools test-tools all-tools: %-tools:
	@tools/deps.sh tools $*

.PHONY: clean distclean version help
clean: lab-stop ## remove what was built, keep fetched sources
	@find $(B) -mindepth 1 -maxdepth 1 ! -name deps -exec rm -rf {} + 2>/dev/null || true
distclean: lab-stop ## remove fetched sources too
	@rm -rf $(B)
version: ## print the version
	@echo $(VERSION)
help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1 - \2/p' Makefile make/*.mk | sed 's/ - /\t/' \
	    | expand -t 28

-include $(foreach f,musl system lib native fuzz,$(shell find $(B)/$(f) -name '*.d' 2>/dev/null))
