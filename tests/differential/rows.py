"""The table: one row a command line. Each is run with Debian's client and with ours.

A row is a name and the command line as it would be typed, without the words that say where the
broker is (arena.PLACES). $T is a topic that no other run uses, $DIR the run's folder, $PORT the
recorder's port, $PKI the certificates.

  on       which listener; "own": a broker for this run alone, "said": the line says it itself
  broker   lines of the own broker's configuration
  before   helpers run to their end before the client starts
  then     what happens when the broker has sent a packet `after`
  any_order  packets are compared kind by kind: their order depends on who is faster
  deaf     packets of the broker that are not compared, for the same reason
  seconds  how long a client has
  mask     (pattern, replacement) for what differs from run to run
"""
from dataclasses import dataclass, field

AFTER = {"pub": "CONNACK", "sub": "SUBACK", "rr": "SUBACK"}


@dataclass
class Row:
    name: str
    line: str
    on: str = "plain"
    broker: tuple = ()
    before: tuple = ()
    then: tuple = ()
    after: str = None
    stdin: bytes = None
    files: dict = field(default_factory=dict)
    env: dict = field(default_factory=dict)
    mask: tuple = ()
    any_order: bool = False
    deaf: tuple = ()
    seconds: float = 20

    def __post_init__(self):
        if self.after is None:
            self.after = AFTER[self.line.split()[0]]


ROWS = []


def row(name, line, **more):
    ROWS.append(Row(name, line, **more))


# ---- pub: what is sent --------------------------------------------------------------------------

LINES = b"first\nsecond line\n\nlast without newline"
FILE = {"file": bytes(range(256)) * 20}

row("pub -m", "pub -t $T/a -m text")
row("pub -m empty", "pub -t $T/a -m ''")
row("pub -m utf-8", "pub -t $T/ä/€ -m grün")
row("pub -n", "pub -t $T/a -n")
row("pub -f", "pub -t $T/a -f $DIR/file", files=FILE)
row("pub -f -q 1", "pub -t $T/a -f $DIR/file -q 1", files=FILE)
row("pub -f -q 2", "pub -t $T/a -f $DIR/file -q 2", files=FILE)
row("pub -f empty", "pub -t $T/a -f $DIR/file", files={"file": b""})
row("pub -f missing", "pub -t $T/a -f $DIR/nothing")
row("pub -f folder", "pub -t $T/a -f $DIR")
row("pub -s", "pub -t $T/a -s", stdin=LINES + b"\0\xff binary")
row("pub -s -q 2", "pub -t $T/a -s -q 2", stdin=LINES)
row("pub -s empty", "pub -t $T/a -s", stdin=b"")
row("pub -l", "pub -t $T/a -l", stdin=LINES)
row("pub -l -q 1", "pub -t $T/a -l -q 1", stdin=LINES, any_order=True)
row("pub -l -q 2", "pub -t $T/a -l -q 2", stdin=LINES, any_order=True)
row("pub -l empty", "pub -t $T/a -l", stdin=b"")
row("pub -l crlf", "pub -t $T/a -l", stdin=b"one\r\ntwo\r\n")
row("pub -l long line", "pub -t $T/a -l", stdin=b"x" * 5000 + b"\nshort\n")
row("pub -l many", "pub -t $T/a -l -q 1", stdin=b"".join(b"%d\n" % n for n in range(200)),
    any_order=True)
row("pub -l -M 1", "pub -t $T/a -l -q 1 -M 1", stdin=LINES, any_order=True)
row("pub -l nul", "pub -t $T/a -l", stdin=b"a\0b\nc\n")
row("pub -M 5", "pub -t $T/a -m x -q 1 -M 5")
row("pub -r", "pub -t $T/a -m x -r")
row("pub -r -n", "pub -t $T/a -r -n")
row("pub -q 1", "pub -t $T/a -m x -q 1")
row("pub -q 2", "pub -t $T/a -m x -q 2")
row("pub -q 1 v5", "pub -V mqttv5 -t $T/a -m x -q 1")
row("pub -q 2 v5", "pub -V 5 -t $T/a -m x -q 2")
row("pub -q 1 v5 nobody", "pub -V 5 -t $T/nobody/listens -m x -q 1")
row("pub --repeat", "pub -t $T/a -m x --repeat 3", any_order=True)
row("pub --repeat -q 1", "pub -t $T/a -m x -q 1 --repeat 3", any_order=True)
row("pub --repeat -q 2", "pub -t $T/a -m x -q 2 --repeat 3", any_order=True)
row("pub --repeat -f", "pub -t $T/a -f $DIR/file --repeat 2 -q 1", files=FILE, any_order=True)
row("pub --repeat -s", "pub -t $T/a -s --repeat 2", stdin=b"again")
row("pub --repeat -n", "pub -t $T/a -n --repeat 2")
row("pub --repeat-delay", "pub -t $T/a -m x --repeat 3 --repeat-delay 0.2 -q 1")
row("pub --repeat -l", "pub -t $T/a -l --repeat 3", stdin=LINES)
row("pub $", "pub -t '$$odd/$T' -m x")
row("pub $SYS", "pub -t '$$SYS/$T' -m x -q 1")

# ---- the connection -----------------------------------------------------------------------------

row("pub -i", "pub -t $T/a -m x -i me-$T")
row("pub -I", "pub -t $T/a -m x -I $T")
row("pub -i v5", "pub -V 5 -t $T/a -m x -i me-$T")
row("pub -i empty", "pub -t $T/a -m x -i ''")
row("pub v5", "pub -V mqttv5 -t $T/a -m x")
row("pub 311", "pub -V 311 -t $T/a -m x")
row("pub mqttv311", "pub -V mqttv311 -t $T/a -m x")
row("pub 31", "pub -V 31 -t $T/a -m x")
row("pub mqttv31", "pub -V mqttv31 -t $T/a -m x -q 2")
row("pub mqttv31 -i", "pub -V mqttv31 -t $T/a -m x -i me31")
row("pub mqttv31 will", "pub -V mqttv31 -t $T/a -m x -i me31w --will-topic $T/w --will-payload p")
row("pub -c", "pub -t $T/a -m x -i me-$T -c")
row("pub -c v5", "pub -V 5 -t $T/a -m x -i me-$T -c")
row("pub -c -x v5", "pub -V 5 -t $T/a -m x -i me-$T -c -x 7")
row("pub -x v5", "pub -V 5 -t $T/a -m x -i me-$T -x 30")
row("pub -x -1", "pub -V 5 -t $T/a -m x -i me-$T -x -1")
row("pub -x infinity", "pub -V 5 -t $T/a -m x -i me-$T -x ∞")
row("pub -x 4294967295", "pub -V 5 -t $T/a -m x -i me-$T -x 4294967295")
row("pub -x 0", "pub -V 5 -t $T/a -m x -i me-$T -x 0")
row("pub -x 3.1.1", "pub -t $T/a -m x -i me-$T -x 5")
row("pub -k", "pub -t $T/a -m x -k 17")
row("pub -k 65535", "pub -t $T/a -m x -k 65535")
row("pub --keepalive", "pub -t $T/a -m x --keepalive 33")
row("pub -A", "pub -t $T/a -m x -A 127.0.0.1")
row("pub -A 127.0.0.2", "pub -t $T/a -m x -A 127.0.0.2")
row("pub --nodelay", "pub -t $T/a -m x --nodelay")
row("pub --quiet", "pub -t $T/a -m x --quiet")
row("pub long names", "pub --topic $T/a --message x --qos 1 --retain --id me-$T --keepalive 20 "
    "--protocol-version mqttv5")
