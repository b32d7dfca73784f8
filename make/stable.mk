# Debian stable's patched wolfSSL 5.7.2, built beside and held against a budget of its own.

stable_make = $(MAKE) --no-print-directory B=build/stable DEPS_DIR=build/deps/stable \
    WOLFSSL_RELEASE=stable
stable_not_here = $(shell sed -n '/^[a-z0-9_]*\/.*::/s/.*::\(.*\)/\1,/p' tests/stable/not-here)

# It would take up no session of TLS 1.3 whose ticket is longer than a pre-shared key's identity may
# be; those of OpenSSL are, with a client certificate in them. Later ones do.
ifeq ($(WOLFSSL_RELEASE),stable)
also.tls = @grep -q 'sess->ticketLen > MAX_PSK_ID_LEN' $< || \
    { echo 'ticketLen not found in $<' >&2; exit 1; }; \
    sed -i 's/sess->ticketLen > MAX_PSK_ID_LEN/sess->ticketLen > WOLFSSL_MAX_16BIT/' $@

# Its cmocka.h leaves out what $NOT_HERE names.
$(B)/native/tests/unit/%.o: private our_flags += -isystem tests/cross
endif

.PHONY: check-stable
check-stable: lab-tools test-tools ## Debian stable's wolfSSL: build, all tests, budget
	+@$(stable_make) build/stable/thimble build/stable/libthimble.a unit-programs
	@sed -n 's/^because: /  NOT RUN /p' tests/stable/not-here
	@awk 'sub(/^because: /, "") { why = $$0 } /^test_/ { print $$1 "\t" why }' \
	    tests/stable/not-here >build/stable/not-here
	@BUILD=build/stable THIMBLE=build/stable/thimble NOT_HERE='$(stable_not_here)' \
	    THIMBLE_NOT_HERE=build/stable/not-here tools/check.sh unit integration
	@$(PYTHON) tools/budget.py --binary build/stable/thimble
