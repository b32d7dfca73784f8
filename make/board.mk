# A whole Debian on a board of qemu's, with systemd as its first process, runs the package and its
# unit: tests/board. Its processor is emulated; BOARD_ACCEL=kvm has the real one. As root, for the
# owners of the files in a root file system.

board := $(B)/board

$(board)/disk.img: tools/board.sh $(wildcard tests/board/guest/*) | board-tools
	@tools/board.sh $(@D)

.PHONY: board board-tools
board: $(board)/disk.img all lab-tools test-tools ## systemd starts the agent; its power is cut
	@THIMBLE_BOARD=$(board) tools/check.sh board

board-tools: build-tools
	@tools/deps.sh tools board
