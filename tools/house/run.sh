#!/bin/bash
# run: build/slotd in the foreground on 127.0.0.1, with the demo hours loaded through the protocol once it answers.
#
# usage: tools/house/run.sh PORT DIR [further options of slotd]...
#
# The server replaces this script, so that Ctrl-C and SIGTERM are its own; the loader runs beside it and ends by itself.
set -eu

port=$1
dir=$2
shift 2

(
	tools/house/load.sh "$port" data/demo.slotd $$ && tools/house/load.sh "$port" data/hours.slotd $$ && cat >&2 <<-END
		slotd: try it from another terminal:
		    redis-cli -p $port BOOK dr-lee 2031-01-06 09:00 client-1
		    redis-cli -p $port HOURS GET dr-lee
		    redis-cli -p $port SLOTS dr-lee $(date +%F) $(date -d '+7 days' +%F)
		    printf 'SLOTS dr-lee 2031-01-06\r\n' | nc -q1 127.0.0.1 $port
	END
) &
exec build/slotd --bind 127.0.0.1 --port "$port" --dir "$dir" "$@"
