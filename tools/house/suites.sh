#!/bin/bash
# suites: runs test programs one after another, one line each, and says how many tests passed.
#
# usage: tools/house/suites.sh LOGDIR 'name=command with arguments'...
#
# What a suite prints goes to LOGDIR/log/<name>.log. A suite has failed when it does not exit 0. Its tests are counted from
# Criterion's synthesis or from a line "N passed, M failed" of its own; a program that prints neither counts as one test. A
# suite has SLOTD_SUITE_SECONDS (300) to end. A failed one shows the end of its log, where the rest is, and the command
# that repeats it. A line of its that starts with SKIPPED is shown, passed or not.
#
# The last line is the total, "N passed, M failed" alone. With SLOTD_TALLY=FILE the two numbers are added to that file
# instead, so that .ci/run can print one total for all.
set -u

log_dir=$1/log
shift
passed_total=0
failed_total=0
limit=${SLOTD_SUITE_SECONDS:-300}

# Sets passed and failed from what a suite printed.
tally() {
	local log=$1 status=$2 numbers
	numbers=$(sed -nE -e 's/.*Synthesis: .*Passing: ([0-9]+) \| Failing: ([0-9]+) \| Crashing: ([0-9]+).*/\1 \2 \3/p' \
		-e 's/^([0-9]+) passed, ([0-9]+) failed$/\1 \2 0/p' "$log" | tail -n 1)
	if [ -n "$numbers" ]; then
		read -r passed failed crashed <<<"$numbers"
		failed=$((failed + crashed))
	else
		passed=$((status == 0))
		failed=0
	fi
	[ "$status" -eq 0 ] || [ "$failed" -gt 0 ] || failed=1
}

for suite; do
	name=${suite%%=*}
	command=${suite#*=}
	log=$log_dir/$name.log
	mkdir -p "${log%/*}"
	start_ms=$(date +%s%3N)
	timeout -k 5 $limit bash -c "$command" >"$log" 2>&1 </dev/null
	status=$?
	[ $status -ne 124 ] || echo "still running after $limit seconds, ended" >>"$log"
	elapsed_ms=$(($(date +%s%3N) - start_ms))
	tally "$log" $status
	passed_total=$((passed_total + passed))
	failed_total=$((failed_total + failed))
	if [ $status -eq 0 ]; then
		printf 'ok    %-32s %5d passed  %3d.%03d s\n' "$name" $passed $((elapsed_ms / 1000)) $((elapsed_ms % 1000))
		sed -n 's/^SKIPPED/      &/p' "$log"
	else
		printf 'FAIL  %-32s %5d failed  exit %d\n' "$name" $failed $status
		tail -n 40 "$log" | sed 's/^/      | /'
		printf '      all of it: %s\n      again:     %s\n' "$log" "$command"
	fi
done

if [ -n "${SLOTD_TALLY:-}" ]; then
	echo "$passed_total $failed_total" >>"$SLOTD_TALLY"
else
	echo "$passed_total passed, $failed_total failed"
fi
[ $failed_total -eq 0 ]
