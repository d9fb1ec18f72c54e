#!/bin/bash
# device: the disk under the file system fails, is slow, or hangs, and nothing that was acknowledged is gone.
#
# usage: tests/crash/device.sh BIN error|slow|stuck CYCLES [SEED]
#
#   error   every write fails from some moment on. The server ends with the status of a failed log; the device recovers,
#           all that was only in memory is dropped, and the ledger decides.
#   slow    each write takes 20 ms more; kill -9 as ever.
#   stuck   nothing moves for two seconds, and bookings are refused after one; then claims are acknowledged again; kill -9.
#
# The device is a file served by nbdkit, whose filters fail and delay, made a file again by nbdfuse, made a block device by
# losetup. tests/crash/crash.c keeps the server under load on its file system and holds it against the ledger.
#
# Skips loudly without root, loop devices, FUSE or the tools.
set -eu
. "$(dirname "$0")/mounted.sh"

# nbdkit's side of the device stays, the rest comes and goes, so that no cache outlives a failure.
attach() {
	nbdfuse "$place/fuse" "nbd+unix:///?socket=$place/socket" >>"$place/log" 2>&1 &
	echo $! >"$place/nbdfuse.pid"
	patiently test -s "$place/fuse/nbd" || return 1
	losetup -f --show "$place/fuse/nbd" >"$place/loop"
}
detach() {
	! mountpoint -q "$place/mount" || patiently umount "$place/mount" || umount -l "$place/mount"
	[ ! -s "$place/loop" ] || losetup -d "$(cat "$place/loop")" || true
	rm -f "$place/loop"
	patiently fusermount3 -u "$place/fuse" || true
	[ ! -s "$place/nbdfuse.pid" ] || end "$(cat "$place/nbdfuse.pid")"
	rm -f "$place/nbdfuse.pid"
}

case $1 in # called by crash
renew)
	place=$2
	detach
	rm -f "$place/broken"
	attach
	mount "$(cat "$place/loop")" "$place/mount"
	exit
	;;
hang)
	kill -STOP "$2"
	sleep 2
	kill -CONT "$2"
	exit
	;;
esac

bin=$1
fault=$2
cycles=$3
seed=${4:-}
what="a device with the fault '$fault'"

need losetup mkfs.ext4 nbdkit nbdfuse fusermount3
[ -c /dev/fuse ] || skip 'there is no /dev/fuse'
make_place
mkdir "$place/fuse"
nbdkit=
clean() {
	detach
	[ -z "$nbdkit" ] || end "$nbdkit"
	rm -rf "$place"
}
trap clean EXIT
trap 'exit 1' INT TERM HUP

truncate -s 512M "$place/image"
delay=0
[ "$fault" != slow ] || delay=20ms
nbdkit -f -U "$place/socket" --filter=error --filter=delay file "$place/image" delay-write=$delay \
	error-pwrite=EIO error-pwrite-rate=100% error-file="$place/broken" >>"$place/log" 2>&1 &
nbdkit=$!
patiently test -S "$place/socket" || skip 'nbdkit does not start'
attach || skip 'nbdfuse does not start'
[ -s "$place/loop" ] || skip 'no loop device can be had'
mkfs.ext4 -q -E nodiscard "$(cat "$place/loop")"
mount "$(cat "$place/loop")" "$place/mount"

case $fault in
error) ways=(--cut "touch '$place/broken'" --renew "$0 renew '$place'") ;;
slow) ways=() ;;
stuck) ways=(--during "$0 hang $nbdkit" --options "--commit-timeout 1") ;;
esac
echo "$what:"
"$bin/crash/crash" --bin "$bin" --cycles "$cycles" --dir "$place/mount/data" "${ways[@]}" ${seed:+--seed "$seed"}
