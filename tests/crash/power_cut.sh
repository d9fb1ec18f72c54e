#!/bin/bash
# power_cut: the power of a real file system is cut under load, and nothing that was acknowledged is gone.
#
# usage: tests/crash/power_cut.sh BIN ext4|xfs CUTS [SEED]
#
# A file system in an image, mounted through a loop device; tests/crash/crash.c keeps the server under load on it. A cut is
# the file system's own shutdown (xfs_io -x -c shutdown), which drops what it had not yet brought to the device; every other
# run of cuts first writes the journal (-f). The server must end with the status of a failed log; then the file system is
# mounted again, as after a cut, and the ledger decides.
#
# Skips loudly without root, loop devices or the tools.
set -eu
. "$(dirname "$0")/mounted.sh"

if [ "$1" = renew ]; then # the other half of a cut, called by crash
	patiently umount "$2/mount"
	# A copy: should anybody else still have the old file system mounted (a sandbox that was made meanwhile keeps a copy
	# of all mounts), the kernel would give us that one back, shut down as it is.
	cp --sparse=always "$2/image" "$2/next"
	mv "$2/next" "$2/image"
	mount -o loop "$2/image" "$2/mount"
	exit
fi

bin=$1
kind=$2
cuts=$3
seed=${4:-}
what="power cuts on $kind"

need losetup "mkfs.$kind" xfs_io
make_place
clean() {
	! mountpoint -q "$place/mount" || patiently umount "$place/mount" || umount -l "$place/mount"
	rm -rf "$place"
}
trap clean EXIT
trap 'exit 1' INT TERM HUP

truncate -s 512M "$place/image"
"mkfs.$kind" -q "$place/image"
mount -o loop "$place/image" "$place/mount" || skip 'no loop device can be had'

status=0
for way in shutdown 'shutdown -f'; do
	echo "$what, $way:"
	"$bin/crash/crash" --bin "$bin" --cycles $(((cuts + 1) / 2)) --dir "$place/mount/data" \
		--cut "xfs_io -x -c '$way' '$place/mount'" --renew "$0 renew '$place'" ${seed:+--seed "$seed"} || status=1
done
exit $status
