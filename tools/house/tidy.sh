#!/bin/bash
# tidy: the rules of the house that a machine can see.
#
# usage: tools/house/tidy.sh [ROOT]
#
#   - no notes left over (the words are spelled below): write an issue or a decision record
#   - atomics name their memory order: the _explicit functions, never the plain ones or operators on them
#   - no volatile: it is not for threads
#   - no sleep in tests: wait for the condition
#   - lines have 128 columns at most, a tab counting 8
#   - functions have 60 lines at most; those in tools/house/long_functions are allowed what is written there and no more,
#     and a line there that is no longer needed is an offence too, so that the list shrinks
#
# Prints each offence as file:line: what, and exits 1 if there was one.
set -eu
allowed=$(cd "$(dirname "$0")" && pwd)/long_functions
cd "${1:-.}"

offences=0
# Each line that matches is an offence: say(what, lines).
say() {
	[ -n "$2" ] || return 0
	offences=1
	while IFS= read -r line; do
		printf '%s\n\t%s\n' "$line" "$1"
	done <<<"$2"
}

folders=(include src tests tools)
in_c() {
	grep -rnE "$1" --include='*.[ch]' "${@:2}" || true
}

say 'no leftovers: write an issue or a decision record' \
	"$(grep -rnwE 'TO''DO|FIX''ME|X''XX' --include='*.[ch]' --include='*.sh' --include=Makefile "${folders[@]}" Makefile || true)"
say 'atomics name their order: use the _explicit function' \
	"$(in_c '\batomic_(load|store|exchange|compare_exchange_(strong|weak)|fetch_[a-z]+|flag_test_and_set|flag_clear)\(' "${folders[@]}")"
say 'no volatile: it is not for threads' "$(in_c '^[^*"]*\bvolatile\b' "${folders[@]}" | grep -vE 'asm volatile|__asm__' || true)"
say 'tests wait for a condition, they do not sleep' "$(in_c '\b(sleep|usleep|nanosleep|clock_nanosleep|thrd_sleep)\(' tests)"

say 'more than 128 columns' "$(find "${folders[@]}" -name '*.[ch]' | sort | xargs awk '{
	columns = 0
	count = split($0, part, "\t")
	for (i = 1; i < count; i++)
		columns = int((columns + length(part[i])) / 8) * 8 + 8
	columns += length(part[count])
	if (columns > 128)
		print FILENAME ":" FNR ": " columns
}')"

# A function starts at a { alone in the first column and ends at a } there; its name is in the line(s) before.
long=$(find "${folders[@]}" -name '*.c' | sort | xargs awk '
	FNR == 1 { start = 0; head = "" }
	/^\{/ { start = FNR; name = head }
	/^\}/ && start {
		if (FNR - start - 1 > 60)
			print FILENAME, name, FNR - start - 1, start
		start = 0
	}
	/^[a-zA-Z_].*\(/ { head = $0; sub(/\(.*/, "", head); sub(/.*[ *]/, "", head) }')
while read -r file name lines start; do
	[ -n "$file" ] || continue
	limit=$(awk -v file="$file" -v name="$name" '$1 == file && $2 == name { print $3 }' "$allowed")
	[ "$lines" -le "${limit:-60}" ] || say "a function of $lines lines; ${limit:-60} at most" "$file:$start: $name"
done <<<"$long"
while read -r file name limit; do
	[ -n "$file" ] && [[ $file != \#* ]] || continue
	say 'no longer that long: take it out of (or down in) tools/house/long_functions' \
		"$(awk -v file="$file" -v name="$name" -v limit="$limit" \
			'$1 == file && $2 == name && $3 == limit { found = 1 } END { if (!found) print file ": " name " " limit }' <<<"$long")"
done <"$allowed"
exit $offences
