# What an auditor would do, done for them: docs/audit.md.

.PHONY: audit
audit: all lab-tools test-tools audit-programs ## valgrind bears witness to every byte of the binary
	@THIMBLE_BUILD=$(B) $(PYTHON) tools/audit.py
.PHONY: soak soak-agent
soak: all lab-tools audit-programs soak-agent
soak: ## 10,000 reconnects, most of which fail, and an hour of an agent with faults
	@$(PYTHON) tools/soak.py
soak-agent: all lab-tools test-tools
soak-agent: ## an hour of an agent with faults: nothing is lost, nothing grows
	@$(PYTHON) tools/soak-agent.py

# Programs of the audit are linked from the objects of the shipped binary, in which single files
# have another one in their place:
#   witness   each block of each pool is a malloc of libc's, and valgrind is told nothing; dynamic,
#             for only there does valgrind see malloc
#   leak, uncounted   one byte that is never returned, one that the books do not know: the controls
#   two       another main(): two connections at once, which no command has
#   soak      another main(): connects again and again, whatever happened
#   creep     the same, and with each attempt a byte stays: its control
audit_pools := mem/pool.c mem/cell.c mem/libc.c
audit_door  := src/cli/% $(B)/gen/src/cli/% src/sandbox/%

# $(call audited,without,with): objects of the binary without these files and with those.
audited = $(call objects,musl,$(filter-out $(1),$(binary_c)) $(addprefix tests/audit/,$(2))) \
          $(call wolfssl_o,musl) $(B)/musl/cjson/cJSON.o $(assembled_o)
witness := $(addprefix witness/,pool.c cell.c blocks.c)

$(B)/audit/witness:     $(call audited,$(audit_pools),$(witness))
$(B)/audit/leak:        $(call audited,mem/payer.c,control/leak.c)
$(B)/audit/uncounted:   $(call audited,mem/payer.c,control/uncounted.c)
$(B)/audit/two:         $(call audited,$(audit_door),two.c)
$(B)/audit/two-witness: $(call audited,$(audit_door) $(audit_pools),two.c $(witness))
$(B)/audit/soak:        $(call audited,$(audit_door),soak.c)
$(B)/audit/creep:       $(call audited,$(audit_door) mem/payer.c,soak.c control/creep.c)

$(B)/audit/witness $(B)/audit/two-witness: audit_dynamic := -no-pie -Wl,--gc-sections
audit_programs := $(addprefix $(B)/audit/,witness leak uncounted two two-witness soak creep)

$(audit_programs):
	@mkdir -p $(@D)
	$(call say,LINK,$@)$(CC.musl) $(CFLAGS.musl) $(CFLAGS) \
	    $(or $(audit_dynamic),$(filter-out $(FRAMES),$(LDFLAGS.musl))) -o $@ $(filter %.o,$^)

$(patsubst %.c,$(B)/musl/%.o,$(wildcard tests/audit/*.c tests/audit/*/*.c)): | $(B)/system

.PHONY: audit-programs
audit-programs: $(audit_programs)
check check-all: audit-programs
