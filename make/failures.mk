# Every allocation and every system call failed in turn: tools/failures.py.

failures        := $(B)/failures
failures_memory := $(failures)/memory
failures_inject := $(failures)/inject

$(failures_memory): $(B)/native/tests/failures/memory.o $(B)/native/libours.a \
                    $(B)/native/libwolfssl.a
	@mkdir -p $(@D)
	$(call say,LINK,$@)$(CC.native) $(CFLAGS.native) -Wl,--wrap=th_payer_close \
	    -Wl,--wrap=th_payer_give -o $@ $< \
	    -Wl,--start-group $(filter %.a,$^) -Wl,--end-group -lpthread

$(failures_inject): tests/failures/inject.c tests/failures/calls.inc
	@mkdir -p $(@D)
	$(call say,CC,$@)$(CC) -std=c11 -D_GNU_SOURCE $(WARN) -O1 -Itests/failures -o $@ $<

.PHONY: failures failures-memory failures-calls
failures: failures-memory failures-calls ## every allocation and every system call failed in turn
failures-memory: $(failures_memory) lab-tools test-tools ## every allocation
	@$(PYTHON) tools/failures.py memory
failures-calls: $(failures_inject) all lab-tools test-tools ## every system call
	@$(PYTHON) tools/failures.py calls

check check-all: $(failures_memory) $(failures_inject)
