# Acts that the sandbox forbids, tried in it: tests/sandbox.

sandbox_tools := $(addprefix $(B)/sandbox/,jail inject lacking)

$(B)/sandbox/jail: tests/sandbox/jail.c \
                   $(call objects,musl,$(wildcard src/sandbox/*.c src/base/*.c))
	@mkdir -p $(@D)
	$(call say,LINK,$@)$(CC.musl) $(CFLAGS.musl) $(our_flags) -static -Wl,--wrap=syscall -o $@ $^

$(B)/sandbox/inject $(B)/sandbox/lacking: $(B)/sandbox/%: tests/sandbox/%.c
	@mkdir -p $(@D)
	$(call say,CC,$@)$(CC) -D_GNU_SOURCE $(WARN) -O1 -o $@ $<

.PHONY: sandbox
sandbox: all $(sandbox_tools) lab-tools test-tools ## what the sandbox forbids, tried in it
	@tools/check.sh sandbox

check check-all: $(sandbox_tools)
