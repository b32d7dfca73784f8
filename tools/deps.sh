#!/bin/sh
# Gets everything thimble is built from, and nothing twice:
#
#   tools/deps.sh tools [GROUP]...   the Debian packages of tools/deps.list; no group named: those
#                                    of build, lab and test
#   tools/deps.sh sources            wolfSSL and cJSON, as pinned in config/deps.pin
#   tools/deps.sh foreign DIR SUITE ARCHITECTURE PACKAGE...
#                                    packages of another architecture, unpacked into DIR
#   tools/deps.sh archive            the Debian archive this system uses
#
# Packages are installed when this runs as root or may use sudo; otherwise the command to type is
# named. Sources and foreign packages come from the Debian archive this system already uses, through
# a private apt configuration that touches nothing outside $DEPS_DIR; apt verifies the archive's
# signature.
#
#   DEPS_DIR          where sources are kept                         (build/deps)
#   WOLFSSL_RELEASE   pinned, newest or stable: where to begin        (pinned)
#   WOLFSSL_SRC       a given wolfSSL tree: nothing is fetched for it
#   CJSON_SRC         a given cJSON tree: likewise
set -eu
cd "$(dirname "$0")/.."

DEPS_DIR=${DEPS_DIR:-build/deps}
WOLFSSL_RELEASE=${WOLFSSL_RELEASE:-pinned}
WOLFSSL_SRC=${WOLFSSL_SRC:-}
CJSON_SRC=${CJSON_SRC:-}
PINS=$(pwd)/config/deps.pin
KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg
PATH=$PATH:/usr/sbin:/sbin
export DEBIAN_FRONTEND=noninteractive

say()  { printf '  %-7s %s\n' "$1" "$2"; }
loud() { printf '\n  ***     %s\n\n' "$1" >&2; }
fail() { printf '\n  FAILED  %s\n' "$1" >&2; shift; printf '          %s\n' "$@" >&2; exit 1; }

# ---- packages ------------------------------------------------------------------------------

header_is_there() { printf '#include %s\n' "$1" | gcc -E -x c - >/dev/null 2>&1; }

libfuzzer_is_there() {
    ls "$(clang -print-resource-dir 2>/dev/null)"/lib/linux/libclang_rt.fuzzer-*.a >/dev/null 2>&1
}

is_there() {
    case $1 in
    '<'*)      header_is_there "$1" ;;
    '='*)      test -e "${1#=}" ;;
    libfuzzer) libfuzzer_is_there ;;
    *)         command -v "$1" >/dev/null 2>&1 ;;
    esac
}

packages_of() { awk -v g="$1" '$1 == g { print $2, $3 }' tools/deps.list; }

missing_packages() {
    for group in "$@"; do
        packages_of "$group" | while read -r package probe; do
            is_there "$probe" || echo "$package"
        done
    done | sort -u | tr '\n' ' '
}

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

may_install() {
    [ "$(id -u)" = 0 ] || sudo -n true 2>/dev/null || { command -v sudo >/dev/null && [ -t 0 ]; }
}

install_packages() {
    command="apt-get install --no-install-recommends $*"
    command -v apt-get >/dev/null ||
        fail "missing: $*" "This is not a Debian system; install their like."
    may_install || fail "missing: $*" "As root:  apt-get update && $command"
    say INSTALL "$*"
    as_root apt-get update -qq ||
        fail "the package archive cannot be reached" "Check the network and try:  apt-get update"
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" \
        >"$DEPS_DIR/install.log" 2>&1 ||
        fail "packages were not installed, see $DEPS_DIR/install.log" "Try:  $command"
}

get_tools() {
    [ $# -gt 0 ] || set -- build lab test
    missing=$(missing_packages "$@")
    [ -z "$missing" ] || install_packages $missing
    missing=$(missing_packages "$@")
    [ -z "$missing" ] || fail "still missing after installing: $missing"
}

# ---- the archive ---------------------------------------------------------------------------

# The archives of the system's own apt sources which carry its release: Debian's own first.
archives() {
    codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-stable}")
    for release in "$codename" stable oldstable; do
        apt-get indextargets --format '$(ORIGIN) $(REPO_URI)' \
            'Created-By: Packages' 'Component: main' "Release: $release" 2>/dev/null || true
    done | awk '{ print ($1 == "Debian" ? 0 : 1), $NF }' | sort -u | awk '!seen[$2]++ { print $2 }'
}

