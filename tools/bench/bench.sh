#!/bin/bash
# bench: slotd beside Redis (or Valkey), PostgreSQL and the disk alone, in one alternating run; rewrites the figures of
# docs/BENCHMARKS.md and docs/charts/*.svg.
#
# usage: tools/bench/bench.sh BIN REPETITIONS SECONDS
#
# Each repetition starts every server on a fresh directory of the same file system, meets each row with one server after the
# other (in reverse order every second time), then stops them. SECONDS is the time of one row and server. All figures go to
# build/bench/sheet; slotd-bench makes medians and ratios of them. Peers that are not installed are skipped, loudly.
#
# Environment: BENCH_DIR, where the servers' directories go (build/bench); SESSIONS, how many fill a server before its memory
# and its restart are measured (1000000).
set -eu

bin=$1 repetitions=$2 seconds=$3
here=tools/bench
root=${BENCH_DIR:-build/bench}
sessions=${SESSIONS:-1000000}
mkdir -p "$root" build/bench docs/charts
work=$(mktemp -d "$(cd "$root" && pwd)/run.XXXXXX")
chmod 755 "$work"
sheet=build/bench/sheet
: >"$sheet"
failures=build/bench/failures
: >"$failures"
repetition=0

declare -A pid port dir
. "$here/servers.sh"
trap 'stop_all; rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

say() {
	printf '%s\n' "$*" >&2
}

# Adds one figure to the sheet: keep ROW WHO METRIC VALUE.
keep() {
	printf '%s %s %s %s %s\n' "$1" "$2" "$repetition" "$3" "$4" >>"$sheet"
}

# This repetition's value of a figure, or nothing: value ROW WHO METRIC.
value() {
	awk -v row="$1" -v who="$2" -v metric="$3" -v repetition="$repetition" \
		'$1 == row && $2 == who && $3 == repetition && $4 == metric { print $5 }' "$sheet"
}

# One run of slotd-bench against one server: measure ROW WHO MODE [option]... What fails is said, listed in the report, and
# does not end the run.
measure() {
	local row=$1 who=$2 mode=$3
	shift 3
	local words=("$mode" --row "$row" --who "$who" --repetition "$repetition" --sheet "$sheet" --seconds "$seconds")
	case $who in
	slotd) words+=(--peer slotd) ;;
	redis-*) words+=(--peer redis) ;;
	postgres) words+=(--peer postgres) ;;
	esac
	if [ -n "${port[$who]:-}" ]; then
		words+=(--server "127.0.0.1:${port[$who]}" --dir "${dir[$who]}")
	fi
	if ! "$bin/slotd-bench-postgres" "${words[@]}" "$@" 2>"$work/failure"; then
		tee -a "$failures" <"$work/failure" >&2
	fi
}

# The servers of a list that run, in this repetition's order.
running() {
	local names=()
	for who in "$@"; do
		if [ -n "${pid[$who]:-}" ]; then
			if [ $((repetition % 2)) = 1 ]; then names+=("$who"); else names=("$who" "${names[@]}"); fi
		fi
	done
	echo "${names[@]}"
}

# claims ROW CONNECTIONS PIPELINE WHO...: a closed loop; a server that promises to flush must be seen flushing.
claims() {
	local row=$1 connections=$2 pipeline=$3 who
	shift 3
	for who in $(running "$@"); do
		local durable=(--durable)
		[ "$who" != redis-none ] || durable=()
		measure "$row" "$who" claim --connections "$connections" --pipeline "$pipeline" "${durable[@]}"
	done
}

# So much of the rate that a server reached in a row of this repetition: share ROW WHO PERCENT.
share() {
	value "$1" "$2" rate | awk -v percent="$3" '{ rate = int($1 * percent / 100) } END { print (rate > 1 ? rate : 1) }'
}

throughput() {
	local everyone=(slotd redis-always redis-none postgres) who
	for who in $(running slotd redis-none); do
		measure ping-50x64 "$who" ping --connections 50 --pipeline 64
	done
	for who in $(running slotd redis-none); do
		measure ping-1x1 "$who" ping --connections 1
	done
	# The device is asked next to the rows that are compared with it.
	measure probe-1x1 device probe --dir "$work"
	claims book-1x1 1 1 "${everyone[@]}"
	measure probe-50x1 device probe --dir "$work"
	claims book-50x1 50 1 "${everyone[@]}"
	claims book-10x1 10 1 "${everyone[@]}"
	claims book-200x1 200 1 "${everyone[@]}"
	claims book-50x4 50 4 slotd redis-always redis-none
	claims book-50x16 50 16 slotd redis-always redis-none
	claims book-50x64 50 64 slotd redis-always redis-none
	measure mixed-50x16 slotd mixed --connections 50 --pipeline 16
}

