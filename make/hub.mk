# Many connections in one process: the profile hub, and a program that opens them.

hub_units := $(filter $(B)/unit/mem/% $(B)/unit/client/%,$(unit_programs))

# Measures the library as it is, without a sanitizer.
$(B)/many: tests/hub/many.c $(B)/libthimble.a
	$(call say,CC,$<)$(CC) -std=c11 -D_GNU_SOURCE $(WARN) -Os -Iinclude -o $@ $< $(B)/libthimble.a

$(B)/test_annex: $(call objects,native,tests/hub/test_annex.c $(addprefix mem/,payer.c pool.c \
    cell.c ledger.c lease.c slab.c pages.c purpose.c failing.c))
	$(call say,LINK,$@)$(CC.native) $(CFLAGS.native) -o $@ $^ -lcmocka

.PHONY: hub hub-programs hub-units
hub: hub-programs hub-units lab-tools test-tools ## 1 to 1,000 connections in one process
	@THIMBLE_CHECK=all tools/check.sh hub
# For comparison the same program with the library as it is otherwise.
hub-programs: $(B)/many lab-tools test-tools
	@$(MAKE) --no-print-directory PROFILE=hub build/hub/many build/hub/test_annex
hub-units: hub-programs
	@$(MAKE) --no-print-directory PROFILE=hub build-hub-units

.PHONY: build-hub-units
build-hub-units: $(hub_units)
