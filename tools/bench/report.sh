# report: the figures of bench.sh as docs/BENCHMARKS.md and charts; read by it at the end. What stands in the document above
# the line "## Figures" is kept; the rest is written anew.

document=docs/BENCHMARKS.md
medians=build/bench/medians
"$bin/slotd-bench" medians --sheet "$sheet" >"$medians"

version_of() {
	[ -n "${program[$1]:-}" ] || { echo "not installed, skipped"; return; }
	case $1 in
	slotd) "${program[slotd]}" --version 2>/dev/null | head -n1 ;;
	redis-*) "${program[$1]}" --version | sed -E 's/ (sha|malloc|bits|build)=[^ ]*//g' ;;
	postgres) "${program[postgres]}" --version ;;
	esac
}

commit=$(git rev-parse --short=12 HEAD 2>/dev/null || echo unknown)
git diff --quiet HEAD -- src include tools Makefile 2>/dev/null || commit+=" and changes that are not committed"
steal=$(awk -v ticks=$((steal_after - steal_before)) -v hz="$(getconf CLK_TCK)" -v s=$((SECONDS - started)) -v n="$(nproc)" \
	'BEGIN { printf "%.1f", 100 * ticks / hz / n / (s > 0 ? s : 1) }')

# Other work on the machine takes from everybody, though not from everybody alike.
busy=
if awk -v load="${load_before%% *}" -v n="$(nproc)" 'BEGIN { exit !(load > n / 2) }'; then
	busy="**The machine was busy with other work when this run began (see load): these figures say little. Run it again on a quiet one.**"
fi

{
	sed '/^## Figures$/,$d' "$document"
	cat <<-END
		## Figures

		Everything below is written by \`make bench\`. $busy

		| | |
		|---|---|
		| command | \`make bench REPETITIONS=$repetitions SECONDS=$seconds\`: $repetitions repetitions, $seconds s for each row and server, $((SECONDS - started)) s in all |
		| commit | $commit |
		| machine | $(nproc) processors ($(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -n1)), $(awk '/^MemTotal/ { printf "%.0f", $2 / 1e6 }' /proc/meminfo) GB, Linux $(uname -r | sed 's/-.*//'), $(. /etc/os-release && echo "$PRETTY_NAME"), $(findmnt -no FSTYPE -T "$work") |
		| load | $load_before before, $(cut -d' ' -f1-3 /proc/loadavg) after (averages of 1, 5 and 15 minutes); $steal % of the processors' time was stolen by the host |
		| slotd | $(version_of slotd), \`unlisted-slots yes\`, else defaults; clients on the same processors, nothing pinned |
		| redis-always | $(version_of redis-always), \`appendonly yes\`, \`appendfsync always\`, no RDB, no AOF rewrites, else defaults |
		| redis-none | the same program, no persistence at all |
		| postgres | $(version_of postgres), \`max_connections 250\`, else defaults: fsync on, synchronous_commit on; TCP, prepared, one transaction a claim |

		### Goals

		Each ratio is taken within a repetition; here is the median of these, with the least and the greatest.

	END
	"$bin/slotd-bench" summary --sheet "$sheet"
	printf '\n### Rows that failed\n\n'
	if [ -s "$failures" ]; then
		sort "$failures" | uniq -c | sed -E 's/^ *([0-9]+) /- \1 times: /; s/^- 1 times/- once/'
	else
		echo "None."
	fi
	cat <<-'END'

		### Charts

		![claims a second by clients](charts/clients.svg)
		![claims a second by pipeline depth](charts/pipeline.svg)
		![latency percentiles](charts/latency.svg)
		![race levels](charts/races.svg)
	END
} >build/bench/document
cat build/bench/document >"$document"

gnuplot -e "medians='$medians'; hgrm='build/bench'; charts='docs/charts'" tools/bench/charts.gp
