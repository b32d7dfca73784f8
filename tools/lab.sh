#!/bin/bash
# A laboratory on the loopback: certificates of every kind and a broker that demands one.
#
#   tools/lab.sh pki DIR       make the certificates that are missing
#   tools/lab.sh start DIR     the same, start a broker, print its ports
#   tools/lab.sh try DIR       the same, say what to try
#   tools/lab.sh stop DIR      stop the broker
#   tools/lab.sh restart DIR   stop and start it on the same ports
#
# Below DIR there are two hierarchies, ec (P-256) and rsa (2048 bits), each with
#
#   root.pem                                the trust anchor
#   server.pem, client.pem                  leaf and intermediate, as sent
#   server.key, client.key                  their keys
#   server-expired.pem, client-expired.pem  the same, out of date since 2021
#   server-wrongname.pem                    the same, for elsewhere.test
#
# and other/root.pem, other/client.pem, other/client.key of a hierarchy nobody trusts. Servers are
# localhost, 127.0.0.1 and ::1. The ports are kept in DIR/ports, ready for `. DIR/ports`:
# ec_port and rsa_port ask for a client certificate, plain_port does not use TLS. The broker writes
# down everything; LAB_LOG_TYPE names less (mosquitto.conf, log_type).
set -eu

fail() { printf '\n  FAILED  %s\n' "$1" >&2; shift; printf '          %s\n' "$@" >&2; exit 1; }
PATH=$PATH:/usr/sbin
THIMBLE=${THIMBLE:-build/thimble}

# ---- certificates --------------------------------------------------------------------------

write_ca_configuration() {
    cat >"$1" <<END
[ca]
default_ca = lab
[lab]
database = $2/index
new_certs_dir = $2
unique_subject = no
rand_serial = yes
default_md = sha256
default_days = 3650
policy = any_name
[any_name]
commonName = supplied
[req]
distinguished_name = empty
[empty]
[root]
basicConstraints = critical, CA:true
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[intermediate]
basicConstraints = critical, CA:true, pathlen:0
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
[server]
basicConstraints = CA:false
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
authorityKeyIdentifier = keyid
subjectAltName = DNS:localhost, IP:127.0.0.1, IP:::1
[wrongname]
basicConstraints = CA:false
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
authorityKeyIdentifier = keyid
subjectAltName = DNS:elsewhere.test
[client]
basicConstraints = CA:false
keyUsage = critical, digitalSignature
extendedKeyUsage = clientAuth
authorityKeyIdentifier = keyid
END
}

new_key() {
    case $1 in
    rsa) openssl genpkey -quiet -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out "$2" ;;
    *)   openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$2" ;;
    esac
}

# sign NAME EXTENSIONS KEY ISSUER [START END]: NAME.crt for KEY.key, signed by ISSUER
sign() {
    openssl req -new -config ca.conf -key "$3.key" -subj "/CN=thimble lab $1" -out "$1.csr"
    openssl ca -batch -notext -config ca.conf -extensions "$2" \
        -keyfile "$4.key" $([ "$1" = "$4" ] && echo -selfsign || echo -cert "$4.crt") \
        ${5:+-startdate "$5" -enddate "$6"} -in "$1.csr" -out "$1.crt" 2>openssl.log ||
        { cat openssl.log >&2; fail "openssl could not sign $1"; }
}

make_authorities() {
    new_key "$1" root.key
    sign root root root root
    new_key "$1" intermediate.key
    sign intermediate intermediate intermediate root
    cp root.crt root.pem
}

# leaf NAME EXTENSIONS KEY [START END]
leaf() {
    sign "$1" "$2" "$3" intermediate "${@:4}"
    cat "$1.crt" intermediate.crt >"$1.pem"
}

make_leaves() {
    new_key "$1" server.key
    new_key "$1" client.key
    leaf server server server
    leaf server-expired server server 20200101000000Z 20210101000000Z
    leaf server-wrongname wrongname server
    leaf client client client
    leaf client-expired client client 20200101000000Z 20210101000000Z
}

# Made aside and moved into place whole, so that an interrupted run leaves nothing half made.
make_hierarchy() {
    [ ! -e "$1/$2/root.pem" ] || return 0
    printf '  %-7s %s\n' PKI "$1/$2" >&2
    work=$(mktemp -d "$1/new.XXXXXX")
    trap 'rm -rf "$work"' EXIT
    (
        cd "$work"
        write_ca_configuration ca.conf .
        : >index
        make_authorities "$2"
        make_leaves "$2"
        rm -f -- *.csr *.crt index* ca.conf openssl.log [0-9A-F]*.pem
    )
    chmod 755 "$work"
    mv "$work" "$1/$2"
}

