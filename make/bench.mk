# What a message costs, beside mosquitto's clients in the same run.

.PHONY: bench
bench: all lab-tools test-tools ## CPU time for each message, beside mosquitto's clients
	@$(PYTHON) tools/bench.py
