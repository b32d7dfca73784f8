# The distribution's libwolfssl and libcjson, linked dynamically: make SYSTEM_LIBS=1 builds
# build/system/thimble; make check-system tries it. What differs stands in config/profile/system.*,
# config/system and src/system, none of it in the other sources.

ifdef SYSTEM_LIBS
wolfssl_flags    = -include config/system/wolfssl.h
wolfssl_origin   = the distribution's libwolfssl, linked dynamically
cjson_origin     = the distribution's libcjson, linked dynamically
wolfssl_settings = the distribution's

CC.system      = $(CC)
CFLAGS.system  = -O2 -ffunction-sections -fdata-sections $(HARDEN) -fno-pie \
                 -Wno-unused-result -Wno-stringop-truncation
LDFLAGS.system = -no-pie -Wl,--gc-sections
LIBS.system    = -lwolfssl -lcjson
$(eval $(call flavour,system))

# Of a tree of ours this would be a changed header (Makefile).
$(B)/gen/wolfssl/internal.h: $(B)/gen/wolfssl/origin
	@touch $@

$(B)/thimble: $(call objects,system,$(binary_c))
	$(call say,LINK,$@)$(CC.system) $(CFLAGS.system) $(CFLAGS) $(LDFLAGS.system) $(LDFLAGS) \
	    -o $@.full $(filter %.o,$^) $(LIBS.system)
	@$(STRIP) -s -R .comment -o $@ $@.full
	@printf '  %-7s %s\n' SIZE "$@: $$(stat -c %s $@) bytes, and two libraries"

$(call objects,system,$(binary_c)): | system-tools
endif

.PHONY: system-tools check-system
system-tools:
	@tools/deps.sh tools system
check-system: system-tools lab-tools test-tools
check-system: ## the distribution's libwolfssl, the same verification tests
	+@$(MAKE) --no-print-directory SYSTEM_LIBS=1 build/system/thimble
	@tools/check-system.sh