row("pub --null-message", "pub --topic $T/a --null-message --disable-clean-session --id me-$T")
row("pub --stdin-line", "pub --topic $T/a --stdin-line", stdin=b"a\nb\n")
row("pub --stdin-file", "pub --topic $T/a --stdin-file", stdin=b"a\nb\n")
row("pub --file", "pub --topic $T/a --file $DIR/file --debug", files={"file": b"content"})
row("pub --id-prefix", "pub --topic $T/a -m x --id-prefix $T")
row("pub --max-inflight", "pub --topic $T/a -m x --max-inflight 3 -V 5")
row("pub -u -P", "pub -t $T/a -m x -u user -P secret", on="password")
row("pub -u -P v5", "pub -V 5 -t $T/a -m x -u user -P secret", on="password")
row("pub -u -P mqttv31", "pub -V 31 -t $T/a -m x -u user -P secret", on="password")
row("pub --username --pw", "pub -t $T/a -m x --username user --pw secret", on="password")
row("pub -u", "pub -t $T/a -m x -u user")
row("pub -P alone", "pub -t $T/a -m x -P secret")
row("pub -P alone v5", "pub -V 5 -t $T/a -m x -P secret")
row("pub -u empty", "pub -t $T/a -m x -u ''")
row("pub refused", "pub -t $T/a -m x", on="password")
row("pub refused v5", "pub -V 5 -t $T/a -m x", on="password")
row("pub wrong password", "pub -t $T/a -m x -u user -P wrong", on="password")
row("pub wrong password v5", "pub -V 5 -t $T/a -m x -u user -P wrong", on="password")
row("pub wrong password -d", "pub -d -t $T/a -m x -u user -P wrong", on="password")
row("pub will", "pub -t $T/a -m x --will-topic $T/w --will-payload gone --will-qos 2 --will-retain")
row("pub will empty", "pub -t $T/a -m x --will-topic $T/w")
row("pub will v5", "pub -V 5 -t $T/a -m x --will-topic $T/w --will-payload gone --will-qos 1")
row("pub -L", "pub -L mqtt://127.0.0.1:$PORT/$T/a -m x", on="said")
row("pub -L user", "pub -L mqtt://us:pa:ss@127.0.0.1:$PORT/$T/a -m x", on="said")
row("pub -L user alone", "pub -L mqtt://us@127.0.0.1:$PORT/$T/a -m x", on="said")
row("pub -L and -t", "pub -L mqtt://127.0.0.1:$PORT/$T/a -t $T/b -m x", on="said")
row("pub -L no topic", "pub -L mqtt://127.0.0.1:$PORT -m x", on="said")
row("pub -L http", "pub -L http://127.0.0.1:$PORT/$T -m x", on="said")
row("pub --url", "pub --url mqtt://127.0.0.1:$PORT/$T/a -m x", on="said")
row("pub --host --port", "pub --host 127.0.0.1 --port $PORT -t $T/a -m x", on="said")
row("pub --unix", "pub -t $T/a -m x -q 1", on="unix")
row("pub --unix missing", "pub -t $T/a -m x --unix $DIR/nothing", on="said")
row("pub --proxy", "pub -t $T/a -m x -q 1", on="socks")
row("pub --proxy user", "pub -t $T/a -m x -q 1", on="socks user")
row("pub --proxy refused", "pub -t $T/a -m x -q 1", on="socks refused")
row("pub --proxy scheme", "pub -t $T/a -m x --proxy http://127.0.0.1:1")

# ---- TLS ----------------------------------------------------------------------------------------

IDENTITY = "--cert $PKI/ec/client.pem --key $PKI/ec/client.key"
TRUST = "--cafile $PKI/ec/root.pem"

row("pub --cafile", f"pub -t $T/a -m x -q 1 {TRUST}", on="tls")
row("pub --cafile v5", f"pub -V 5 -t $T/a -m x -q 2 {TRUST}", on="tls")
row("pub --cert --key", f"pub -t $T/a -m x -q 1 {TRUST} {IDENTITY}", on="mtls")
row("pub no certificate", f"pub -t $T/a -m x -q 1 {TRUST}", on="mtls")
row("pub wrong ca", "pub -t $T/a -m x --cafile $PKI/other/root.pem", on="tls")
row("pub wrong ca --insecure", "pub -t $T/a -m x --cafile $PKI/other/root.pem --insecure", on="tls")
row("pub --insecure", f"pub -t $T/a -m x -q 1 {TRUST} --insecure", on="tls")
row("pub --tls-version tlsv1.2", f"pub -t $T/a -m x -q 1 {TRUST} --tls-version tlsv1.2", on="tls")
row("pub --tls-version tlsv1.3", f"pub -t $T/a -m x -q 1 {TRUST} --tls-version tlsv1.3", on="tls")
row("pub --tls-version wrong", f"pub -t $T/a -m x -q 1 {TRUST} --tls-version ssl3", on="tls")
row("pub --ciphers", f"pub -t $T/a -m x {TRUST} --tls-version tlsv1.2 "
    "--ciphers ECDHE-ECDSA-AES128-GCM-SHA256", on="tls")
row("pub --tls-alpn", f"pub -t $T/a -m x -q 1 {TRUST} --tls-alpn mqtt", on="tls")
row("pub tls -d", f"pub -d -t $T/a -m x -q 1 {TRUST}", on="tls")
row("pub plain to tls", "pub -t $T/a -m x", on="tls", seconds=3)
row("pub tls to plain", "pub -h localhost -p $TARGET -t $T/a -m x --cafile $PKI/ec/root.pem",
    on="said")
row("pub --psk", "pub -t $T/a -m x -q 1 --psk 0123456789abcdef0123456789abcdef "
    "--psk-identity us", on="psk")
row("pub --psk wrong", "pub -t $T/a -m x --psk 00 --psk-identity us", on="psk")
row("pub --psk not hex", "pub -t $T/a -m x --psk xyz --psk-identity us", on="psk")
row("pub --psk alone", "pub -t $T/a -m x --psk 00", on="psk")
row("pub --psk-identity alone", "pub -t $T/a -m x --psk-identity us", on="psk", seconds=3)
row("pub --psk and --cafile", f"pub -t $T/a -m x --psk 00 --psk-identity us {TRUST}", on="psk")
row("pub --cafile missing file", "pub -t $T/a -m x --cafile $DIR/nothing", on="tls")
row("pub --cert alone", f"pub -t $T/a -m x {TRUST} --cert $PKI/ec/client.pem", on="mtls")
row("pub --key alone", f"pub -t $T/a -m x {TRUST} --key $PKI/ec/client.key", on="mtls")
row("pub --cert without --cafile", f"pub -t $T/a -m x {IDENTITY}", on="mtls", seconds=3)
row("pub --keyform pem", f"pub -t $T/a -m x {TRUST} {IDENTITY} --keyform pem", on="mtls")
row("pub --keyform wrong", f"pub -t $T/a -m x {TRUST} {IDENTITY} --keyform der", on="mtls")
row("pub key of another", f"pub -t $T/a -m x {TRUST} --cert $PKI/ec/client.pem "
    "--key $PKI/other/client.key", on="mtls")
