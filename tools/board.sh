#!/bin/sh
# Makes the disk of a board: Debian 12 with systemd, two kernels, and what tests/board/guest puts
# into it; nothing of thimble.
#
#   tools/board.sh DIR    DIR/disk.img, ext4; DIR/stable and DIR/newer: kernel and initrd
#
# The second kernel is that of Debian's backports. It takes a minute, 120 MB of packages, and root.
set -eu
cd "$(dirname "$0")/.."
PATH=$PATH:/usr/sbin:/sbin
SUITE=bookworm
DISK_BYTES=1400M

say()  { printf '  %-7s %s\n' "$1" "$2"; }
fail() { printf '\n  FAILED  %s\n' "$1" >&2; exit 1; }

# The newer kernel is another package: the one before stays.
make_root() {
    archive=$(tools/deps.sh archive)
    say DEBIAN "$SUITE of ${archive:?no archive in the sources of apt}"
    mmdebstrap --variant=minbase --format=directory \
        --include=systemd-sysv,dbus,udev,libnss-systemd,linux-image-cloud-amd64 \
        --customize-hook='chroot "$1" apt-get -qq install --no-install-recommends --yes \
            linux-image-cloud-amd64/'$SUITE-backports \
        --customize-hook='copy-in tests/board/guest /' \
        --customize-hook='chroot "$1" sh /guest/settle' \
        $SUITE "$root" "deb $archive $SUITE main" "deb $archive $SUITE-backports main" \
        >"$1/debian.log" 2>&1 || { tail "$1/debian.log" >&2; fail "no root file system"; }
}

# take_kernel NAME VERSION
take_kernel() {
    mkdir -p "$directory/$1"
    cp "$root/boot/vmlinuz-$2" "$directory/$1/vmlinuz"
    cp "$root/boot/initrd.img-$2" "$directory/$1/initrd"
    say KERNEL "$1: $2"
}

take_kernels() {
    set -- $(ls "$root/lib/modules" | sort -V)
    [ $# -eq 2 ] || fail "not two kernels: $*"
    take_kernel stable "$1"
    take_kernel newer "$2"
}

[ $# -eq 1 ] || { sed -n '2,/^set/s/^# \{0,1\}//p' "$0" | head -n -1; exit 2; }
[ "$(id -u)" = 0 ] || fail "root file systems are root's to make"
mkdir -p "$1"
directory=$(cd "$1" && pwd)
root=$(mktemp -d "$directory/root.XXXXXX")
trap 'rm -rf --one-file-system "$root"' EXIT
make_root "$directory"
take_kernels
mke2fs -q -F -t ext4 -d "$root" "$directory/disk.new" $DISK_BYTES \
    >"$directory/mke2fs.log"
mv "$directory/disk.new" "$directory/disk.img"
say DISK "$directory/disk.img"
