#!/bin/bash
# block_images: the power is cut between any two writes of the disk, and nothing that was acknowledged by then is gone.
#
# usage: tests/crash/block_images.sh BIN ext4|xfs IMAGES [SEED]
#
# Every write and flush of the disk under the file system is recorded, by tests/block/recorder.c, made a block device by
# losetup. tests/crash/crash.c keeps a server under load there, kills it and starts it again a few times, and notes with each
# request and each answer how far the recording was. Then it makes images of the disk as a power cut may have left it at that
# position or another, and for each the file system is mounted, which recovers it, and the server started on it, which must
# stand by everything that was answered before (tests/crash/images.c).
#
# A recorder of our own, of two pages, and not qemu's blklogwrites or a log of nbdkit's: the position must be read by the
# clients while they run, and must count an entry before the kernel is told that it is written.
#
# First comes the proof that this can fail, twice: a server with `fsync no` acknowledges what is not on the disk yet; and
# answers that are taken to have come a moment before they did ask for what was not on the disk then.
#
# An image that was found bad, its recording and the server's output are kept in BIN/crash/. Skips loudly without root, loop
# devices, FUSE or the tools.
set -eu
. "$(dirname "$0")/mounted.sh"

unmount() {
	! mountpoint -q "$place/mount" || patiently umount "$place/mount" || umount -l "$place/mount"
}

if [ "$1" = show ]; then # called by crash
	place=$2
	unmount
	mv "$place/image" "$place/shown"
	mount -o loop "$place/shown" "$place/mount"
	exit
fi

bin=$1
kind=$2
images=$3
seed=${4:-}
what="block images of $kind"
size=$((320 * 1024 * 1024)) # xfs wants more than 300 MiB; what is never written costs nothing

need losetup "mkfs.$kind" fusermount3
[ -c /dev/fuse ] || skip 'there is no /dev/fuse'
[ -x "$bin/block/recorder" ] || skip "$bin/block/recorder is not built"
make_place
recorder=
loop=
detach() {
	unmount
	[ -z "$loop" ] || losetup -d "$loop" || true
	loop=
	[ -z "$recorder" ] || patiently fusermount3 -u "$place/disk" || true
	[ -z "$recorder" ] || end "$recorder"
	recorder=
}
clean() {
	detach
	rm -rf "$place"
}
trap clean EXIT
trap 'exit 1' INT TERM HUP

# A new disk that is recorded from its first byte on.
attach() {
	: >"$place/disk"
	"$bin/block/recorder" "$place/recording" $size "$place/disk" &
	recorder=$!
	patiently test -s "$place/disk" || skip 'the recorder does not start'
	loop=$(losetup -f --show "$place/disk") || skip 'no loop device can be had'
	case $kind in
	ext4) mkfs.ext4 -q -E nodiscard,lazy_itable_init=0,lazy_journal_init=0 "$loop" ;;
	xfs) mkfs.xfs -q -K "$loop" ;;
	esac
	mount "$loop" "$place/mount"
}

# crash with so many cycles and images, and further options.
run() {
	attach
	local status=0
	"$bin/crash/crash" --bin "$bin" --dir "$place/mount/data" --cycles "$1" --recorded "$place" --images "$2" \
		--show "$0 show '$place'" ${seed:+--seed "$seed"} "${@:3}" || status=1
	detach
	return $status
}

must_be_found() {
	local log=$place/canary
	if run 2 20 "$@" >"$log"; then
		cat "$log"
		echo "FAILED: $* was not found"
		exit 1
	fi
	rm -f "$place/bad"
	echo "$what: $* is found: $(sed -n 's/^images=/images=/p' "$log")"
}

must_be_found --early 4 # a write and a flush, twice
must_be_found --options '--fsync no'
echo "$what:"
run 12 "$images" --keep && exit
[ ! -e "$place/bad" ] || cp --sparse=always "$place/bad" "$place/recording" "$bin/crash/"
exit 1