SSL_CERT_FILE = {"SSL_CERT_FILE": "$PKI/ec/root.pem"}  # the system's authorities, for OpenSSL
SECRET = "--psk 0123456789abcdef0123456789abcdef --psk-identity us"
PUB, SUB, RR = ("pub -t $T/a -m x -q 1", "sub -t $T/a -C 1 -v -W 4",
                "rr -t $T/q -e $T/r -m ping -W 4")
MEANWHILE = {PUB: (), SUB: ["pub -t $T/a -m kept -r"], RR: ["respond 5 $T/q"]}
for line, before in MEANWHILE.items():
    def secured(options, on="tls", before=before, line=line, **more):
        name = options.replace("$PKI/", "").replace("$DIR/", "")
        row(f"{line.split()[0]} tls: {name}", f"{line} {options}", on=on, before=before, **more)

    for options in ["--tls-version tlsv1.2", "--tls-version tlsv1.3", "--tls-version tlsv1.1",
                    "--insecure", "--tls-alpn mqtt", "--keyform pem", "--keyform engine",
                    "--tls-engine nothing", "--tls-engine-kpass-sha1 00",
                    "--ciphers ECDHE-ECDSA-AES256-GCM-SHA384 --tls-version tlsv1.2",
                    "--ciphers NONSENSE", "--nodelay", "--quiet", "-A 127.0.0.1"]:
        secured(f"{TRUST} {options}")
    secured(f"{TRUST} {IDENTITY}", on="mtls")
    secured(SECRET, on="psk")
    secured("--capath $DIR/ca", before=["rehash $DIR/ca", *before])
    secured("--capath $DIR/nothing")
    secured("--tls-use-os-certs", env=SSL_CERT_FILE)
    secured("-p 8883", seconds=3)
row("sub tls", f"sub -t $T/# -C 1 -v {TRUST} {IDENTITY}", on="mtls",
    before=["pub -t $T/a -m kept -r"])
row("sub tls 8 KB", f"sub -t $T/# -C 1 {TRUST}", on="tls", files={"big": b"0123456789abcdef" * 512},
    before=["pub -t $T/a -f $DIR/big -r"])
row("rr tls", f"rr -t $T/q -e $T/r -m ping -W 5 {TRUST}", on="tls", before=["respond 5 $T/q"])

# ---- pub: properties ----------------------------------------------------------------------------

PUBLISH = [("payload-format-indicator", "1"), ("message-expiry-interval", "30"),
           ("content-type", "text/plain"), ("response-topic", "a/b"), ("correlation-data", "cd"),
           ("user-property", "name value"), ("topic-alias", "1")]
for name, value in PUBLISH:
    row(f"pub -D publish {name}", f"pub -V 5 -t $T/a -m x -D publish {name} {value}")
row("pub -D publish several", "pub -V 5 -t $T/a -m x -q 1 -D publish content-type text "
    "-D publish user-property a b -D publish user-property a c "
    "-D publish message-expiry-interval 5 -D publish payload-format-indicator 0")
row("pub -D publish topic-alias -l", "pub -V 5 -t $T/a -l -D publish topic-alias 3",
    stdin=b"a\nb\nc\n")
row("pub -D publish topic-alias --repeat", "pub -V 5 -t $T/a -m x --repeat 3 "
    "-D publish topic-alias 3")
row("pub -D publish topic-alias high", "pub -V 5 -t $T/a -m x -D publish topic-alias 30")
row("pub --property", "pub -V 5 -t $T/a -m x --property publish content-type text")
row("pub -D PUBLISH", "pub -V 5 -t $T/a -m x -D PUBLISH content-type text")
row("pub -D without v5", "pub -t $T/a -m x -D publish content-type text")

CONNECT = [("session-expiry-interval", "60"), ("receive-maximum", "7"),
           ("maximum-packet-size", "1000"), ("topic-alias-maximum", "5"),
           ("request-response-information", "1"), ("request-problem-information", "0"),
           ("user-property", "name value"), ("authentication-method", "m"),
           ("authentication-data", "d")]
for name, value in CONNECT:
    row(f"pub -D connect {name}", f"pub -V 5 -t $T/a -m x -D connect {name} {value}")
row("pub -D connect receive-maximum 0", "pub -V 5 -t $T/a -m x -D connect receive-maximum 0")

WILL = [("payload-format-indicator", "1"), ("message-expiry-interval", "30"),
        ("content-type", "text/plain"), ("response-topic", "a/b"), ("correlation-data", "cd"),
        ("user-property", "name value"), ("will-delay-interval", "3")]
for name, value in WILL:
    row(f"pub -D will {name}", "pub -V 5 -t $T/a -m x --will-topic $T/w --will-payload p "
        f"-D will {name} {value}")
row("pub -D will without will", "pub -V 5 -t $T/a -m x -D will content-type text")

DISCONNECT = [("session-expiry-interval", "60"), ("user-property", "name value"),
              ("reason-string", "because"), ("server-reference", "elsewhere")]
for name, value in DISCONNECT:
    row(f"pub -D disconnect {name}",
        f"pub -V 5 -t $T/a -m x -x 5 -i me-$T -D disconnect {name} {value}")

for wrong in ["publish", "publish content-type", "publish nonsense 1", "nonsense content-type x",
              "publish receive-maximum 1", "publish topic-alias x", "publish topic-alias -1",
              "publish topic-alias 70000", "publish topic-alias 0", "publish user-property a",
              "publish payload-format-indicator 2", "publish payload-format-indicator 256",
              "connect content-type x", "connect receive-maximum 70000",
              "connect assigned-client-identifier x", "publish subscription-identifier 1",
              "subscribe subscription-identifier 1", "unsubscribe user-property a b",
              "publish message-expiry-interval 4294967296", "auth user-property a b",
              "disconnect server-keep-alive 1", "publish content-type ''"]:
    row(f"pub -D wrong: {wrong}", f"pub -V 5 -t $T/a -m x -D {wrong}")

# ---- pub: wrong command lines -------------------------------------------------------------------

