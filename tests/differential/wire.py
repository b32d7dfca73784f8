"""What went over the wire, as fields: MQTT 3.1, 3.1.1 and 5.0, both directions, read strictly."""
from packets import Cursor as Octets

NAMES = ["RESERVED", "CONNECT", "CONNACK", "PUBLISH", "PUBACK", "PUBREC", "PUBREL", "PUBCOMP",
         "SUBSCRIBE", "SUBACK", "UNSUBSCRIBE", "UNSUBACK", "PINGREQ", "PINGRESP", "DISCONNECT",
         "AUTH"]

# Identifier: name and type (5.0 section 2.2.2.2).
PROPERTIES = {
    1: ("payload-format-indicator", "byte"), 2: ("message-expiry-interval", "four"),
    3: ("content-type", "text"), 8: ("response-topic", "text"), 9: ("correlation-data", "text"),
    11: ("subscription-identifier", "number"), 17: ("session-expiry-interval", "four"),
    18: ("assigned-client-identifier", "text"), 19: ("server-keep-alive", "two"),
    21: ("authentication-method", "text"), 22: ("authentication-data", "text"),
    23: ("request-problem-information", "byte"), 24: ("will-delay-interval", "four"),
    25: ("request-response-information", "byte"), 26: ("response-information", "text"),
    28: ("server-reference", "text"), 31: ("reason-string", "text"), 33: ("receive-maximum", "two"),
    34: ("topic-alias-maximum", "two"), 35: ("topic-alias", "two"), 36: ("maximum-qos", "byte"),
    37: ("retain-available", "byte"), 38: ("user-property", "pair"),
    39: ("maximum-packet-size", "four"), 40: ("wildcard-subscription-available", "byte"),
    41: ("subscription-identifier-available", "byte"),
    42: ("shared-subscription-available", "byte"),
}


class Cursor(Octets):
    def four(self):
        return int.from_bytes(self.take(4), "big")

    def text(self):
        return self.take(self.two()).decode("latin-1")

    def pair(self):
        return (self.text(), self.text())

    def properties(self):
        """In an order of their own: the standard gives them none, but for user properties."""
        inner = Cursor(self.take(self.number()))
        found = []
        while inner.data:
            name, kind = PROPERTIES[inner.byte()]
            found.append((name, getattr(inner, kind)()))
        return sorted(found, key=lambda each: each[0])


def packets(data):
    """Cuts a stream into (first byte, body); what is left over at the end is one of kind 0."""
    while data:
        try:
            cursor = Cursor(data)
            first = cursor.byte()
            body = cursor.take(cursor.number())
        except ValueError:
            yield 0, data
            return
        yield first, body
        data = cursor.data


class Reader:
    """One direction of a connection. The version is known from CONNECT on."""

    def __init__(self, version=4):
        self.version = version

    def read(self, data):
        return [self.fields(first, body) for first, body in packets(data)]

    def fields(self, first, body):
        name = NAMES[first >> 4]
        read = getattr(self, name.lower(), None)
        fields = {"packet": name, "flags": first & 15}
        cursor = Cursor(body)
        if read:
            fields.update(read(cursor, first & 15))
        if cursor.data:
            fields["rest"] = cursor.data.hex()
        return fields

    def _properties(self, cursor):
        return {"properties": cursor.properties()} if self.version == 5 else {}

    def connect(self, cursor, _):
        fields = {"protocol": cursor.text(), "level": cursor.byte(), "connect-flags": cursor.byte(),
                  "keepalive": cursor.two()}
        self.version = fields["level"] & 0x7F
        fields.update(self._properties(cursor))
        fields["client"] = cursor.text()
        flags = fields["connect-flags"]
        if flags & 4:
            if self.version == 5:
                fields["will-properties"] = cursor.properties()
            fields["will-topic"], fields["will-payload"] = cursor.text(), cursor.text()
        if flags & 0x80:
            fields["username"] = cursor.text()
        if flags & 0x40:
            fields["password"] = cursor.text()
        return fields

    def connack(self, cursor, _):
        fields = {"session": cursor.byte(), "code": cursor.byte()}
        return {**fields, **self._properties(cursor)}

    def publish(self, cursor, flags):
        fields = {"topic": cursor.text()}
        if flags & 6:
            fields["id"] = cursor.two()
        fields.update(self._properties(cursor))
        fields["payload"] = cursor.take(len(cursor.data)).decode("latin-1")
        return fields

    def acknowledgement(self, cursor, _):
        fields = {"id": cursor.two()}
        if cursor.data:
            fields["reason"] = cursor.byte()
        if cursor.data:
            fields.update(self._properties(cursor))
        return fields

    puback = pubrec = pubrel = pubcomp = acknowledgement

    def subscribe(self, cursor, _):
        fields = {"id": cursor.two(), **self._properties(cursor), "filters": []}
        while cursor.data:
            fields["filters"].append((cursor.text(), cursor.byte()))
        return fields

    def suback(self, cursor, _):
        fields = {"id": cursor.two(), **self._properties(cursor)}
        return {**fields, "codes": list(cursor.take(len(cursor.data)))}

    unsuback = suback

    def unsubscribe(self, cursor, _):
        fields = {"id": cursor.two(), **self._properties(cursor), "filters": []}
        while cursor.data:
            fields["filters"].append(cursor.text())
        return fields

    def disconnect(self, cursor, _):
        fields = {"reason": cursor.byte()} if cursor.data else {}
        if cursor.data:
            fields.update(self._properties(cursor))
        return fields

    auth = disconnect


def conversation(sent, received):
    """Both directions of one connection: what the client sent, what the broker answered."""
    client = Reader()
    ours = client.read(sent)
    return ours, Reader(client.version).read(received)
