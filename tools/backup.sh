#!/bin/bash
# backup: a copy of the data directory of a server, running or not, that restores up to the lsn it prints.
#
# usage: tools/backup.sh DIR TARGET
#
# TARGET must not exist; it appears when the copy is whole, checked and flushed. To restore, start slotd on it, or on a copy.
#
# How a copy of files that change can be whole:
#   - Snapshots first. One that has its name never changes, and what it needs of the log was durable before it got it. So
#     a log that is copied later has that, too.
#   - Segments from the newest down. A segment is begun only when the one before is complete. So if the copy of one has a
#     beginning, those copied after it have their ends; what comes in meanwhile is missing at the end only, where a
#     recovery takes it for a torn tail, which it is.
#   - The server may remove old files meanwhile, or write behind the place where cp just is. Either leaves a gap, and
#     slotd-replay --verify refuses any gap: then the copy is made again.
#   - While an import goes on (import.slotd is there) what the log has is a part of another server's state, which would look
#     whole: there is no backup of that. One that came and went meanwhile began with an empty log: the copy is made again.
# What was acknowledged before the copying began was in the files before, and is in the copy.
set -eu -o pipefail

attempts=20

if [ $# -ne 2 ]; then
	echo "usage: $0 DIR TARGET" >&2
	exit 2
fi
dir=$1
target=$2
# slotd-replay: where this is installed, or anywhere, or where it was built.
here=$(dirname "$0")
PATH=$here:$PATH:$here/../build

if [ -e "$target" ]; then
	echo "backup: $target exists" >&2
	exit 2
fi
unfinished=$(mktemp -d "$target.unfinished-XXXXXX")
trap 'rm -rf "$unfinished"' EXIT

# A file that is gone by now was not needed any more, or verify will say so.
copy() {
	local file
	for file; do
		cp -p "$file" "$unfinished/" 2>"$unfinished/error" || [ ! -e "$file" ] || {
			cat "$unfinished/error" >&2
			return 1
		}
	done
}
has_records() {
	[ -n "$(slotd-replay "$1" --limit 1 2>/dev/null)" ]
}
newest_first() {
	find "$dir" -maxdepth 1 -type f -name "$1" | sort -r
}

for ((attempt = 1; ; attempt++)); do
	rm -f "$unfinished"/*
	began_empty=true
	! has_records "$dir" || began_empty=false
	mapfile -t snapshots < <(newest_first 'snap-[0-9a-f]*.slotd')
	copy "${snapshots[@]}"
	mapfile -t segments < <(newest_first 'wal-[0-9a-f]*.slotd')
	copy "${segments[@]}"
	rm -f "$unfinished/error"
	if [ -e "$dir/import.slotd" ]; then
		echo "backup: an import into $dir has not ended, and a part of a state must not be restored: back up when it has" >&2
		exit 1
	fi
	if [ ${#segments[@]} -gt 0 ] && said=$(slotd-replay "$unfinished" --verify 2>&1); then
		$began_empty && has_records "$unfinished" || break
	fi
	if [ $attempt -eq $attempts ]; then
		echo "backup: $attempts copies of $dir are not sound; is it? Run: slotd-replay $dir --verify" >&2
		echo "${said:-there is no log}" >&2
		exit 1
	fi
done
sync "$unfinished"/* "$unfinished"
mv -T "$unfinished" "$target"
trap - EXIT
sync "$(dirname "$target")"
lsn=${said#*last_lsn=}
echo "restores up to lsn ${lsn%% *}"