for wrong in ["", "-t $T/a", "-m x", "-t $T/a -m x -n", "-t $T/a -m x -l", "-t $T/a -m x -s",
              "-t $T/a -l -s", "-t $T/a -n -f file", "-t $T/a -m x -m y", "-t $T/a -t $T/b -m x",
              "-t $T/a -m x -q 3", "-t $T/a -m x -q -1", "-t $T/a -m x -q x", "-t $T/+ -m x",
              "-t $T/# -m x", "-t '' -m x", "-t $T/a -m x -k 4", "-t $T/a -m x -k 65536",
              "-t $T/a -m x -k x", "-t $T/a -m x -p 0", "-t $T/a -m x -p 65536",
              "-t $T/a -m x -p x", "-t $T/a -m x -V mqttv4", "-t $T/a -m x -M 0",
              "-t $T/a -m x -M -1", "-t $T/a -m x -M 70000", "-t $T/a -m x --repeat 0",
              "-t $T/a -m x --repeat -1", "-t $T/a -m x --repeat-delay -1",
              "-t $T/a -m x -i a -I b", "-t $T/a -m x -I a -i b", "-t $T/a -m x -c",
              "-t $T/a -m x --will-payload p", "-t $T/a -m x --will-qos 1",
              "-t $T/a -m x --will-retain", "-t $T/a -m x --will-topic w --will-qos 3",
              "-t $T/a -m x --will-topic w/+", "-t $T/a -m x --nonsense", "-t $T/a -m x -Z",
              "-t $T/a -m x -x x", "-t $T/a -m x -x -2", "-t $T/a -m x -x 4294967296",
              "-t $T/a -m x stray", "-t $T/a -m x -C 1", "-t $T/a -m x -v",
              "-t $T/a -m x -h ''", "-t $T/a -m x -A 192.0.2.1", "-t $T/a -f"]:
    row(f"pub wrong: {wrong.replace('$T/', '')}".strip(), f"pub {wrong}")

for words in ["-t $T/a", "-t $T/a -i ", "-t $T/a -I ", "-t $T/a -u ", "-t $T/a --will-topic ",
              "-t $T/a -V 5 -D publish content-type ", "-t $T/a -V 5 -D publish response-topic ",
              "-t $T/a -V 5 -D publish user-property a "]:
    row(f"pub control character: {words.replace('$T/', '').strip()}", f"pub -m x {words}'\nb'")

for option in ["-A", "-D", "-f", "-h", "-i", "-I", "-k", "-L", "-m", "-M", "-p", "-P", "-q", "-t",
               "-u", "-V", "-x", "--repeat", "--repeat-delay", "--unix", "--will-payload",
               "--will-qos", "--will-topic", "--cafile", "--capath", "--cert", "--key", "--keyform",
               "--ciphers", "--tls-version", "--tls-alpn", "--tls-engine",
               "--tls-engine-kpass-sha1", "--psk", "--psk-identity", "--proxy"]:
    row(f"pub without value: {option}", f"pub -t $T/a -m x {option}")

row("pub connection refused", "pub -t $T/a -m x", on="nowhere")
row("pub connection refused -d", "pub -d -t $T/a -m x", on="nowhere")
row("pub connection refused --quiet", "pub --quiet -t $T/a -m x", on="nowhere")
row("pub unknown host", "pub -h nowhere.invalid -t $T/a -m x", on="said")
row("pub broker goes", "pub -t $T/a -l -q 1", stdin=b"x\n", on="own",
    broker=["max_connections 1"], before=[])
row("pub denied", "pub -t $T/readable/a -m x -q 1", on="acl")
row("pub denied v5", "pub -V 5 -t $T/readable/a -m x -q 1", on="acl")
row("pub denied v5 -q 2", "pub -V 5 -t $T/readable/a -m x -q 2", on="acl")
row("pub denied v5 -d", "pub -d -V 5 -t $T/readable/a -m x -q 1", on="acl")
row("pub denied v5 -l", "pub -V 5 -t $T/readable/a -l -q 1", on="acl", stdin=b"a\nb\n",
    any_order=True)
row("pub allowed", "pub -t $T/writable/a -m x -q 1", on="acl")
row("pub above maximum qos", "pub -V 5 -t $T/a -m x -q 2", on="limits")
row("pub above maximum qos 3.1.1", "pub -t $T/a -m x -q 2", on="limits")
row("pub retain not available", "pub -V 5 -t $T/a -m x -r", on="own",
    broker=["retain_available false"])
row("pub packet too large", "pub -V 5 -t $T/a -f $DIR/file", on="own",
    broker=["max_packet_size 1000"], files=FILE)
row("pub packet too large 3.1.1", "pub -t $T/a -f $DIR/file -q 1", on="own",
    broker=["max_packet_size 1000"], files=FILE, seconds=4)
row("pub server keep alive", "pub -V 5 -t $T/a -m x -k 60 -d", on="own",
    broker=["max_keepalive 30"])
row("pub no zero length id", "pub -t $T/a -m x", on="own",
    broker=["allow_zero_length_clientid false"])
row("pub no zero length id v5", "pub -V 5 -t $T/a -m x", on="own",
    broker=["allow_zero_length_clientid false"])
row("pub -l receive maximum 1", "pub -V 5 -t $T/a -l -q 1", on="own", stdin=LINES * 3,
    broker=["max_inflight_messages 1"], any_order=True)
row("pub --help", "pub --help", on="said")
row("pub --version", "pub --version", on="said")

# ---- pub -d -------------------------------------------------------------------------------------

row("pub -d", "pub -d -t $T/a -m text")
row("pub -d -q 1", "pub -d -t $T/a -m text -q 1")
row("pub -d -q 2", "pub -d -t $T/a -m text -q 2")
row("pub -d v5", "pub -d -V 5 -t $T/a -m text")
row("pub -d -q 1 v5", "pub -d -V 5 -t $T/a -m text -q 1")
row("pub -d -q 2 v5", "pub -d -V 5 -t $T/a -m text -q 2")
row("pub -d mqttv31", "pub -d -V 31 -t $T/a -m text -q 1")
row("pub -d -i -r", "pub -d -t $T/a -m text -i me-$T -r -q 1")
row("pub -d -l", "pub -d -t $T/a -l", stdin=b"a\nb\n")
row("pub -d refused", "pub -d -t $T/a -m text", on="password")
row("pub -d refused v5", "pub -d -V 5 -t $T/a -m text", on="password")
row("pub -d will", "pub -d -t $T/a -m text --will-topic $T/w")
row("pub -d --quiet", "pub -d --quiet -t $T/a -m text")
row("pub -d --repeat", "pub -d -t $T/a -m x --repeat 2 -q 1", any_order=True)

# ---- sub: what is printed -----------------------------------------------------------------------

SEVEN = ["pub -t $T/b -m retained -r", ]
MESSAGES = ["pub -t $T/b -m zero", "pub -t $T/c -m one -q 1", "pub -t $T/d -n",
            "pub -t $T/b -f $DIR/binary -q 1", "pub -t $T/b -m end -q 2"]
BINARY = {"binary": b"\x00\xff\x80 binary\n\x1b[31m"}


def sub(name, options, **more):
    """One retained message, then five. What the broker sends after the last one is not compared."""
    row(name, f"sub -t $T/# {options}", before=SEVEN, then=MESSAGES, files=BINARY,
        deaf=("PUBLISH",), **more)