# write_private_apt ARCHIVE TYPE SUITE...: as if this system were one of $ARCHITECTURE
write_private_apt() {
    architecture=${ARCHITECTURE:-$(dpkg --print-architecture)}
    archive_address=$1 type=$2; shift 2
    mkdir -p "$APT/lists/partial" "$APT/cache/archives/partial"
    for suite in "$@"; do
        echo "$type [signed-by=$KEYRING] $archive_address $suite main"
    done >"$APT/sources.list"
    cat >"$APT/apt.conf" <<END
APT::Architecture "$architecture";
APT::Architectures { "$architecture"; };
Acquire::Languages "none";
Dir::Etc::SourceList "$APT/sources.list";
Dir::Etc::SourceParts "/dev/null";
Dir::State::Lists "$APT/lists";
Dir::Cache "$APT/cache";
APT::Sandbox::User "root";
Acquire::Retries "2";
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
END
}

private_apt_get() { apt-get -c "$APT/apt.conf" -qq "$@" >>"$APT/log" 2>&1; }

# open_archive WHAT TYPE SUITE...: the first archive that has such lists.
# A suite that is missing must not hide the other one, hence no --error-on=any.
open_archive() {
    [ -z "${ARCHIVE:-}" ] || return 0
    what=$1; shift
    APT=$(pwd)/$DEPS_DIR/apt
    case $DEPS_DIR in /*) APT=$DEPS_DIR/apt ;; esac
    for archive in $(archives); do
        write_private_apt "$archive" "$@"
        say INDEX "$what of $archive"
        : >"$APT/log"
        private_apt_get update || continue
        ls "$APT"/lists/*_main_*_[SP]*s* >/dev/null 2>&1 || continue
        ARCHIVE=$archive
        return 0
    done
    tail -n 5 "$APT/log" >&2 2>/dev/null || true
    fail "the Debian archive of this system's apt sources cannot be reached" \
         "Check the network with 'apt-get update', then run 'make deps' again," \
         "or give trees of your own: make WOLFSSL_SRC=dir CJSON_SRC=dir"
}

# ---- sources -------------------------------------------------------------------------------

pinned_version() { awk -v n="$1" '$1 == n { print $3; exit }' "$PINS"; }
pinned_files()   { awk -v n="$1" '$1 == n { print $5 "  " $4 }' "$PINS"; }

# Downloads into an empty directory, so that what is found there is what the archive gave.
download() {
    name=$1; shift
    rm -rf "$DEPS_DIR/download"; mkdir -p "$DEPS_DIR/download"
    say FETCH "$name"
    (cd "$DEPS_DIR/download" && private_apt_get source --download-only "$@")
}

checksums_agree() {
    (cd "$DEPS_DIR/download" && pinned_files "$1" | sha256sum --check --quiet >&2)
}

# Only what is compiled: the rest of the tarball is five times as large.
unpack_tarball() {
    rm -rf "$2"; mkdir -p "$2"
    tar -xf "$1" -C "$2" --strip-components=1 --wildcards --no-wildcards-match-slash \
        '*/src' '*/wolfcrypt/src' '*/wolfssl' '*/COPYING'
}

unpack_package() {
    rm -rf "$2"
    dpkg-source --no-check --no-copy -x "$1" "$2" >"$DEPS_DIR/unpack.log" 2>&1 ||
        { cat "$DEPS_DIR/unpack.log" >&2; fail "$1 cannot be unpacked"; }
}

settle() {
    ln -sfn "$2" "$DEPS_DIR/$1"
    echo "$3" >"$DEPS_DIR/$1.origin"
    rm -rf "$DEPS_DIR/download"
    say READY "$1: $3"
}

wolfssl_pinned() {
    version=$(pinned_version wolfssl)
    tarball=$DEPS_DIR/download/wolfssl_$version.orig.tar.gz
    download "wolfSSL $version (28 MB)" --tar-only wolfssl/unstable || return 1
    [ -e "$tarball" ] || return 1
    checksums_agree wolfssl ||
        fail "this wolfSSL $version is not the one that is pinned: its checksum differs" \
             "See config/deps.pin; to build it all the same: make WOLFSSL_RELEASE=newest"
    unpack_tarball "$tarball" "$DEPS_DIR/wolfssl-$version"
    settle wolfssl "wolfssl-$version" "$version upstream release, pinned, from Debian unstable"
}