# Is our client as fast as Redis's own? The same command, keys and values of the same lengths, the same server, empty: which of the
# two meets the server while it moves its keys to a larger table would decide it otherwise.
client_check() {
	local rate benchmark
	[ -n "${pid[redis-none]:-}" ] || return 0
	benchmark=$(command -v redis-benchmark || command -v valkey-benchmark) || { skip client-check "no redis-benchmark"; return 0; }
	redis-cli -p "${port[redis-none]}" FLUSHALL >/dev/null
	measure client-check redis-none claim --connections 50 --pipeline 16
	redis-cli -p "${port[redis-none]}" FLUSHALL >/dev/null
	rate=$(value client-check redis-none rate)
	rate=$("$benchmark" -p "${port[redis-none]}" -c 50 -P 16 -n "$(awk -v r="$rate" -v s="$seconds" \
		'BEGIN { print int(r * s) + 1000 }')" -r 1000000000 --csv SET key-of-28-bytes:__rand_int__ client-16-bytes. NX |
		awk -F'"' 'END { print $4 }')
	say "client-check redis-benchmark: rate $rate"
	keep client-check redis-benchmark rate "$rate"
}

# Has the running slotd written a snapshot? False if it has no such command.
snapshot() {
	local answer
	answer=$(redis-cli -p "${port[slotd]}" SNAPSHOT)
	[[ $answer != ERR* ]] || { say "bench: SKIPPED snapshots: $answer"; return 1; }
}

# Open loops: everybody at one rate, half of what the slowest durable one of them reached; and each at 70 % of its own peak.
percentiles() {
	local who rate
	rate=$(share book-50x1 "$([ -n "${pid[redis-always]:-}" ] && echo redis-always || echo slotd)" 50)
	for who in $(running slotd redis-always redis-none); do
		measure open-same-rate "$who" claim --rate "$rate" --hgrm "build/bench/$who.hgrm"
	done
	for who in $(running slotd redis-always postgres); do
		measure open-70-percent "$who" claim --rate "$(share book-50x1 "$who" 70)"
	done
	for beside in services growth snapshot; do
		[ $beside != snapshot ] || snapshot || continue
		measure storm-$beside slotd storm --beside $beside --timeout 60 --rate "$(share book-50x1 slotd 50)"
	done
}

# The races of the original load test, on a server that slotd-bench starts itself.
races() {
	say "races, repetition $repetition"
	if ! TMPDIR=$work "$bin/slotd-bench" race --rounds 10 --sheet "$sheet" --repetition "$repetition" \
		>build/bench/races 2>"$work/failure"; then
		tee -a "$failures" <"$work/failure" >&2
	fi
	sed -n '/^| /p' build/bench/races >&2
}

rss_bytes() {
	awk '/^VmRSS:/ { print $2 * 1024 }' "/proc/${pid[$1]}/status"
}

# Restarts a server on what it has and sets elapsed_ms: how long it took until it answered +PONG.
restart_ms() {
	local who=$1 begin
	stop "$who"
	begin=${EPOCHREALTIME/[.,]/}
	start "$who"
	elapsed_ms=$(((${EPOCHREALTIME/[.,]/} - begin) / 1000))
}

# What a restart takes with nothing to read. The least of three: whatever is taken off below favours the server.
empty_restart_ms() {
	local least=1000000
	for _ in 1 2 3; do
		restart_ms "$1"
		[ $elapsed_ms -ge $least ] || least=$elapsed_ms
	done
	elapsed_ms=$least
}

# Sessions a second of a restart, without what it takes when there are none: restarted ROW WHO EMPTY_MS.
restarted() {
	restart_ms "$2"
	say "$1 $2: $sessions sessions in $elapsed_ms ms, none in $3 ms"
	keep "$1" "$2" restart_ms "$elapsed_ms"
	keep "$1" "$2" empty_restart_ms "$3"
	keep "$1" "$2" sessions_per_s "$(awk -v n="$sessions" -v all="$elapsed_ms" -v none="$3" \
		'BEGIN { print n * 1000 / (all > none ? all - none : all) }')"
}

# Memory of so many booked slots, and how fast they are there again after a restart.
memory_and_restart() {
	local who before after empty_ms
	for who in slotd redis-always; do
		command -v "${program[$who]}" >/dev/null || continue
		fresh "$who"
		empty_restart_ms "$who"
		empty_ms=$elapsed_ms
		before=$(rss_bytes "$who")
		measure fill "$who" claim --connections 50 --pipeline 64 --requests "$sessions"
		after=$(rss_bytes "$who")
		keep memory "$who" rss_bytes_per_slot "$(awk -v b="$before" -v a="$after" -v n="$sessions" 'BEGIN { print (a - b) / n }')"
		restarted restart-log "$who" "$empty_ms"
		if [ "$who" = slotd ] && snapshot; then
			restarted restart-snapshot slotd "$empty_ms"
		fi
		stop "$who"
		rm -rf "${dir[$who]}"
	done
}

say "bench: $repetitions repetitions, $seconds s a row, in $work"
steal_before=$(awk '/^cpu / { print $9 }' /proc/stat)
load_before=$(cut -d' ' -f1-3 /proc/loadavg)
started=$SECONDS
find_servers
while [ $repetition -lt "$repetitions" ]; do
	repetition=$((repetition + 1))
	say "repetition $repetition of $repetitions"
	for who in slotd redis-always redis-none postgres; do
		[ -z "${program[$who]:-}" ] || fresh "$who"
	done
	throughput
	client_check
	percentiles
	stop_all
	races
	memory_and_restart
done
steal_after=$(awk '/^cpu / { print $9 }' /proc/stat)
. "$here/report.sh"
say "bench: done in $((SECONDS - started)) s; docs/BENCHMARKS.md and docs/charts are rewritten"
if [ -s "$failures" ]; then
	say "bench: these rows failed:"
	cat "$failures" >&2
fi
