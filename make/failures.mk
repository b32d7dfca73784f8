# Every allocation and every system call failed in turn: tools/failures.py.

failures        := $(B)/failures
failures_memory := $(failures)/memory
failures_inject := $(failures)/inject

# $(call failures_driver,FLAVOUR,PROGRAM)
define failures_driver
$(2): $(B)/$(1)/tests/failures/memory.o $(B)/$(1)/libours.a $(B)/$(1)/libwolfssl.a
	@mkdir -p $$(@D)
	$$(call say,LINK,$$@)$$(CC.$(1)) $$(CFLAGS.$(1)) -Wl,--wrap=th_payer_close \
	    -Wl,--wrap=th_payer_give -o $$@ $$< \
	    -Wl,--start-group $$(filter %.a,$$^) -Wl,--end-group -lpthread
endef
$(eval $(call failures_driver,native,$(failures_memory)))

# wolfSSL with its large variables in the heap: thousands of allocations for each connection.
CC.thrifty     = $(CC)
CFLAGS.thrifty = $(CFLAGS.native) -DWOLFSSL_SMALL_STACK -DTH_TLS_HEAP_BYTES=131072 \
                 -DTH_SHARED_HEAP_BYTES=65536
THEIRS.thrifty = $(THEIRS.native)
$(eval $(call flavour,thrifty))

$(B)/thrifty/libours.a: $(call objects,thrifty,$(testable_c)) $(B)/thrifty/cjson/cJSON.o
	$(call say,AR,$@)rm -f $@; $(AR) rcs $@ $^

$(B)/thrifty/libwolfssl.a: $(call wolfssl_o,thrifty)
	$(call say,AR,$@)rm -f $@; $(AR) rcs $@ $^

$(eval $(call failures_driver,thrifty,$(failures)/memory-thrifty))

$(failures_inject): tests/failures/inject.c tests/traced.h tests/failures/calls.inc
	@mkdir -p $(@D)
	$(call say,CC,$@)$(CC) -std=c11 -D_GNU_SOURCE $(WARN) -O1 -Itests -Itests/failures -o $@ $<

.PHONY: failures failures-memory failures-calls failures-small-stack
failures: failures-memory failures-calls failures-small-stack
failures: ## every allocation and every system call failed in turn
failures-memory: $(failures_memory) lab-tools test-tools ## every allocation
	@$(PYTHON) tools/failures.py memory
failures-small-stack: $(failures)/memory-thrifty lab-tools test-tools ## a sample, small stack
	@$(PYTHON) tools/failures.py small-stack
failures-calls: $(failures_inject) all lab-tools test-tools ## every system call
	@$(PYTHON) tools/failures.py calls

check check-all: $(failures_memory) $(failures_inject)