make_pki() {
    command -v openssl >/dev/null || fail "openssl is missing" "Run:  make deps"
    mkdir -p "$1"
    for kind in ec rsa other; do make_hierarchy "$1" $kind; done
}

# ---- broker --------------------------------------------------------------------------------

# The number may be another process's by now, and a copied checkout has that of the broker of the one
# it was copied from. A zombie, dead and not yet reaped by its parent, has no command line.
is_running() {
    [ -e "$1/broker.pid" ] || return 1
    grep -qsF "$1/broker.conf" "/proc/$(cat "$1/broker.pid")/cmdline"
}

answers() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

free_port() {
    local port
    while :; do
        port=$(shuf -n 1 -i 20000-32000)
        answers "$port" || break
    done
    echo "$port"
}

loopbacks() {
    echo 127.0.0.1
    grep -q '^0*1 ' /proc/net/if_inet6 2>/dev/null && echo ::1 || true
}

tls_listener() {
    for address in $(loopbacks); do
        cat <<END
listener $2 $address
cafile $1/root.pem
certfile $1/server.pem
keyfile $1/server.key
require_certificate true
tls_version tlsv1.2
END
    done
}

plain_listener() {
    for address in $(loopbacks); do echo "listener $1 $address"; done
}

# tls_version is a minimum: both 1.2 and 1.3 are spoken.
write_broker_configuration() {
    cat <<END
user $(id -un)
allow_anonymous true
persistence false
set_tcp_nodelay true
max_queued_messages 200000
log_dest file $1/broker.log
log_type ${LAB_LOG_TYPE:-all}
END
    tls_listener "$1/ec" "$ec_port"
    tls_listener "$1/rsa" "$rsa_port"
    plain_listener "$plain_port"
}

launch() {
    answers "$plain_port" && return 1
    write_broker_configuration "$1" >"$1/broker.conf"
    : >"$1/broker.log"
    mosquitto -c "$1/broker.conf" >>"$1/broker.out" 2>&1 </dev/null &
    echo $! >"$1/broker.pid"
    for _ in $(seq 1200); do
        answers "$plain_port" && is_running "$1" && return 0
        [ "$(jobs -r)" ] || return 1
        sleep 0.05
    done
    return 1
}

choose_ports() {
    ec_port=$(free_port)
    rsa_port=$(free_port)
    plain_port=$(free_port)
}

ports() { printf '%s\n' "ec_port=$ec_port" "rsa_port=$rsa_port" "plain_port=$plain_port"; }

start_broker() {
    command -v mosquitto >/dev/null || fail "mosquitto is missing" "Run:  make deps"
    if [ -e "$1/ports" ]; then . "$1/ports"; else choose_ports; fi
    if is_running "$1"; then return 0; fi
    for _ in 1 2 3 4 5; do
        if launch "$1"; then
            ports >"$1/ports"
            return 0
        fi
        stop_broker "$1"
        choose_ports
    done
    tail -n 5 "$1/broker.out" "$1/broker.log" >&2
    fail "mosquitto does not start" "Its configuration is $1/broker.conf"
}

stop_broker() {
    is_running "$1" || return 0
    kill "$(cat "$1/broker.pid")"
    for _ in $(seq 1200); do
        is_running "$1" || break
        sleep 0.05
    done
    rm -f "$1/broker.pid"
}

say_what_to_try() {
    local tls="-h localhost -p $ec_port --cafile $1/ec/root.pem --cert $1/ec/client.pem"
    tls="$tls --key $1/ec/client.key"
    cat <<END

A broker runs on localhost, port $ec_port. Its certificates are in $1/ec;
those for its port $rsa_port, with RSA keys, are in $1/rsa. Port $plain_port takes --no-tls. In two terminals:

$THIMBLE sub $tls -t hello -v

$THIMBLE pub $tls -t hello -m world -q 1 --mem-report

What must fail: --cafile $1/other/root.pem, --cert $1/ec/client-expired.pem,
no --cert and --key. "$THIMBLE explain CODE" tells about an exit code.

"make lab-stop" ends the broker.
END
}

# ---- commands ------------------------------------------------------------------------------

usage() { sed -n '2,/^set/s/^# \{0,1\}//p' "$0" | head -n -1; exit 2; }

[ $# -eq 2 ] || usage
mkdir -p "$2"
directory=$(cd "$2" && pwd)
case $1 in
pki)     make_pki "$directory" ;;
start)   make_pki "$directory"; start_broker "$directory"; cat "$directory/ports" ;;
try)     make_pki "$directory"; start_broker "$directory"; say_what_to_try "$directory" ;;
stop)    stop_broker "$directory" ;;
restart) stop_broker "$directory"; start_broker "$directory"; cat "$directory/ports" ;;
*)       usage ;;
esac
