"""What each function of a linked x86-64 image does to the stack, read from its instructions.

Image(path).functions() gives for each function how deep it goes below its return address, and each
call it makes: where, how deep the stack is there, and whom. Whatever this cannot follow is trouble,
never a guess: an unknown way to set the stack pointer, two ways to one place with different depths,
a way that leaves the code.
"""
import bisect
import pathlib
import re
import struct
import subprocess

WORD_BYTES = 8


class Trouble(Exception):
    """The image holds something this does not understand."""


class Call:
    """`depth` bytes lie between the caller's return address and the callee's, both excluded."""

    def __init__(self, address, depth, target, text, jumps):
        self.address = address
        self.depth = depth
        self.target = target  # None: through a pointer
        self.text = text
        self.jumps = jumps    # takes the place of the caller, whose return address serves
        self.lines = []       # (function, file, line), the innermost inlined one first

    @property
    def cost_bytes(self):
        return self.depth + (0 if self.jumps else WORD_BYTES)


class Function:
    def __init__(self, entry, symbol):
        self.entry = entry
        self.symbol = symbol
        self.frame_bytes = 0  # the deepest the stack pointer goes
        self.own_bytes = 0    # ... return addresses of calls and the red zone included
        self.calls = []
        self.file = ""
        self.dynamic = {}     # instructions that take an amount of stack from a register: in which
                              # function the array stands, which may be an inlined one
        self.aligning_bytes = 0  # what rounding the stack pointer down takes at most
        self.returns = False

    @property
    def name(self):
        return stem(self.symbol)


def stem(symbol):
    """Link-time optimization numbers its clones: "take.lto_priv.3" is "take"."""
    return re.sub(r"\.(lto_priv|constprop|isra|part|cold|localalias)\b.*", "", symbol)


# ---- the file --------------------------------------------------------------------------------

class Elf:
    """Little-endian ELF64, as far as it is needed."""

    def __init__(self, path):
        self.path = pathlib.Path(path)
        self.data = self.path.read_bytes()
        if self.data[:6] != b"\x7fELF\x02\x01" or self._at("<H", 18)[0] != 62:
            raise Trouble(f"{path}: not an x86-64 image")
        self.sections = list(self._sections())
        self.symbols = list(self._symbols())

    def _at(self, layout, offset):
        return struct.unpack_from(layout, self.data, offset)

    def _text(self, offset):
        return self.data[offset:self.data.index(b"\0", offset)].decode()

    def _sections(self):
        start, = self._at("<Q", 40)
        size, count, names = self._at("<HHH", 58)
        headers = [self._at("<IIQQQQIIQQ", start + size * i) for i in range(count)]
        for name, kind, flags, address, offset, length, link, _, _, _ in headers:
            yield {"name": self._text(headers[names][4] + name), "kind": kind, "flags": flags,
                   "address": address, "offset": offset, "bytes": length, "link": link}

    def _symbols(self):
        for table in (each for each in self.sections if each["kind"] in (2, 11)):
            names = self.sections[table["link"]]["offset"]
            for at in range(table["offset"], table["offset"] + table["bytes"], 24):
                name, info, _, where, value, size = self._at("<IBBHQQ", at)
                if where and name:
                    yield self._text(names + name), info, value, size

    def named(self, kinds):
        return [(name, value, size) for name, info, value, size in self.symbols if info in kinds]

    def constant_at(self, address):
        """The words of the constant that `address` lies in, if the program may not write there."""
        for _, value, size in self.named((0x01, 0x11)):
            if value <= address < value + size:
                offset = self._offset(value)
                return [self._at("<Q", offset + i)[0] for i in range(0, size - 7, WORD_BYTES)]
        return []

    def words_at(self, address, low, high):
        """The words there, up to the first that is none from `low` to below `high`."""
        found, offset = [], self._offset(address)
        while low <= (word := self._at("<Q", offset)[0]) < high:
            found.append(word)
            offset += WORD_BYTES
        return found

    def _offset(self, address):
        for each in self.sections:
            if (each["flags"] & 3 == 2 and each["kind"] != 8 and
                    each["address"] <= address < each["address"] + each["bytes"]):
                return address - each["address"] + each["offset"]
        raise Trouble(f"{address:#x} is no constant")

    def loaded(self):
        """What the kernel maps: (address, bytes in memory, content)."""
        start, = self._at("<Q", 32)
        size, count = self._at("<HH", 54)
        for i in range(count):
            kind, _, offset, address, _, length, memory, _ = self._at("<IIQQQQQQ", start + size * i)
            if kind == 1:
                yield address, memory, self.data[offset:offset + length]

    def words(self):
        """Each aligned word of initialized memory that is not code alone."""
        for each in self.sections:
            if each["flags"] & 2 and each["kind"] != 8 and each["name"] != ".text":
                first = each["offset"] + -each["address"] % WORD_BYTES
                for at in range(first, each["offset"] + each["bytes"] - WORD_BYTES + 1, WORD_BYTES):
                    yield self._at("<Q", at)[0]


