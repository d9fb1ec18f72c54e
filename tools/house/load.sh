#!/bin/bash
# load: sends a file of protocol lines to a server, once it answers.
#
# usage: tools/house/load.sh PORT FILE [PID]
#
# Drops # comments and empty lines, checks that every line is answered without an error, and says how many slots were
# opened. Waits for the server to accept connections and to be done with replay (+PONG instead of -LOADING), as long as the
# process PID lives, or a minute when no PID is given.
set -eu

port=$1
file=$2
pid=${3:-}
deadline=$((SECONDS + 60))

# Opens descriptor 3 to the server if it answers +PONG.
answers() {
	local reply
	{ exec 3<>"/dev/tcp/127.0.0.1/$port"; } 2>/dev/null || return 1
	printf 'PING\r\n' >&3
	IFS= read -r -t 5 reply <&3 && [ "$reply" = $'+PONG\r' ] && return 0
	exec 3>&-
	return 1
}

until answers; do
	if [ -n "$pid" ]; then
		kill -0 "$pid" 2>/dev/null || exit 1
	elif [ $SECONDS -gt $deadline ]; then
		echo "slotd: nothing answers on port $port" >&2
		exit 1
	fi
	sleep 0.05
done

opened=0
while IFS= read -r line; do
	printf '%s\r\n' "$line" >&3
	if ! IFS= read -r -t 30 reply <&3; then
		echo "slotd: the server went away at: $line" >&2
		exit 1
	fi
	reply=${reply%$'\r'}
	case $reply in
	-*) echo "slotd: $line: ${reply#-}" >&2; exit 1 ;;
	:*) opened=$((opened + ${reply#:})) ;;
	esac
done < <(grep -vE '^[[:space:]]*(#|$)' "$file")

lines=$(grep -cE '^(OPEN|HOURS) ' "$file" || true)
echo "slotd: $file loaded: $lines lines$([ $opened -eq 0 ] || echo ", $opened new slots")" >&2
