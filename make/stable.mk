# Debian stable's patched wolfSSL 5.7.2, built beside and held against a budget of its own.

stable_make = $(MAKE) --no-print-directory B=build/stable DEPS_DIR=build/deps/stable \
    WOLFSSL_RELEASE=stable

.PHONY: check-stable
check-stable: lab-tools test-tools ## Debian stable's wolfSSL: build, all tests, budget
	+@$(stable_make) build/stable/thimble unit-programs
	@BUILD=build/stable THIMBLE=build/stable/thimble tools/check.sh unit integration
	@$(PYTHON) tools/budget.py --binary build/stable/thimble