def same_program(shipped, analysed):
    """Headers differ, because one of them knows sections; what is mapped behind them may not."""
    def content(path):
        elf = Elf(path)
        first = min(address + len(data) for address, _, data in elf.loaded())
        headers = struct.unpack_from("<Q", elf.data, 32)[0] + 56 * elf._at("<H", 56)[0]
        assert first > headers
        return [(address, memory, data[headers:] if i == 0 else data)
                for i, (address, memory, data) in enumerate(sorted(elf.loaded()))]
    return content(shipped) == content(analysed)


# ---- instructions ----------------------------------------------------------------------------

CODE_SYMBOLS = (0x02, 0x12, 0x22, 0x10, 0x20)  # functions; labels that other files may call
LINE = re.compile(r"^ *([0-9a-f]+):\t(.*?)\s*(?:# ([0-9a-f]+)(?: <.*>)?)?$")
TABLE = re.compile(r"\*(0x[0-9a-f]+)\((?:%\w+)?(?:,%\w+,[1248])?\)$")
PLACE = re.compile(r"^(?:\*?)([0-9a-f]+)(?: <[^>]*>)?$")
PREFIXES = {"bnd", "notrack", "rep", "repz", "repnz", "lock", "cs", "data16", "ds", "es", "fs",
            "gs", "ss", "rex.W"}
KEPT = ("rbp", "rbx", "r12", "r13", "r14", "r15")  # what a callee preserves
ALIASES = {name: wide for wide in KEPT for name in (
    (wide, wide + "d", wide + "w", wide + "b") if wide[1].isdigit() else
    (wide, "e" + wide[1:], wide[1:], wide[1] + "l", wide[1] + "h"))}
SAVED = re.compile(r"-?0x[0-9a-f]+\(%rbp\)$")  # a word of the frame, where the compiler keeps it
SILENT = {"cmp", "test", "nop", "bt", "ucomisd", "comisd", "endbr64", "mfence"}
TWO_RESULTS = ("xchg", "cmpxchg", "xadd", "mulx")


class Instruction:
    __slots__ = ("address", "name", "operands", "place", "next", "text")

    def __init__(self, address, text, place):
        words = text.split(None, 1)
        while words[0] in PREFIXES and len(words) > 1:
            words = words[1].split(None, 1)
        self.address = address
        self.name = words[0]
        self.operands = split(words[1]) if len(words) > 1 else []
        self.place = place
        self.text = text
        self.next = None


def split(operands):
    """At commas outside of parentheses."""
    return [part.strip() for part in re.split(r",(?![^(]*\))", operands)]


def number(text):
    value = int(text.lstrip("$"), 16) if "0x" in text else int(text.lstrip("$"))
    return value - (1 << 64) if value >= 1 << 63 else value


