# servers: starting and stopping what bench.sh measures; read by it. Everything is ended by the pid it was started with.
#
# pid, port and dir say where a server runs; program, which one it is (empty: not installed). All are on loopback, on free
# ports, unpinned. Options that are not the default, and why:
#   slotd         unlisted-slots yes: any slot can be claimed, as any key can be set
#   redis         save '': no snapshots beside; auto-aof-rewrite-percentage 0: no rewrite of the log beside; both only help it
#   postgres      max_connections 250, for the row of 200

declare -A program
exec {nothing}<> <(:) # nothing ever comes from it: waiting for that is a sleep without a process

skip() {
	say "bench: SKIPPED $1: $2"
	echo "SKIPPED $1: $2" >>"$failures"
}

find_servers() {
	program[slotd]=$(realpath "$bin/slotd")
	local redis
	redis=$(command -v valkey-server || command -v redis-server) || skip redis "neither valkey-server nor redis-server is on PATH"
	program[redis-always]=$redis
	program[redis-none]=$redis
	program[postgres]=$(ls -d /usr/lib/postgresql/*/bin/postgres 2>/dev/null | sort -V | tail -n1 || true)
	as_postgres=()
	if [ -z "${program[postgres]}" ]; then
		skip postgres "no /usr/lib/postgresql/*/bin/postgres"
		return
	fi
	if [ "$(id -u)" -eq 0 ]; then
		as_postgres=(setpriv --reuid=postgres --regid=postgres --init-groups)
		if ! "${as_postgres[@]}" test -x "$work"; then
			skip postgres "its user cannot reach $root; name another directory of that disk with BENCH_DIR"
			program[postgres]=
		fi
	fi
}

free_port() {
	local candidate
	while :; do
		candidate=$((20000 + RANDOM % 10000))
		if ! (: <>"/dev/tcp/127.0.0.1/$candidate") 2>/dev/null; then
			echo "$candidate"
			return
		fi
	done
}

answers() {
	local reply
	if [ "$1" = postgres ]; then
		psql -h 127.0.0.1 -p "${port[$1]}" -U postgres -qAtc 'SELECT 1' >/dev/null 2>&1
		return
	fi
	{ exec 3<>"/dev/tcp/127.0.0.1/${port[$1]}"; } 2>/dev/null || return 1
	printf 'PING\r\n' >&3
	IFS= read -r -t 5 reply <&3 || reply=
	exec 3>&-
	[ "$reply" = $'+PONG\r' ]
}

# Starts a server on the directory it has, and returns when it answers.
start() {
	local who=$1 words=() as=()
	case $who in
	slotd)
		words=(--bind 127.0.0.1 --port "${port[$who]}" --dir "${dir[$who]}" --maxmemory 4gb --unlisted-slots yes --loglevel warning)
		;;
	redis-*)
		words=(--bind 127.0.0.1 --port "${port[$who]}" --dir "${dir[$who]}" --save '' --auto-aof-rewrite-percentage 0 --loglevel warning)
		[ "$who" = redis-none ] || words+=(--appendonly yes --appendfsync always)
		;;
	postgres)
		words=(-D "${dir[$who]}" -p "${port[$who]}" -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c max_connections=250)
		as=("${as_postgres[@]}")
		;;
	esac
	"${as[@]}" "${program[$who]}" "${words[@]}" >>"build/bench/$who.log" 2>&1 &
	pid[$who]=$!
	until answers "$who"; do
		if ! kill -0 "${pid[$who]}" 2>/dev/null; then
			say "bench: $who ended before it answered; see build/bench/$who.log"
			exit 1
		fi
		read -rt 0.005 -u "$nothing" || true
	done
}

# Starts a server on a directory and a port of its own that nobody used before.
fresh() {
	local who=$1
	dir[$who]=$work/$who
	port[$who]=$(free_port)
	rm -rf "${dir[$who]}"
	mkdir "${dir[$who]}"
	if [ "$who" = postgres ]; then
		[ ${#as_postgres[@]} -eq 0 ] || chown postgres: "${dir[$who]}"
		"${as_postgres[@]}" "$(dirname "${program[postgres]}")/initdb" -D "${dir[$who]}" -U postgres --auth trust -E UTF8 \
			>build/bench/initdb.log 2>&1
	fi
	start "$who"
	if [ "$who" = postgres ]; then
		psql -h 127.0.0.1 -p "${port[$who]}" -U postgres -q -f tools/postgres/table.sql
	fi
}

# SIGTERM ends slotd and Redis in order; PostgreSQL's fast shutdown is SIGINT.
stop() {
	local who=$1 signal=TERM
	[ -n "${pid[$who]:-}" ] || return 0
	[ "$who" != postgres ] || signal=INT
	kill -$signal "${pid[$who]}" 2>/dev/null || true
	wait "${pid[$who]}" 2>/dev/null || true
	pid[$who]=
}

stop_all() {
	local who
	for who in "${!pid[@]}"; do
		stop "$who"
	done
}
