# Many connections in one process: the profile hub, and a program that opens them.

# Unit tests that do not lean on default's sizes, nor on threads that share a context.
hub_units := $(addprefix $(B)/unit/,$(addprefix mem/test_,cell ledger lease pool slab stack wolf) \
             $(addprefix client/test_, \
             deadlines errors outbound pieces redial routes scram sweep tls))

# Measures the library as it is, without a sanitizer.
$(B)/many: tests/hub/many.c $(B)/libthimble.a
	$(call say,CC,$<)$(CC) -std=c11 -D_GNU_SOURCE $(WARN) -Os -Iinclude -o $@ $< $(B)/libthimble.a

$(B)/test_annex: $(call objects,native,tests/hub/test_annex.c $(addprefix mem/,payer.c pool.c \
    cell.c ledger.c lease.c slab.c pages.c purpose.c failing.c))
	$(call say,LINK,$@)$(CC.native) $(CFLAGS.native) -o $@ $^ -lcmocka

flags.tests/hub/test_leases = -Itests/unit/client
$(B)/test_leases: $(B)/native/tests/hub/test_leases.o $(B)/native/libours.a $(B)/native/libwolfssl.a
	$(call say,LINK,$@)$(CC.native) $(CFLAGS.native) -o $@ $< \
	    -Wl,--start-group $(filter %.a,$^) -Wl,--end-group -lcmocka -lpthread

.PHONY: hub hub-programs hub-units
hub: hub-programs hub-units profile-hub lab-tools test-tools
hub: ## 1 to 1,000 connections in one process
	@THIMBLE_CHECK=all tools/check.sh hub
# For comparison the same program with the library as it is otherwise.
hub-programs: $(B)/many lab-tools test-tools
	@$(MAKE) --no-print-directory PROFILE=hub build/hub/many build/hub/test_annex
hub-units: hub-programs
	@$(MAKE) --no-print-directory PROFILE=hub build-hub-units

.PHONY: build-hub-units
build-hub-units: $(hub_units) $(B)/test_leases
	@printf '%s\n' $^ >$(B)/units
