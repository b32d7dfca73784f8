# The power cut at every write, sync, rename and removal of the queue on disk, whole.

.PHONY: power-cuts
power-cuts: $(B)/unit/spool/test_power_cut ## power cuts of the queue on disk: 94,676 images
	@THIMBLE_CHECK=all $<
