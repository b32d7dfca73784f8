#!/bin/sh
# Certificates for the TLS tests: pki.sh DIR. Good hierarchies ec and rsa (root, intermediate,
# server, client), and in ec/ one server for each thing that must be refused. Servers are
# broker.test, *.wild.test, 127.0.0.1 and ::1. Made aside and moved into place whole.
set -eu
dir=$1
[ ! -e "$dir/done" ] || exit 0
mkdir -p "$(dirname "$dir")"
dir=$(cd "$(dirname "$dir")" && pwd)/$(basename "$dir")
work=$(mktemp -d "$dir.XXXXXX")
trap 'rm -rf "$work"' EXIT
cd "$work"

configure() {
    cat <<END
[ca]
default_ca = test
[test]
database = index
new_certs_dir = .
unique_subject = no
rand_serial = yes
default_md = sha256
default_days = 3650
policy = any
[any]
commonName = supplied
[req]
distinguished_name = none
[none]
[ca_extensions]
basicConstraints = critical, CA:true
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[ca_client]
basicConstraints = critical, CA:true
keyUsage = critical, keyCertSign, cRLSign
extendedKeyUsage = clientAuth
[client]
basicConstraints = CA:false
keyUsage = critical, digitalSignature
extendedKeyUsage = clientAuth
END
    server good 'serverAuth' \
        'subjectAltName = DNS:broker.test, DNS:*.wild.test, IP:127.0.0.1, IP:::1'
    server wrongname 'serverAuth' 'subjectAltName = DNS:elsewhere.test'
    server cnonly 'serverAuth' ''
    server partial 'serverAuth' 'subjectAltName = DNS:b*.test, DNS:*r.test'
    server clienteku 'clientAuth' 'subjectAltName = DNS:broker.test'
    server anyeku 'anyExtendedKeyUsage' 'subjectAltName = DNS:broker.test'
    server otherip 'serverAuth' 'subjectAltName = IP:127.0.0.2, IP:::2, DNS:127.0.0.1'
}

server() {
    printf '[%s]\nbasicConstraints = CA:false\nkeyUsage = critical, digitalSignature\n' "$1"
    printf 'extendedKeyUsage = %s\n%s\n' "$2" "$3"
}

ec_key() { openssl genpkey -algorithm EC -pkeyopt "ec_paramgen_curve:$2" -out "$1"; }
rsa_key() { openssl genpkey -quiet -algorithm RSA -pkeyopt "rsa_keygen_bits:$2" -out "$1"; }

# sign NAME EXTENSIONS KEY ISSUER [OPTION...]
sign() {
    name=$1 extensions=$2 key=$3 issuer=$4
    shift 4
    openssl req -new -config ../ca.conf -key "$key.key" -subj "/CN=broker.test" -out request
    [ "$name" != "$issuer" ] || set -- "$@" -selfsign
    [ "$name" = "$issuer" ] || set -- "$@" -cert "$issuer.crt"
    openssl ca -batch -notext -config ../ca.conf -extensions "$extensions" \
        -subj "/CN=${common:-broker.test}" -keyfile "$issuer.key" "$@" -in request \
        -out "$name.crt" 2>log || { cat log >&2; exit 1; }
}

chain() { cat "$1.crt" "${2:-intermediate}.crt" >"$1.pem"; }
leaf() { sign "$@"; chain "$1"; }

hierarchy() {
    mkdir "$1"
    cd "$1"
    : >index
    for name in root intermediate server client; do "$2" "$name.key" "$3"; done
    common="root $1" sign root ca_extensions root root
    common="intermediate $1" sign intermediate ca_extensions intermediate root
    cp root.crt root.pem
    leaf server good server intermediate
    common="client" leaf client client client intermediate
    cd ..
}

# More certificates than a chain may have.
long_chain() {
    cd rsa
    for i in 1 2 3 4 5 6 7 8 9; do cat intermediate.crt; done >many
    cat server.crt many >long.pem
    cd ..
}

bad_servers() {
    cd ec
    for name in wrongname cnonly partial clienteku anyeku otherip; do
        leaf $name $name server intermediate
    done
    cp server.crt leaf.pem
    leaf expired good server intermediate -startdate 20200101000000Z -enddate 20210101000000Z
    leaf future good server intermediate -startdate 20400101000000Z -enddate 20410101000000Z
    leaf sha1 good server intermediate -md sha1
    rsa_key rsa1024.key 1024
    leaf rsa1024 good rsa1024 intermediate
    ec_key p224.key secp224r1
    leaf p224 good p224 intermediate
    ec_key clientca.key prime256v1
    common="client authority" sign clientca ca_client clientca root
    sign underclientca good server clientca
    chain underclientca clientca
    common="old root" sign oldroot ca_extensions root root \
        -startdate 20200101000000Z -enddate 20210101000000Z
    common="new root" sign newroot ca_extensions root root \
        -startdate 20400101000000Z -enddate 20410101000000Z
    cd ..
}

# The forms a key and a chain may come in.
other_forms() {
    openssl pkey -in ec/client.key -traditional -out ec/client.sec1 2>/dev/null
    openssl rsa -in rsa/client.key -traditional -out rsa/client.pkcs1 2>/dev/null
    openssl pkey -in ec/client.key -aes128 -passout pass:secret -out ec/client.encrypted
    openssl rsa -in rsa/client.key -traditional -aes128 -passout pass:secret \
        -out rsa/client.encrypted 2>/dev/null
    openssl pkey -in ec/client.key -outform DER -out ec/client.key.der
    openssl ec -in ec/client.key -outform DER -out ec/client.sec1.der 2>/dev/null
    openssl rsa -in rsa/client.key -traditional -outform DER -out rsa/client.pkcs1.der 2>/dev/null
    openssl x509 -in ec/client.crt -outform DER -out ec/client.der
    openssl x509 -in ec/root.crt -outform DER -out ec/root.der
    openssl ecparam -name prime256v1 -out ec/parameters
    cat ec/parameters ec/client.sec1 >ec/client.parameters.sec1
}

configure >ca.conf
hierarchy ec ec_key prime256v1
hierarchy rsa rsa_key 2048
hierarchy other ec_key prime256v1
bad_servers
long_chain
other_forms
head -c 100000 /dev/zero | tr '\0' 'x' >big
rm -f -- */[0-9A-F]*.pem */index* */request */log */many
: >done
rm -rf "$dir"
mv "$work" "$dir" 2>/dev/null || [ -e "$dir/done" ]