def disassemble(path, sections=()):
    chosen = [word for each in sections for word in ("-j", each)]
    done = subprocess.run(["objdump", "-d", "--no-show-raw-insn", *chosen, path], text=True,
                          check=True, stdout=subprocess.PIPE)
    code, last = {}, None
    for line in done.stdout.splitlines():
        match = LINE.match(line)
        if not match or not match[2]:
            continue
        address = int(match[1], 16)
        here = Instruction(address, match[2], int(match[3], 16) if match[3] else None)
        if last:
            last.next = address
        code[address] = last = here
    return code


# ---- how a function moves the stack pointer ----------------------------------------------------

class Walk:
    """All ways through one function. A state is the depth below the return address, and what is
    known of registers that hold an address of the stack."""

    def __init__(self, image, entry):
        self.image = image
        self.function = Function(entry, image.symbol_of(entry))
        self.seen = {}
        self.todo = [(entry, 0, {})]

    def run(self):
        while self.todo:
            self.step(*self.todo.pop())
        return self.function

    def trouble(self, here, what):
        return Trouble(f"{self.function.symbol}+{here - self.function.entry:#x}: {what}")

    def step(self, address, depth, known):
        if address in self.seen:
            return self.meet(address, depth, known)
        here = self.image.code.get(address)
        if here is None or here.name == "(bad)":
            raise self.trouble(address, "a way that leaves the code")
        self.seen[address] = depth, known
        self.reach(here, depth)
        if not self.leave(here, depth, known):
            self.todo.append((here.next, *self.after(here, depth, dict(known))))

    def meet(self, address, depth, known):
        """Two ways to one place: the depth must agree; of the registers, what both know stays."""
        before, registers = self.seen[address]
        if before != depth:
            raise self.trouble(address, f"reached with {before} and with {depth} bytes of stack")
        common = {name: at for name, at in registers.items() if known.get(name) == at}
        if len(common) < len(registers):
            del self.seen[address]
            self.todo.append((address, depth, common))

    def reach(self, here, depth):
        """Below the stack pointer lies the red zone, which a signal spares."""
        deepest = depth
        for operand in here.operands:
            match = re.match(r"-(0x[0-9a-f]+)\(%rsp", operand)
            if match and here.name != "lea":
                deepest = max(deepest, depth + int(match[1], 16))
        self.function.frame_bytes = max(self.function.frame_bytes, depth)
        self.function.own_bytes = max(self.function.own_bytes, deepest)

    def leave(self, here, depth, known):
        """Follows what does not go on behind `here`, and says so."""
        name = here.name
        if name == "call":
            return self.call(here, depth, known)
        if name == "ret":
            if depth:
                raise self.trouble(here.address, f"returns with {depth} bytes of stack")
            self.function.returns = True
            return True
        if name in ("hlt", "ud2"):
            return True
        if name[0] == "j":
            return self.jump(here, depth, known)
        return False

    def call(self, here, depth, known):
        self.add_call(here, depth, False)
        target = self.place_of(here)
        return bool(target) and not self.image.returns(target)

    def add_call(self, here, depth, jumps):
        target = self.place_of(here)
        if target == 0:  # a weak name that nobody defines: tested before, and fatal if not
            return
        if target is not None and not self.image.begins(target):
            raise self.trouble(here.address, f"{here.text}: no function begins there")
        if not any(each.address == here.address for each in self.function.calls):
            self.function.calls.append(Call(here.address, depth, target, here.text, jumps))
        if not jumps:
            self.function.own_bytes = max(self.function.own_bytes, depth + WORD_BYTES)

    def place_of(self, here):
        match = PLACE.match(here.operands[0])
        return int(match[1], 16) if match and not here.operands[0].startswith("*") else None

    def jump(self, here, depth, known):
        target, always = self.place_of(here), here.name == "jmp"
        if target is None:
            places = self.image.table_at(here, self.function.entry)
            if places:
                self.todo += [(place, depth, dict(known)) for place in places]
            else:
                self.add_call(here, depth, True)
                self.function.returns = True
        elif target in self.image.entries and target != self.function.entry:
            self.add_call(here, depth, True)
            self.function.returns |= self.image.returns(target)
        else:
            self.todo.append((target, depth, dict(known)))
        return always

    # What an instruction makes of the state.

    def after(self, here, depth, known):
        name, operands = here.name, here.operands
        last = operands[-1] if operands else ""
        if name.startswith("push"):
            return depth + WORD_BYTES, known
        if name == "leave":
            return self.known_place(here, known, "rbp") - WORD_BYTES, drop(known, "rbp")
        if name.startswith("pop") and name != "popcnt":
            if last in ("%rsp", "%esp"):
                raise self.trouble(here.address, here.text)
            return depth - WORD_BYTES, drop(known, last.lstrip("%"))
        if last in ("%rsp", "%esp", "%sp", "%spl") and name not in SILENT:
            return self.set_pointer(here, depth, known), known
        return depth, self.set_register(here, depth, known)

    def known_place(self, here, known, register):
        if register not in known:
            raise self.trouble(here.address, f"{here.text}: what {register} holds is not known")
        return known[register]

    def set_pointer(self, here, depth, known):
        source = here.operands[0]
        if here.name in ("sub", "add") and source.startswith("$"):
            return depth + number(source) * (1 if here.name == "sub" else -1)
        if here.name == "mov":
            return self.known_place(here, known, source.lstrip("%"))
        match = re.match(r"(-?0x[0-9a-f]+|0)?\(%(\w+)\)$", source)
        if here.name == "lea" and match:
            base = depth if match[2] == "rsp" else self.known_place(here, known, match[2])
            return base - number(match[1] or "0")
        if here.name == "and" and source.startswith("$"):
            self.function.aligning_bytes = -number(source) - 1
            return depth + self.function.aligning_bytes
        if here.name == "sub" and source.startswith("%"):
            return self.take(here, depth)
        raise self.trouble(here.address, f"{here.text}: an unknown way to set the stack pointer")

    def take(self, here, depth):
        """An array whose length is known only when the program runs."""
        if here.address not in self.function.dynamic:
            (lines,) = self.image.lines_of([here.address], str)
            self.function.dynamic[here.address] = lines[0][0]
        return depth + self.image.dynamic_bytes.get(self.function.dynamic[here.address], 0)

    def set_register(self, here, depth, known):
        operands = here.operands
        if here.name in SILENT or not operands:
            return drop(known, "rbx") if here.name == "cpuid" else known
        written = operands if here.name.startswith(TWO_RESULTS) else operands[-1:]
        for operand in written:
            drop(known, operand.lstrip("%"))
        target = ALIASES.get(operands[-1].lstrip("%"))
        if here.name == "mov" and operands[0] == "%rsp" and (target or SAVED.match(operands[-1])):
            known[target or operands[-1]] = depth
        return known