sub("sub", "-C 6", any_order=True)
sub("sub -v", "-v -C 6", any_order=True)
sub("sub -N", "-N -C 6", any_order=True)
sub("sub -v -N", "-v -N -C 6", any_order=True)
sub("sub -q 1", "-q 1 -C 6", any_order=True)
sub("sub -q 2", "-q 2 -C 6", any_order=True)
sub("sub -q 2 v5", "-V 5 -q 2 -C 6", any_order=True)
sub("sub -q 2 mqttv31", "-V 31 -q 2 -C 6", any_order=True)
sub("sub -R", "-R -C 5", any_order=True)
sub("sub -T", "-T $T/b -C 2 -v", any_order=True)
sub("sub -T twice", "-T $T/b -T $T/c -C 1 -v", any_order=True)
sub("sub -T +", "-T +/+/b -C 2 -v", any_order=True)
sub("sub -C 1", "-C 1 -q 1")
sub("sub --retained-only", "--retained-only -v -C 1")
sub("sub --random-filter 100", "--random-filter 100 -C 6", any_order=True)
sub("sub --random-filter 0.1 -W", "--random-filter 0 -W 1", any_order=True)
sub("sub -W", "-W 1", any_order=True)
sub("sub -d", "-d -C 6", any_order=True)
sub("sub -d -q 2", "-d -q 2 -C 6", any_order=True)
sub("sub -d -v v5", "-d -v -V 5 -q 1 -C 6", any_order=True)
sub("sub -A", "-A 127.0.0.1 -C 6", any_order=True)
sub("sub --nodelay", "--nodelay -C 6", any_order=True)
sub("sub --quiet", "--quiet -C 6", any_order=True)
sub("sub -F %p", "-F %p -C 6", any_order=True)
sub("sub -F %x", "-F %x -C 6", any_order=True)
sub("sub -F %X", "-F %X -C 6", any_order=True)
sub("sub -F all", "-F '%t|%p|%q|%r|%l|%m' -q 2 -C 6", any_order=True)
sub("sub -F -N", "-F '%p|' -N -C 6", any_order=True)

row("sub two topics", "sub -t $T/a -t $T/b -C 2 -v", then=["pub -t $T/a -m 1", "pub -t $T/b -m 2"])
row("sub many topics", "sub " + " ".join(f"-t $T/{n}" for n in range(40)) + " -C 1",
    then=["pub -t $T/39 -m x"])
row("sub two topics -E", "sub -t $T/a -t $T/b -E -q 1")
row("sub -E", "sub -t $T/a -E")
row("sub -E v5", "sub -V 5 -t $T/a -E")
row("sub -E -d", "sub -d -t $T/a -E")
row("sub -U -E", "sub -t $T/a -U $T/b -U $T/c -E")
row("sub -U -d -E", "sub -d -t $T/a -U $T/b -E")
row("sub -U v5", "sub -V 5 -d -t $T/a -U $T/b -E")
row("sub -U only", "sub -U $T/b -i me-$T -c -W 1")
row("sub -W 3.1.1", "sub -t $T/a -W 1")
row("sub -W -d", "sub -d -t $T/a -W 1")
row("sub -W -C reached", "sub -t $T/a -W 5 -C 1", then=["pub -t $T/a -m x"])
row("sub -i -c", "sub -t $T/a -i me-$T -c -q 1 -C 1", any_order=True,
    before=["sub -t $T/a -i me-$T -c -q 1 -E", "pub -t $T/a -m meanwhile -q 1"])
row("sub -i -c v5", "sub -V 5 -t $T/a -i me-$T -c -q 1 -C 1", any_order=True,
    before=["sub -V 5 -t $T/a -i me-$T -c -q 1 -E", "pub -t $T/a -m meanwhile -q 1"])
row("sub -i -c -x v5", "sub -V 5 -t $T/a -i me-$T -c -x 60 -q 2 -C 1", any_order=True,
    before=["sub -V 5 -t $T/a -i me-$T -c -x 60 -q 2 -E", "pub -t $T/a -m meanwhile -q 2"])
row("sub -c without -i", "sub -t $T/a -c -C 1")
row("sub -I", "sub -t $T/a -I $T -E")
row("sub TERM", "sub -t $T/a -v", then=["pub -t $T/a -m x -q 1", "sleep 0.3", "signal TERM"])
row("sub INT", "sub -t $T/a -v", then=["pub -t $T/a -m x -q 1", "sleep 0.3", "signal INT"])
row("sub INT -d", "sub -d -t $T/a", then=["sleep 0.2", "signal INT"])
row("sub HUP", "sub -t $T/a", then=["sleep 0.2", "signal HUP"])
row("sub KILL will", "sub -t $T/a --will-topic $T/w --will-payload gone",
    then=["sleep 0.2", "signal KILL"])
row("sub hears a will", "sub -t $T/w -C 1 -v", then=["will $T/w gone"])
row("sub will v5", "sub -V 5 -t $T/a --will-topic $T/w --will-payload gone --will-qos 1 "
    "--will-retain -D will will-delay-interval 5 -E")
row("sub retained -C", "sub -t $T/# -C 2 -v", before=["pub -t $T/a -m 1 -r", "pub -t $T/b -m 2 -r"],
    any_order=True)
row("sub -R --remove-retained", "sub -t $T/a -R --remove-retained -W 1",
    before=["pub -t $T/a -m 1 -r"])
row("sub -R v5", "sub -V 5 -t $T/a -R -W 1", before=["pub -t $T/a -m 1 -r"])
row("sub --retained-only ends", "sub -t $T/a --retained-only -v", before=["pub -t $T/a -m 1 -r"],
    then=["pub -t $T/a -m fresh"])
row("sub --remove-retained", "sub -t $T/# --remove-retained -v -W 1",
    before=["pub -t $T/a -m 1 -r", "pub -t $T/b -m 2 -r"], any_order=True)
row("sub --remove-retained -C", "sub -t $T/# --remove-retained -v -C 1", seconds=3,
    before=["pub -t $T/a -m 1 -r"])
row("sub --remove-retained -T", "sub -t $T/# --remove-retained -T $T/a -v -W 1",
    before=["pub -t $T/a -m 1 -r", "pub -t $T/b -m 2 -r"], any_order=True)
row("sub --remove-retained --retained-only", "sub -t $T/# --remove-retained --retained-only -W 1",
    before=["pub -t $T/a -m 1 -r"])
row("sub --retain-as-published", "sub -V 5 -t $T/a --retain-as-published -C 1 -F '%r %p'",
    then=["pub -t $T/a -m x -r"])
for policy in ["always", "new", "never"]:
    row(f"sub --retain-handling {policy}", f"sub -V 5 -t $T/a --retain-handling {policy} -W 1",
        before=["pub -t $T/a -m kept -r"])
row("sub --retain-handling 3.1.1", "sub -t $T/a --retain-handling never -W 1",
    before=["pub -t $T/a -m kept -r"])