wolfssl_newest() {
    major=$(pinned_version wolfssl | cut -d. -f1)
    download "the newest wolfSSL $major.x" --tar-only wolfssl/unstable || return 1
    tarball=$(ls "$DEPS_DIR/download"/wolfssl_"$major".*.orig.tar.?z 2>/dev/null) || return 1
    version=$(basename "$tarball" | sed 's/wolfssl_\(.*\)\.orig.*/\1/')
    unpack_tarball "$tarball" "$DEPS_DIR/wolfssl-$version"
    settle wolfssl "wolfssl-$version" "$version upstream release, NOT PINNED, from Debian unstable"
    loud "wolfSSL $version is not the pinned release: figures are reported, not gated"
}

wolfssl_stable() {
    download "wolfSSL of Debian stable" wolfssl/trixie || return 1
    checksums_agree wolfssl-stable || loud "this is a newer package than the pinned one"
    dsc=$(ls "$DEPS_DIR/download"/wolfssl_*.dsc)
    version=$(basename "$dsc" .dsc | sed 's/wolfssl_//')
    unpack_package "$dsc" "$DEPS_DIR/wolfssl-$version"
    settle wolfssl "wolfssl-$version" "$version with Debian's patches, from Debian trixie"
    loud "wolfSSL $version is not the pinned release: figures are reported, not gated"
}

give_up() {
    tail -n 3 "$APT/log" >&2
    fail "$1 cannot be fetched" "Try again later, or give a tree of your own: make $2=dir"
}

get_wolfssl() {
    order="pinned newest stable"
    case $WOLFSSL_RELEASE in newest) order="newest stable" ;; stable) order=stable ;; esac
    for release in $order; do
        wolfssl_$release && return 0
        loud "wolfSSL ($release) cannot be had from the archive"
    done
    give_up wolfSSL WOLFSSL_SRC
}

get_cjson() {
    download "cJSON $(pinned_version cjson)" cjson/trixie || give_up cJSON CJSON_SRC
    checksums_agree cjson || loud "this cJSON is a newer package than the pinned one"
    dsc=$(ls "$DEPS_DIR/download"/cjson_*.dsc)
    version=$(basename "$dsc" .dsc | sed 's/cjson_//')
    unpack_package "$dsc" "$DEPS_DIR/cjson-$version"
    settle cjson "cjson-$version" "$version with Debian's patches, from Debian trixie"
}

# A source is fetched again when it is not there, or when another one is asked for.
is_current() {
    [ -e "$DEPS_DIR/$1/$2" ] && [ "$(cat "$DEPS_DIR/$1.wanted" 2>/dev/null)" = "$3" ]
}

get_source() {
    is_current "$1" "$2" "$3" && return 0
    open_archive "source lists (unstable, trixie; about 23 MB)" deb-src unstable trixie
    get_"$1"
    echo "$3" >"$DEPS_DIR/$1.wanted"
}

# need_tree NAME DIR FILE
need_tree() {
    [ -z "$2" ] || [ -e "$2/$3" ] ||
        fail "$1=$2 is not such a tree: it has no $3" "Give the folder that holds $3"
}

get_sources() {
    need_tree WOLFSSL_SRC "$WOLFSSL_SRC" wolfssl/version.h
    need_tree CJSON_SRC "$CJSON_SRC" cJSON.h
    [ -n "$WOLFSSL_SRC" ] ||
        get_source wolfssl wolfssl/version.h "$WOLFSSL_RELEASE $(pinned_version wolfssl)"
    [ -n "$CJSON_SRC" ] ||
        get_source cjson cJSON.h "$(pinned_version cjson)"
    rm -rf "$DEPS_DIR/apt"
}

# ---- other architectures -------------------------------------------------------------------

# get_foreign DIR SUITE ARCHITECTURE PACKAGE...
get_foreign() {
    directory=$1 suite=$2 ARCHITECTURE=$3; shift 3
    open_archive "package lists ($suite, $ARCHITECTURE; about 9 MB)" deb "$suite"
    say FETCH "$* for $ARCHITECTURE"
    rm -rf "$directory"; mkdir -p "$directory"
    (cd "$APT/cache" && private_apt_get download "$@") ||
        fail "no $* for $ARCHITECTURE in $suite" "See $APT/log"
    for package in "$APT"/cache/*.deb; do dpkg-deb -x "$package" "$directory"; done
    rm -rf "$APT"
}

# One at a time: make runs several of these at once.
mkdir -p "$DEPS_DIR"
exec 9>"$DEPS_DIR/lock"
flock 9
case ${1:-} in
tools)   shift; get_tools "$@" ;;
sources) get_sources ;;
foreign) shift; get_foreign "$@" ;;
archive) archives | head -n 1 ;;
*)       sed -n '2,/^set/s/^# \{0,1\}//p' "$0"; exit 2 ;;
esac
