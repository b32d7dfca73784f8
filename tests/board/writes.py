"""What a disk was told, as qemu's blklogwrites wrote it down, and what is left of it when the power
goes: all that was flushed, and of the sectors that came later any, without an order."""
import random
import struct

SECTOR = 512
FLUSH = 1
DISCARD = 4


def told(log):
    """(first sector, bytes, flags) of each write, in order; as far as they were written down."""
    at = SECTOR
    while at + SECTOR <= len(log):
        first, count, flags, _ = struct.unpack_from("<4Q", log, at)
        if not count and not flags:
            return
        length = 0 if flags & DISCARD else count * SECTOR
        yield first, log[at + SECTOR:at + SECTOR + length], flags
        at += SECTOR + length


def split(writes):
    """Those that were flushed, and the others."""
    flushed = max((number for number, (_, _, flags) in enumerate(writes) if flags & FLUSH), default=0)
    return writes[:flushed], [(first, data) for first, data, _ in writes[flushed:] if data]


def sectors(writes):
    for first, data in writes:
        for at in range(0, len(data), SECTOR):
            yield (first + at // SECTOR) * SECTOR, data[at:at + SECTOR]


def survive(log, disk, seed):
    """Written to the disk as it was before: (how many writes were flushed, how many sectors came
    later, how many of these are lost)."""
    choice = random.Random(seed)
    flushed, later = split(list(told(log.read_bytes())))
    later = list(sectors(later))
    kept = [each for each in later if choice.random() < 0.5]
    with open(disk, "r+b") as file:
        for first, data, _ in flushed:
            file.seek(first * SECTOR)
            file.write(data)
        for at, data in kept:
            file.seek(at)
            file.write(data)
    return len(flushed), len(later), len(later) - len(kept)