row("sub $share", "sub -V 5 -t '$$share/g/$T/a' -C 1 -v", then=["pub -t $T/a -m x"])
row("sub empty payload -v", "sub -t $T/a -v -C 1", then=["pub -t $T/a -n"])
row("sub empty payload", "sub -t $T/a -C 1", then=["pub -t $T/a -n"])
row("sub -k ping", "sub -t $T/a -k 5 -d -W 7", seconds=12)
row("sub -L", "sub -L mqtt://127.0.0.1:$PORT/$T/a -C 1", on="said", then=["pub -t $T/a -m x"])
row("sub -L and -t", "sub -L mqtt://127.0.0.1:$PORT/$T/a -t $T/b -E -v", on="said")
row("sub -L no topic", "sub -L mqtt://127.0.0.1:$PORT -t $T/b -E", on="said")
row("sub --unix", "sub -t $T/a -C 1", on="unix", before=["pub -t $T/a -m x -r"])
row("sub --proxy", "sub -t $T/a -C 1", on="socks", before=["pub -t $T/a -m x -r"])
row("sub long names", "sub --topic $T/a --qos 1 --id me-$T --verbose --keepalive 20 -C 1 "
    "--protocol-version 5", before=["pub -t $T/a -m x -r"])
row("sub --disable-clean-session --unsubscribe --filter-out", "sub --topic $T/a --id me-$T "
    "--disable-clean-session --unsubscribe $T/b --filter-out $T/c --debug -E")
row("sub 20 messages -q 1 v5", "sub -V 5 -t $T/a -q 1 -C 30", any_order=True,
    then=["pub -t $T/a -q 1 -m x --repeat 30"])
row("sub 8 KB", "sub -t $T/a -C 1", files={"big": bytes(range(256)) * 32},
    before=["pub -t $T/a -f $DIR/big -r"])
row("sub 100 KB -v -q 2", "sub -t $T/a -C 1 -v -q 2", files={"big": bytes(range(256)) * 400},
    before=["pub -t $T/a -f $DIR/big -r -q 2"])
row("sub 100 KB %x", "sub -t $T/a -C 1 -F %x", files={"big": bytes(range(256)) * 400},
    before=["pub -t $T/a -f $DIR/big -r -q 2"])
row("sub broker restarts", "sub -t $T/a -i me -c -C 1 -W 15", on="own", seconds=16,
    then=["sleep 0.3", "stop_broker", "start_broker", "sleep 2.5", "pub -t $T/a -m x -q 1"])
row("sub cut", "sub -d -t $T/a -C 1 -W 15",
    then=["sleep 0.3", "cut", "await SUBACK 2", "sleep 0.2", "pub -t $T/a -m x"])

# ---- sub: properties ----------------------------------------------------------------------------

row("sub -D subscribe subscription-identifier", "sub -V 5 -t $T/a -E "
    "-D subscribe subscription-identifier 7")
row("sub -D subscribe user-property", "sub -V 5 -t $T/a -E -D subscribe user-property a b")
row("sub -D subscribe both", "sub -V 5 -t $T/a -t $T/b -C 1 -F '%S %p' "
    "-D subscribe user-property a b -D subscribe subscription-identifier 268435455",
    then=["pub -t $T/a -m x"])
row("sub -D unsubscribe user-property", "sub -V 5 -t $T/a -U $T/b -E "
    "-D unsubscribe user-property a b")
for name, value in CONNECT[:7]:
    row(f"sub -D connect {name}", f"sub -V 5 -t $T/a -E -D connect {name} {value}")
for name, value in DISCONNECT[:3]:
    row(f"sub -D disconnect {name}",
        f"sub -V 5 -t $T/a -E -x 9 -i me-$T -D disconnect {name} {value}")
row("sub topic aliases of the server", "sub -V 5 -t $T/a -v -C 3 -D connect topic-alias-maximum 3",
    then=["pub -t $T/a -m x --repeat 3"])
for wrong in ["subscribe", "subscribe content-type x", "subscribe subscription-identifier 0",
              "subscribe subscription-identifier 268435456", "subscribe subscription-identifier x",
              "publish content-type x", "unsubscribe subscription-identifier 1",
              "subscribe user-property a"]:
    row(f"sub -D wrong: {wrong}", f"sub -V 5 -t $T/a -E -D {wrong}")

# ---- sub: formats -------------------------------------------------------------------------------

V5_MESSAGE = ["pub -V 5 -t $T/a -m payload -q 1 -r -D publish content-type text/plain "
              "-D publish correlation-data corr -D publish response-topic re/ply "
              "-D publish message-expiry-interval 1000 -D publish payload-format-indicator 1 "
              "-D publish user-property name value -D publish user-property name2 value2"]
EXPIRY = ((r"\b(99[0-9]|1000)\b", "EXPIRY"),)
TIME = ((r"[0-9]{10}(\.[0-9]+)?", "TIME"),)


def form(name, format, version="5", mask=(), before=V5_MESSAGE, **more):
    row(f"sub -F {name}", f"sub -V {version} -t $T/a -q 1 -C 1 -F '{format}'", before=before,
        mask=mask, **more)


for escape in "tpqrlmxXACDFPRST":
    form(f"%{escape} v5", f"[%{escape}]")
form("%E v5", "[%E]", mask=EXPIRY)
for escape in "ACDEFPRST":
    form(f"%{escape} 3.1.1", f"[%{escape}]", version="311")
form("%%", "100%% of %p")
form("plain text", "no escape")
form("backslashes", r"a\nb\tc\\d\ae\rf\vg\0h%p")
form("backslash unknown", r"a\qb")
form("backslash last", "a\\")
form("unknown escape", "[%Y]")
form("percent last", "abc%")
form("%s unknown", "%s")
for width in ["%10t", "%-30t|", "%30t|", "%030t|", "%3t|", "%5l|", "%05l|", "%-5l|", "%.3p|",
              "%20p|", "%-20p|", "%020p|", "%20.3p|", "%-20.3t|", "%5q|", "%05m|", "%5r|", "%20C|",
              "%-20D|", "%20R|", "%5F|", "%5S|", "%20P|", "%20x|", "%-20X|", "%.2x|", "%1x", "%4x|",
              "%.t", "%.l", "%t%t", "%10A|", "%09E|"]:
    form(f"width {width}", width, mask=EXPIRY)
