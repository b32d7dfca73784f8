# What memory looks like, measured and drawn.

.PHONY: pictures
pictures: all lab-tools test-tools ## measure, and draw docs/pictures
	@$(PYTHON) tools/pictures.py
