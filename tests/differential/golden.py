"""What mosquitto's clients have since 2.1, which Debian's do not: made from its documentation. Ours
is run alone, under the same names, and held against what is written here. A row is one of rows.py
with what must come of it: standard output, the exit status, and packets that must have been sent,
as fields of wire.py."""
from dataclasses import dataclass, field

from rows import BINARY, Row


@dataclass
class Golden(Row):
    stdout: str = ""
    status: int = 0
    sent: list = field(default_factory=list)
    made: dict = field(default_factory=dict)   # file of the run: a pattern it has


ROWS = []


def row(name, line, **more):
    ROWS.append(Golden(name, line, **more))


def retained(payload):
    return [f"pub -t $T/a -r {payload}"]


# ---- -o, instead of the user's options file -----------------------------------------------------

OPTIONS = {"options": "# comment\n-q 1\n--retain\n\n-i from a file\n"}
CONNECT = {"packet": "CONNECT", "client": "from a file"}

row("-o", "pub -o $DIR/options -t $T/a -m x", files=OPTIONS,
    sent=[CONNECT, {"packet": "PUBLISH", "flags": 3}])
row("-o at the end", "pub -t $T/a -m x -o $DIR/options", files=OPTIONS, sent=[CONNECT])
row("-o is overridden", "pub -t $T/a -m x -q 2 -o $DIR/options", files=OPTIONS,
    sent=[{"packet": "PUBLISH", "flags": 5}])
row("-o instead of the user's", "pub -o $DIR/options -t $T/a -m x",
    files={**OPTIONS, "xdg/mosquitto_pub": "-q 2\n"}, env={"XDG_CONFIG_HOME": "$DIR/xdg"},
    sent=[{"packet": "PUBLISH", "flags": 3}])
row("-o missing", "pub -o $DIR/nothing -t $T/a -m x", status=1)
row("-o without value", "pub -t $T/a -m x -o", status=1)
row("-o sub", "sub -o $DIR/options -t $T/a", files={"options": "-C 1\n-v\n"},
    before=retained("-m kept"), stdout="$T/a kept\n")
row("-o rr", "rr -o $DIR/options -t $T/q -m ping", files={"options": "-e $T/r\n-v\n"},
    before=["respond 5 $T/q"], stdout="$T/r re: ping\n")

# ---- the connection -----------------------------------------------------------------------------

for scheme, port, trust in [("ws", "$WS", ""), ("wss", "$WSS", "--cafile $PKI/ec/root.pem")]:
    row(f"-L {scheme}", f"pub -L {scheme}://localhost:{port}/mqtt -t $T/a -m x -r -q 1 {trust}",
        on="said")
    row(f"sub -L {scheme}", f"sub -L {scheme}://localhost:{port}/mqtt -t $T/a -C 1 {trust}",
        on="said", before=retained("-m kept"), stdout="kept\n")
    row(f"rr -L {scheme}", f"rr -L {scheme}://localhost:{port}/mqtt -t $T/q -e $T/r -m ping "
        f"{trust}", on="said", before=["respond 5 $T/q"], stdout="re: ping\n")
row("--ws", "sub --ws -h localhost -p $WS -t $T/a -C 1", on="said", before=retained("-m kept"),
    stdout="kept\n")
row("--ws --cafile", "sub --ws -h localhost -p $WSS --cafile $PKI/ec/root.pem -t $T/a -C 1",
    on="said", before=retained("-m kept"), stdout="kept\n")
row("--no-tls", "pub -t $T/a -m x --no-tls", sent=[{"packet": "PUBLISH", "payload": "x"}])
row("--tls-keylog", "pub -t $T/a -m x -q 1 --cafile $PKI/ec/root.pem --tls-keylog $DIR/keys",
    on="tls", made={"keys": r"^CLIENT_HANDSHAKE_TRAFFIC_SECRET [0-9a-f]{64} [0-9a-f]{64,96}$"})