form("%U", "%U", mask=TIME)
form("%I", "%I", mask=((r"^.{28}", "NOW"),))
form("%j", "%j", mask=((r'"tst":"[^"]*"', '"tst":NOW'), *EXPIRY))
form("%J", "%J", mask=((r'"tst":"[^"]*"', '"tst":NOW'), *EXPIRY))
form("%j 3.1.1", "%j", version="311", mask=((r'"tst":"[^"]*"', '"tst":NOW'),))
JSON = ["pub -t $T/a -m '{\"b\":[1,2.5,true,null,\"ü\\n\"],\"a\":{}}' -r"]
NOW = ((r'"tst":\s*"[^"]*"', '"tst":NOW'),)
form("%J object", "%J", before=JSON, mask=NOW)
form("%j object", "%j", before=JSON, mask=NOW)
form("%J number", "%J", before=["pub -t $T/a -m 12.50 -r"], mask=NOW)
form("%J not json", "%J", before=["pub -t $T/a -m '{oops' -r"], mask=NOW)
form("%J string", "%J", before=["pub -t $T/a -m '\"text\"' -r"], mask=NOW)
form("%J empty", "%J", before=["pub -t $T/a -m ' ' -r"], mask=NOW)
form("%j binary", "%j", before=["pub -t $T/a -f $DIR/binary -r"], files=BINARY, mask=NOW)
form("%j quotes", "%j", before=["pub -t $T/a -m 'say \"yes\" \\ / ü €' -r"], mask=NOW)
form("%j between text", "<%j>", before=["pub -t $T/a -m x -r"], mask=NOW)
row("sub -F %J --pretty", "sub -t $T/a -C 1 -F %J --pretty", before=JSON, mask=NOW)
row("sub -F %j --pretty", "sub -t $T/a -C 1 -F %j --pretty", before=JSON, mask=NOW)
row("sub -F %J --pretty v5", "sub -V 5 -t $T/a -C 1 -F %J --pretty", before=V5_MESSAGE,
    mask=(*NOW, *EXPIRY))
for name, format in [("date", "@Y-@m-@d @H:@M:@S"), ("@s", "@s"), ("@N", "@N"), ("@@", "@@"),
                     ("@a @b", "@a @b @A @B"), ("@j @Z", "@j @Z @z"), ("@y @e @p", "@y@e@p@I"),
                     ("@u @w @U", "@u @w @U @V @W @G @g"), ("@c", "@c"),
                     ("@D @F @T @R", "@D @F @T @R"),
                     ("@x @X", "@x @X @r"), ("@n @t", "a@nb@tc"), ("@C @h @k @l", "@C @h @k @l")]:
    form(name, format, mask=((r"[0-9]", "9"), (r"(Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day", "DAY")))
form("@ unknown", "@q @")
row("sub -F empty", "sub -t $T/a -C 1 -F ''", before=["pub -t $T/a -m x -r"])
row("sub -F -v", "sub -t $T/a -C 1 -v -F %p", before=["pub -t $T/a -m x -r"])
row("sub -F without value", "sub -t $T/a -F")
for name, payload in [("%f", "-m 12.5"), ("%d", "-m abcdefgh"), ("%5.2f", "-m 12.5")]:
    row(f"sub -F {name}", f"sub -t $T/a -C 1 -F {name}", before=[f"pub -t $T/a -r {payload}"])

# ---- sub: wrong things --------------------------------------------------------------------------

for wrong in ["", "-v", "-t $T/#/a", "-t $T/+a", "-t $T/a#", "-t $T/a -q 3", "-t $T/a -C 0",
              "-t $T/a -C -1", "-t $T/a -C x", "-t $T/a -W 0", "-t $T/a -W -1", "-t $T/a -W x",
              "-t $T/a -R --retained-only", "-t $T/a --retained-only -R", "-t $T/a -T $T/#/x",
              "-t $T/a -U $T/#/x", "-t $T/a --random-filter -1", "-t $T/a --random-filter x",
              "-t $T/a --retain-handling", "-t $T/a --retain-handling sometimes", "-t $T/a -m x",
              "-t $T/a -l", "-t $T/a -k 3", "-t $T/a -c", "-t $T/a --pretty -C x",
              "-t $T/a -V 6", "-t $T/a --nonsense", "-t $T/a stray"]:
    row(f"sub wrong: {wrong.replace('$T/', '')}".strip(), f"sub {wrong}")
for option in ["-C", "-T", "-U", "-W", "-t", "--retain-handling", "--random-filter"]:
    row(f"sub without value: {option}", f"sub -t $T/a {option}")
for words in ["-t $T/a", "-t $T/a -T ", "-t $T/a -U "]:
    row(f"sub control character: {words.replace('$T/', '').strip()}", f"sub {words}'\x7f'")
row("sub wrong: empty topic", "sub -t ''", seconds=3)
row("sub -T empty", "sub -t $T/a -T '' -W 1")
row("sub --random-filter 101", "sub -t $T/a --random-filter 101 -W 1", then=["pub -t $T/a -m x"])
row("sub --random-filter 50", "sub -t $T/a --random-filter 50 -W 1")
for version in "311", "5":
    row(f"sub refused subscription {version}", f"sub -V {version} -t $T/a -W 1", on="refusing")
    for option in "-d", "-E":
        row(f"sub refused subscription {option} {version}",
            f"sub {option} -V {version} -t $T/a -W 1", on="refusing")
row("sub one of two refused", "sub -t $T/a -t $T/b -C 1 -W 2", on="refusing",
    then=["pub -t $T/a -m x"])
row("rr refused subscription", "rr -t $T/q -e $T/r -m x -W 1", on="refusing")
row("sub -u -P", "sub -t $T/a -E -u user -P secret", on="password")
row("sub -h -p", "sub -h 127.0.0.1 -p $PORT -t $T/a -E", on="said")
row("sub denied", "sub -t $T/secret -C 1 -W 2", on="acl")
row("sub denied -d", "sub -d -t $T/secret -C 1 -W 2", on="acl")
row("sub denied v5", "sub -V 5 -t $T/secret -C 1 -W 2", on="acl")
row("sub one denied", "sub -t $T/secret -t $T/open/a -C 1 -W 2", on="acl")
row("sub denied -E", "sub -t $T/secret -E -W 2", on="acl")
row("sub refused", "sub -t $T/a", on="password")
row("sub refused v5", "sub -V 5 -t $T/a", on="password")
row("sub refused -d", "sub -d -t $T/a", on="password")
row("sub connection refused", "sub -t $T/a", on="nowhere")
row("sub unknown host", "sub -h nowhere.invalid -t $T/a", on="said")
row("sub --help", "sub --help", on="said")
row("sub --version", "sub --version", on="said")

# ---- rr -----------------------------------------------------------------------------------------

ASK = "rr -t $T/q -e $T/r"
row("rr", f"{ASK} -m ping", before=["respond 5 $T/q"])
row("rr -v", f"{ASK} -m ping -v", before=["respond 5 $T/q"])
row("rr -N", f"{ASK} -m ping -N", before=["respond 5 $T/q"])
row("rr -F", f"{ASK} -m ping -F '%t %p %D'", before=["respond 5 $T/q"])
row("rr -F %j", f"{ASK} -m ping -F %j", before=["respond 5 $T/q"], mask=NOW)
row("rr -F --pretty", f"{ASK} -m '{{}}' -F %J --pretty", before=["respond 5 $T/q"], mask=NOW)
row("rr -q 1", f"{ASK} -m ping -q 1", before=["respond 5 $T/q"])
row("rr -q 2", f"{ASK} -m ping -q 2", before=["respond 5 $T/q"], any_order=True)
row("rr -d", f"{ASK} -m ping -d", before=["respond 5 $T/q"])
row("rr -d -q 1", f"{ASK} -m ping -d -q 1", before=["respond 5 $T/q"])
row("rr -r", f"{ASK} -m ping -r", before=["respond 5 $T/q"])
row("rr -n", f"{ASK} -n", before=["respond 5 $T/q"])
row("rr -f", f"{ASK} -f $DIR/file", files={"file": b"from a file"}, before=["respond 5 $T/q"])
row("rr -s", f"{ASK} -s", stdin=b"from a pipe\n", before=["respond 5 $T/q"])
row("rr -l", f"{ASK} -l", stdin=b"one\ntwo\n", before=["respond 5 $T/q"])
row("rr 311", f"{ASK} -V 311 -m ping", before=["respond 4 $T/q $T/r"])
row("rr 31", f"{ASK} -V 31 -m ping", before=["respond 4 $T/q $T/r"])
row("rr 5", f"{ASK} -V 5 -m ping", before=["respond 5 $T/q"])
row("rr -i -c -x", f"{ASK} -m ping -i me-$T -c -x 60", before=["respond 5 $T/q"])
row("rr -I", f"{ASK} -m ping -I $T", before=["respond 5 $T/q"])
row("rr -k -u -P", f"{ASK} -m ping -k 20 -u user -P secret", on="password",
    before=["respond 5 $T/q"])
