"""MQTT packets as bytes, right ones and wrong ones, as a broker sends and reads them."""
from dataclasses import dataclass, field

(CONNECT, CONNACK, PUBLISH, PUBACK, PUBREC, PUBREL, PUBCOMP, SUBSCRIBE, SUBACK, UNSUBSCRIBE,
 UNSUBACK, PINGREQ, PINGRESP, DISCONNECT, AUTH) = range(1, 16)

V4, V5 = 4, 5


def number(value):
    """A variable byte integer (5.0 section 1.5.5)."""
    encoded = bytearray()
    while True:
        value, digit = value >> 7, value & 0x7F
        encoded.append(digit | (0x80 if value else 0))
        if not value:
            return bytes(encoded)


def two(value):
    return value.to_bytes(2, "big")


def text(value):
    value = value.encode() if isinstance(value, str) else value
    return two(len(value)) + value


def packet(kind, body=b"", flags=0):
    return bytes([kind << 4 | flags]) + number(len(body)) + body


def properties(version, raw=b""):
    return number(len(raw)) + raw if version == V5 else b""


def connack(version=V4, code=0, present=0, raw=b""):
    return packet(CONNACK, bytes([present, code]) + properties(version, raw))


def publish(topic, payload=b"", qos=0, packet_id=1, version=V4, dup=0, retain=0, raw=b""):
    identifier = two(packet_id) if qos else b""
    return packet(PUBLISH, text(topic) + identifier + properties(version, raw) + payload,
                  dup << 3 | qos << 1 | retain)


def ack(kind, packet_id, reason=None, flags=None):
    if flags is None:
        flags = 2 if kind == PUBREL else 0
    return packet(kind, two(packet_id) + (b"" if reason is None else bytes([reason])), flags)


def suback(packet_id, codes=b"\0", version=V4, raw=b""):
    return packet(SUBACK, two(packet_id) + properties(version, raw) + codes)


def unsuback(packet_id, codes=b"\0", version=V4):
    rest = properties(version) + codes if version == V5 else b""
    return packet(UNSUBACK, two(packet_id) + rest)


PINGRESP_BYTES = packet(PINGRESP)


# ---- what a client sends ------------------------------------------------------------------------

class Cursor:
    def __init__(self, data):
        self.data = data

    def take(self, count):
        if count > len(self.data):
            raise ValueError("the packet is cut off")
        taken, self.data = self.data[:count], self.data[count:]
        return taken

    def byte(self):
        return self.take(1)[0]

    def two(self):
        return int.from_bytes(self.take(2), "big")

    def number(self):
        value, shift, digit = 0, 0, 0x80
        while digit & 0x80:
            digit = self.byte()
            value |= (digit & 0x7F) << shift
            shift += 7
        return value

    def text(self):
        return self.take(self.two())

    def properties(self, version):
        return self.take(self.number()) if version == V5 else b""


@dataclass
class Packet:
    """One packet of the client, read strictly."""
    kind: int
    flags: int
    body: bytes
    version: int = V4
    packet_id: int = 0
    topic: bytes = b""
    payload: bytes = b""
    raw: bytes = b""                                # properties
    filters: list = field(default_factory=list)     # of SUBSCRIBE: (filter, options)
    connect: dict = field(default_factory=dict)

    def __post_init__(self):
        read = {CONNECT: self._connect, PUBLISH: self._publish, SUBSCRIBE: self._subscribe,
                UNSUBSCRIBE: self._subscribe}.get(self.kind)
        cursor = Cursor(self.body)
        if read:
            read(cursor)
        elif self.kind in (PUBACK, PUBREC, PUBREL, PUBCOMP):
            self.packet_id = cursor.two()

    @property
    def qos(self):
        return self.flags >> 1 & 3

    @property
    def dup(self):
        return self.flags >> 3 & 1

    @property
    def retain(self):
        return self.flags & 1

    @property
    def reason(self):
        """Of an acknowledgement or DISCONNECT."""
        at = 0 if self.kind == DISCONNECT else 2
        return self.body[at] if len(self.body) > at else 0

    def _publish(self, cursor):
        self.topic = cursor.text()
        self.packet_id = cursor.two() if self.qos else 0
        self.raw = cursor.properties(self.version)
        self.payload = cursor.data

    def _subscribe(self, cursor):
        self.packet_id = cursor.two()
        self.raw = cursor.properties(self.version)
        while cursor.data:
            name = cursor.text()
            self.filters.append((name, cursor.byte() if self.kind == SUBSCRIBE else 0))

    def _connect(self, cursor):
        assert cursor.text() == b"MQTT"
        self.version = cursor.byte()
        flags = cursor.byte()
        self.connect = {"clean": flags >> 1 & 1, "keep_alive_s": cursor.two()}
        self.raw = cursor.properties(self.version)
        self.connect["id"] = cursor.text()
        if flags & 4:
            will_raw = cursor.properties(self.version)
            self.connect["will"] = {"topic": cursor.text(), "payload": cursor.text(),
                                    "qos": flags >> 3 & 3, "retain": flags >> 5 & 1,
                                    "raw": will_raw}
        self.connect["username"] = cursor.text() if flags & 0x80 else None
        self.connect["password"] = cursor.text() if flags & 0x40 else None
        assert not cursor.data
