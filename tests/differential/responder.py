"""The other side of a request: answers what is published on a topic."""
import socket
import struct
import threading

import wire


def number(value):
    encoded = bytearray()
    while True:
        value, digit = value >> 7, value & 0x7F
        encoded.append(digit | (0x80 if value else 0))
        if not value:
            return bytes(encoded)


def text(value):
    value = value.encode("latin-1")
    return struct.pack(">H", len(value)) + value


def packet(first, body):
    return bytes([first]) + number(len(body)) + body


class Responder:
    """Subscribes to `topic`. In MQTT 5 it answers where the request says, in 3.1.1 on the first of
    `answers`; the payload is "re: " and the request's."""

    def __init__(self, port, version, topic, answers=()):
        self.version, self.topic, self.answers = version, topic, answers
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.settimeout(30)
        self.buffer = b""
        self.reader = wire.Reader(version)
        self._send(0x10, text("MQTT") + bytes([version, 2, 0, 60]) + self._none() + text(""))
        self._send(0x82, b"\0\1" + self._none() + text(topic) + b"\1")
        self._await("SUBACK")
        threading.Thread(target=self._answer_all, daemon=True).start()

    def _none(self):
        return b"\0" if self.version == 5 else b""

    def _send(self, first, body):
        self.socket.sendall(packet(first, body))

    def _packets(self):
        while True:
            for first, body in wire.packets(self.buffer):
                if not first:
                    break
                self.buffer = self.buffer[len(packet(first, body)):]
                yield self.reader.fields(first, body)
            more = self.socket.recv(65536)
            if not more:
                return
            self.buffer += more

    def _await(self, name):
        for each in self._packets():
            if each["packet"] == name:
                return

    def _answer_all(self):
        try:
            for each in self._packets():
                if each["packet"] == "PUBLISH":
                    self._answer(each)
        except OSError:
            pass

    def _answer(self, request):
        if "id" in request:
            self._send(0x40, struct.pack(">H", request["id"]))
        properties = dict(request.get("properties", []))
        where = properties.get("response-topic") or self.answers[0]
        echo = b""
        if "correlation-data" in properties:
            echo = b"\x09" + text(properties["correlation-data"])
        extra = number(len(echo)) + echo if self.version == 5 else b""
        self._send(0x30, text(where) + extra + ("re: " + request["payload"]).encode("latin-1"))

    def close(self):
        self.socket.close()


def die_with_will(port, topic, payload):
    """Connects in MQTT 3.1.1, leaves a will, is let in and is gone."""
    with socket.create_connection(("127.0.0.1", port)) as dying:
        dying.sendall(packet(0x10, text("MQTT") + b"\4\6\0\74" + text("") + text(topic) +
                             text(payload)))
        dying.recv(4)