row("rr will", f"{ASK} -m ping --will-topic $T/w --will-payload p", before=["respond 5 $T/q"])
row("rr will options", f"{ASK} -m ping --will-topic $T/w --will-qos 1 --will-retain",
    before=["respond 5 $T/q"])
row("rr -A --nodelay --quiet", f"{ASK} -m ping -A 127.0.0.1 --nodelay --quiet",
    before=["respond 5 $T/q"])
row("rr -h -p", f"{ASK} -m ping -h 127.0.0.1 -p $PORT", on="said", before=["respond 5 $T/q"])
row("rr -W", f"{ASK} -m ping -W 1")
row("rr -W answered", f"{ASK} -m ping -W 5", before=["respond 5 $T/q"])
row("rr -R", f"{ASK} -m ping -R -W 2", before=["pub -t $T/r -m old -r", "respond 5 $T/q"])
row("rr retained answer", f"{ASK} -m ping -W 2", before=["pub -t $T/r -m old -r"])
row("rr other answer", f"{ASK} -m ping -W 2", then=["pub -t $T/r -m unasked"])
row("rr -D publish", f"{ASK} -m ping -D publish correlation-data xyz -D publish content-type c",
    before=["respond 5 $T/q"])
row("rr -D publish response-topic", f"{ASK} -m ping -D publish response-topic $T/r",
    before=["respond 5 $T/q"])
row("rr -D publish user-property", f"{ASK} -m ping -D publish user-property a b",
    before=["respond 5 $T/q"])
row("rr -D connect", f"{ASK} -m ping -D connect receive-maximum 5", before=["respond 5 $T/q"])
row("rr -D subscribe", f"{ASK} -m ping -D subscribe subscription-identifier 5",
    before=["respond 5 $T/q"])
row("rr -D disconnect", f"{ASK} -m ping -D disconnect reason-string bye", before=["respond 5 $T/q"])
row("rr -L", "rr -L mqtt://127.0.0.1:$PORT/$T/q -e $T/r -m ping", on="said",
    before=["respond 5 $T/q"])
row("rr --unix", f"{ASK} -m ping", on="unix", before=["respond 5 $T/q"])
row("rr --proxy", f"{ASK} -m ping", on="socks", before=["respond 5 $T/q"])
row("rr INT", f"{ASK} -m ping", then=["sleep 0.2", "signal INT"])
row("rr denied", "rr -t $T/writable/q -e $T/secret -m ping -W 2", on="acl")
row("rr refused", f"{ASK} -m ping", on="password")
row("rr connection refused", f"{ASK} -m ping", on="nowhere")
for wrong in ["", "-t $T/q", "-e $T/r", "-t $T/q -e $T/r", "-t $T/q -m x", "-e $T/r -m x",
              "-t $T/q -e $T/+ -m x", "-t $T/+ -e $T/r -m x", "-t $T/q -e $T/r -m x -n",
              "-t $T/q -e $T/r -m x -q 3", "-t $T/q -e $T/r -m x --repeat 2", "-t $T/q -e",
              "-t $T/q -e $T/r -m x -W 0", "-t $T/q -e $T/r -m x -C 1",
              "-t $T/q -e $T/r -m x -T $T/z",
              "-t $T/q -e $T/r -m x --pretty -W 1", "-t $T/q -e $T/r -m x --nonsense"]:
    row(f"rr wrong: {wrong.replace('$T/', '')}".strip(), f"rr {wrong} ")
for words in ["-e $T/r -t $T/q", "-t $T/q -e $T/r"]:
    row(f"rr control character: {words.replace('$T/', '')}", f"rr -m x {words}'\x01'")
row("rr two topics", "rr -t $T/q -t $T/q2 -e $T/r -m x", before=["respond 5 $T/q2"])
row("rr --help", "rr --help", on="said")

# ---- options files ------------------------------------------------------------------------------

XDG = {"XDG_CONFIG_HOME": "$DIR/xdg"}
row("pub options file", "pub -t $T/a -m x", env=XDG,
    files={"xdg/mosquitto_pub": "# comment\n-q 1\n-i me-$T\n-r\n\n--keepalive 25\n"})
row("pub options file home", "pub -t $T/a -m x", files={".config/mosquitto_pub": "-q 1\n-r\n"})
row("pub options file overridden", "pub -t $T/a -m x -q 2", env=XDG,
    files={"xdg/mosquitto_pub": "-q 1\n"})
row("pub options file spaces", "pub -t $T/a -m x", env=XDG,
    files={"xdg/mosquitto_pub": "-i me with spaces\n"})
row("pub options file no newline", "pub -t $T/a -m x", env=XDG,
    files={"xdg/mosquitto_pub": "-q 1"})
row("pub options file crlf", "pub -t $T/a -m x", env=XDG,
    files={"xdg/mosquitto_pub": "-q 1\r\n-r\r\n"})
row("pub options file wrong", "pub -t $T/a -m x", env=XDG,
    files={"xdg/mosquitto_pub": "--nonsense\n"})
row("pub options file wrong value", "pub -t $T/a -m x", env=XDG,
    files={"xdg/mosquitto_pub": "-q 7\n"})
row("pub options file topic", "pub -m x", env=XDG, files={"xdg/mosquitto_pub": "-t $T/f\n"})
row("pub options file -D", "pub -V 5 -t $T/a -m x", env=XDG,
    files={"xdg/mosquitto_pub": "-D publish content-type text\n"})
row("pub options file of sub", "pub -t $T/a -m x", env=XDG, files={"xdg/mosquitto_sub": "-q 1\n"})
row("sub options file", "sub -t $T/a -C 1", env=XDG, before=["pub -t $T/a -m x -r"],
    files={"xdg/mosquitto_sub": "-v\n-q 1\n-t $T/b\n"})
row("rr options file", f"{ASK} -m ping", env=XDG, before=["respond 5 $T/q"],
    files={"xdg/mosquitto_rr": "-v\n"})
