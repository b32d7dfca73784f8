# How deep the stack can become, computed from the binary, beside how deep it was.

.PHONY: stack
stack: $(B)/thimble lab-tools test-tools ## the stack's bound, computed from the binary
	@$(PYTHON) tools/stack.py --build $(B)
