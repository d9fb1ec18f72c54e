#!/bin/bash
# all: every way to end the server that this machine can do, one after another, and the totals.
#
# usage: tests/crash/all.sh BIN
#
# How often is asked for in the environment, as make crash does (Makefile): CYCLES kills on io_uring and a quarter of it on
# the pwrite engine for each way to deny io_uring, RESTARTS of an unprivileged server, CUTS of the power of each file system,
# IMAGES of each file system's disk, FAULTS of each kind of device, OPS random operations of all kinds, RUNS of clients whose
# history is recorded. SEED repeats a run; without one, one is chosen.
#
# Goes on after a suite that failed. Prints what each suite prints as it comes, then a table; a suite that could not run is
# in it as SKIPPED. Exits 1 if one failed.
set -u
bin=$1
here=$(dirname "$0")
logs=$bin/log/crash
mkdir -p "$logs"
SEED=${SEED:-$((RANDOM << 15 | RANDOM))}
table=()
failed=0

# The sum of KEY=NUMBER over the lines of a log that begin with a count; those of a run that must fail do not.
sum() {
	grep -E '^(kills|cuts|images)=' "$2" | grep -oE "(^| )$1=[0-9]+" | awk -F= '{ sum += $2 } END { print sum + 0 }'
}

# One suite: its name, its command.
suite() {
	local name=$1 log="$logs/${1// /_}.log" verdict=ok from=$SECONDS
	shift
	echo "== $name: $*"
	"$@" 2>&1 | tee "$log"
	if [ "${PIPESTATUS[0]}" -ne 0 ]; then
		verdict=FAILED
		failed=1
	elif grep -q '^SKIPPED' "$log"; then
		verdict=SKIPPED
	fi
	local key row
	row=$(printf '%-28s' "$name")
	for key in kills cuts images acked lost doubled ghosts; do
		row+=$(printf ' %9d' "$(sum $key "$log")")
	done
	table+=("$row $(printf '%8d' $((SECONDS - from)))  $verdict")
}

crash=("$bin/crash/crash" --bin "$bin" --keep --seed "$SEED")
suite 'kill -9' "${crash[@]}" --cycles "$CYCLES"
for answer in EPERM ENOSYS; do
	suite "kill -9, io_uring $answer" "${crash[@]}" --cycles $(((CYCLES + 3) / 4)) --deny $answer
done
suite 'kill -9, unprivileged' "${crash[@]}" --cycles "$RESTARTS" --unprivileged
suite 'streams' "$bin/streams/streams" --bin "$bin" --keep --ops "$OPS" --seed "$SEED"
suite 'histories' "$bin/history/history" --bin "$bin" --runs "$RUNS" --seed "$SEED"
suite 'full disk' "$bin/unit/serve/full_disk"
for kind in ext4 xfs; do
	suite "power cuts, $kind" "$here/power_cut.sh" "$bin" $kind "$CUTS" "$SEED"
	suite "block images, $kind" "$here/block_images.sh" "$bin" $kind "$IMAGES" "$SEED"
done
for fault in error slow stuck; do
	suite "device, $fault" "$here/device.sh" "$bin" $fault "$FAULTS" "$SEED"
done

printf '\n%-28s' suite
printf ' %9s' kills cuts images acked lost doubled ghosts
printf ' %8s  verdict\n' seconds
printf '%s\n' "${table[@]}"
printf '%s\n' "${table[@]}" | sed -E 's/^.{28}//' | awk '{
	for (i = 1; i <= 8; i++) {
		sum[i] += $i
	}
}
END {
	printf "%-28s", "total"
	for (i = 1; i <= 7; i++) {
		printf " %9d", sum[i]
	}
	printf " %8d\n", sum[8]
}'
echo "seed $SEED; again: make crash CYCLES=$CYCLES RESTARTS=$RESTARTS CUTS=$CUTS IMAGES=$IMAGES FAULTS=$FAULTS OPS=$OPS RUNS=$RUNS SEED=$SEED"
exit $failed
