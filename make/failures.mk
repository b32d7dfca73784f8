# Every allocation and every system call failed in turn: tools/failures.py.

failures := $(B)/failures
failures_memory := $(failures)/memory

$(failures_memory): $(B)/native/tests/failures/memory.o $(B)/native/libours.a \
                    $(B)/native/libwolfssl.a
	@mkdir -p $(@D)
	$(call say,LINK,$@)$(CC.native) $(CFLAGS.native) -Wl,--wrap=th_payer_close \
	    -Wl,--wrap=th_payer_give -o $@ $< \
	    -Wl,--start-group $(filter %.a,$^) -Wl,--end-group -lpthread

.PHONY: failures failures-memory
failures: failures-memory ## every allocation and every system call failed in turn
failures-memory: $(failures_memory) lab-tools test-tools ## every allocation
	@$(PYTHON) tools/failures.py memory

check check-all: $(failures_memory)