def drop(known, register):
    """Forgets what `register` holds, or a word of the frame, and what was found by way of it."""
    register = ALIASES.get(register, register)
    for name in [name for name in known if name == register or f"(%{register})" in name]:
        del known[name]
    return known


# ---- the image -------------------------------------------------------------------------------

class Image:
    """`dynamic_bytes`: how much stack a named function takes at most at a time, where it takes an
    amount that only the running program knows. `nameless`: local functions have no symbols."""

    def __init__(self, path, dynamic_bytes=(), nameless=False):
        self.elf = Elf(path)
        self.code = disassemble(path)
        self.dynamic_bytes = dict(dynamic_bytes)
        self.nameless = nameless
        self.symbols = {}
        for name, value, size in self.elf.named(CODE_SYMBOLS):
            if ".cold" not in name:
                self.symbols.setdefault(value, []).append((name, size))
        self.entries = {value for value in self.symbols if value in self.code}
        self.sorted_entries = sorted(self.entries)
        self.functions = {}
        self.walking = set()

    def begins(self, address):
        """Assembler calls labels of its own; they become functions by that."""
        if address not in self.entries and address in self.code:
            names = [(f"{address:x}", 0)] if self.nameless else [
                (name, size) for name, value, size in self.elf.named((0x00,)) if value == address]
            if names:
                self.symbols[address] = names
                self.entries.add(address)
        return address in self.entries

    def symbol_of(self, entry):
        """Of several names, the shortest public one: libc's weak names begin without underlines."""
        return min((name for name, _ in self.symbols[entry]), key=lambda name: (name[0] == "_",
                                                                                len(name), name))

    def names_of(self, entry):
        return {stem(name) for name, _ in self.symbols[entry]}

    def function(self, entry):
        if entry not in self.functions:
            self.walking.add(entry)
            found = Walk(self, entry).run()
            self.walking.discard(entry)
            self.functions[entry] = found
        return self.functions[entry]

    def returns(self, entry):
        """A function that is being walked calls itself, in the end: it returns."""
        return entry in self.walking or self.function(entry).returns

    def end_of(self, entry):
        at = bisect.bisect_right(self.sorted_entries, entry)
        return self.sorted_entries[at] if at < len(self.sorted_entries) else 1 << 64

    def table_at(self, here, entry):
        """Where a jump through a table may go within its own function."""
        match = TABLE.match(here.operands[0])
        return self.elf.words_at(int(match[1], 16), entry, self.end_of(entry)) if match else []

    def constant_targets(self, call):
        """Functions that a call through a constant table may reach: the table says so itself."""
        match = TABLE.match(call.text.split()[-1])
        words = self.elf.constant_at(int(match[1], 16)) if match else []
        return [word for word in words if word in self.entries]

    def deepest(self, entry):
        """Of code without calls through pointers and without cycles."""
        function = self.function(entry)
        return max([function.own_bytes, *(call.cost_bytes + self.deepest(call.target)
                                          for call in function.calls)])

    def taken(self):
        """Functions whose address is somewhere: in an instruction, or in a word of memory."""
        found = {word for word in self.elf.words() if word in self.entries}
        for here in self.code.values():
            if here.place in self.entries and here.name in ("lea", "mov"):
                found.add(here.place)
            for operand in here.operands:
                if operand.startswith("$0x") and int(operand[1:], 16) in self.entries:
                    found.add(int(operand[1:], 16))
        return found

    def name_lines(self, name_of):
        """Gives each call the source lines it comes from, and each function its file, as
        `name_of(path)` calls it."""
        calls = [call for function in self.functions.values() for call in function.calls
                 if not call.lines]
        for call, lines in zip(calls, self.lines_of([call.address for call in calls], name_of)):
            call.lines = lines
        entries = [entry for entry, function in self.functions.items() if not function.file]
        for entry, lines in zip(entries, self.lines_of(entries, name_of)):
            self.functions[entry].file = lines[-1][1]

    def lines_of(self, addresses, name_of):
        """(function, file, line) of each, the innermost inlined function first."""
        done = subprocess.run(["addr2line", "-a", "-f", "-i", "-e", self.elf.path], text=True,
                              check=True, input="".join(f"{each:x}\n" for each in addresses),
                              stdout=subprocess.PIPE)
        for block in re.split(r"^0x[0-9a-f]+\n", done.stdout, flags=re.M)[1:]:
            lines = block.splitlines()
            yield [(stem(name), *place_of(place, name_of))
                   for name, place in zip(lines[::2], lines[1::2])]


def place_of(place, name_of):
    file, _, line = place.partition(" ")[0].rpartition(":")
    return name_of(file), int(line) if line.isdigit() else 0
