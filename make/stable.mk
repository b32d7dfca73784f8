# Debian stable's patched wolfSSL 5.7.2, built beside and held against a budget of its own.

stable_make = $(MAKE) --no-print-directory B=build/stable DEPS_DIR=build/deps/stable \
    WOLFSSL_RELEASE=stable

.PHONY: check-stable
check-stable: lab-tools test-tools ## Debian stable's wolfSSL: build, integration tests, budget
	+@$(stable_make) build/stable/thimble
	@THIMBLE=build/stable/thimble $(PYTHON) -m pytest -p no:cacheprovider -q --tb=short \
	    tests/integration
	@$(PYTHON) tools/budget.py --binary build/stable/thimble