# ---- retained messages (5.0 section 3.8.3.1) ----------------------------------------------------

for policy, options in [("always", 0), ("new", 0x10), ("never", 0x20)]:
    row(f"--retain-handling {policy}", f"sub -V 5 -t $T/a --retain-handling {policy} -W 3",
        before=retained("-m kept"), status=27, stdout="" if policy == "never" else "kept\n",
        sent=[{"packet": "SUBSCRIBE", "filters": [["$T/a", options]]}])
row("--retain-handling wrong", "sub -V 5 -t $T/a --retain-handling sometimes", status=1)
row("--retain-handling without value", "sub -V 5 -t $T/a --retain-handling", status=1)
row("rr --retain-handling", "rr -t $T/q -e $T/r -m ping --retain-handling never",
    before=["pub -t $T/r -m old -r", "respond 5 $T/q"], stdout="re: ping\n")

# ---- output -------------------------------------------------------------------------------------

# The payload is a number of 4 or 8 bytes, in the machine's order.
FLOAT, DOUBLE = b"\x00\x00\x48\x41", b"\x00\x00\x00\x00\x00\x00\x29\x40"
for name, format, payload, printed in [
        ("%f", "%f", FLOAT, "12.500000"), ("%.2f", "%.2f", FLOAT, "12.50"),
        ("%.0f", "%.0f", b"\x00\x00\x40\x41", "12"), ("%8.1f", "[%8.1f]", FLOAT, "[    12.5]"),
        ("%08.1f", "[%08.1f]", FLOAT, "[000012.5]"), ("%-8.1f", "[%-8.1f]", FLOAT, "[12.5    ]"),
        ("%d", "%d", DOUBLE, "12.500000"), ("%.3d", "%.3d", DOUBLE, "12.500"),
        ("%10.3d", "[%10.3d]", DOUBLE, "[    12.500]"),
        ("%f negative", "%.1f", b"\x00\x00\x48\xc1", "-12.5")]:
    row(f"-F {name}", f"sub -t $T/a -C 1 -F '{format}'", files={"number": payload},
        before=retained("-f $DIR/number"), stdout=printed + "\n")
row(r"-F \e", r"sub -t $T/a -C 1 -F '\e[1m%p\e[0m'", before=retained("-m kept"),
    stdout="\x1b[1mkept\x1b[0m\n")
row("--message-rate", "sub -t $T/a --message-rate -W 6", status=27,
    then=["pub -t $T/a -m x --repeat 3"], mask=((r"(?s)^.*\b3\b.*$", "THREE"),), stdout="THREE")
row("--watch", "sub -t $T/# -C 2 -v --watch", before=["pub -t $T/a -r -m 1", "pub -t $T/b -r -m 2"],
    mask=((r"(?s)^(?=.*\x1b\[\d)(?=.*\$T/a 1)(?=.*\$T/b 2).*$", "PLACED"),), stdout="PLACED")
row("-w", "sub -t $T/# -C 1 -v -w", before=retained("-m kept"),
    mask=((r"(?s)^.*\x1b\[\d.*\$T/a kept.*$", "PLACED"),), stdout="PLACED")
row("rr --latency", "rr -t $T/q -e $T/r -m ping --latency", before=["respond 5 $T/q"],
    mask=((r"(?s)^.*re: ping.*$", "ANSWER"),), stdout="ANSWER")
row("binary %x", "sub -t $T/a -C 1 -F %x", files=BINARY, before=retained("-f $DIR/binary"),
    stdout="00ff802062696e6172790a1b5b33316d\n")

# ---- what is refused with a word about what to use instead --------------------------------------

for option in ["--tls-engine pkcs11", "--tls-engine-kpass-sha1 00", "--keyform engine"]:
    row(f"{option} is refused", f"pub -t $T/a -m x --cafile $PKI/ec/root.pem {option}", on="tls",
        status=1)
