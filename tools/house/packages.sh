#!/bin/bash
# packages: makes sure that what a target needs is installed, and installs what is not.
#
# usage: tools/house/packages.sh build|run|test|check|crash|bench
#
# Looks for the thing itself (a program, a header), not for the package, so that it is right on other systems too; the
# packages are Debian's. Needs root or sudo to install; where it cannot, it says in one line what to install.
set -eu

# Each line: set, package, how to see it, what it is for.
needed() {
	cat <<-'END'
		build gcc               command:gcc                   the compiler
		build libc6-dev         header:stdio.h                the C library's headers
		build binutils          command:ar                    the linker
		build liburing-dev      header:liburing.h             io_uring
		build libxxhash-dev     header:xxhash.h               checksums and hashing
		build libmicrohttpd-dev header:microhttpd.h           the HTTP port
		build libical-dev       header:libical/ical.h         calendars, for slotd-calsync
		build libcurl4-openssl-dev header:curl/curl.h         fetching them
		build libexpat1-dev     header:expat.h                what CalDAV answers
		build libhiredis-dev    header:hiredis/hiredis.h      talking to the server
		build tzdata            file:/usr/share/zoneinfo/UTC  time zones
		run   redis-tools       command:redis-cli             redis-cli, to talk to the server with
		run   netcat-openbsd    command:nc                    nc, to talk to the server with
		test  libcriterion-dev  header:criterion/criterion.h  unit tests
		test  python3           command:python3               clocks of other code, to compare ours with
		test  python3-redis     glob:/usr/lib/python3/dist-packages/redis/client.py a client library, as it is
		test  curl              command:curl                  puts appointments into calendars
		test  xandikos          command:xandikos              a CalDAV server, and files with ETags
		test  radicale          command:radicale              another
		test  nginx-light       file:/usr/sbin/nginx               calendars as files, with ETags
		test  openssl           command:openssl               a certificate that is over
		test  python3-recurring-ical-events glob:/usr/lib/python3/dist-packages/recurring_ical_events.py another opinion on recurrences
		crash xfsprogs          command:xfs_io                power cuts of a file system, and XFS
		crash e2fsprogs         file:/usr/sbin/mkfs.ext4      ext4
		crash nbdkit            command:nbdkit                devices that fail, are slow, or hang
		crash libnbd-bin        command:nbdfuse               such a device as a file
		crash fuse3             command:fusermount3           the same
		crash libfuse3-dev      file:/usr/include/fuse3/fuse.h a device that records what is written to it
		bench redis-server      command:redis-server          a peer to compare with
		bench redis-tools       command:redis-benchmark       to compare our client with
		bench postgresql-15     glob:/usr/lib/postgresql/*/bin/postgres another peer
		bench postgresql-client-15 command:psql               its table
		bench libpq-dev         file:/usr/include/postgresql/libpq-fe.h its client library
		bench gnuplot-nox       command:gnuplot               charts
		check clang             command:clang                 the second compiler
		check clang-format      command:clang-format          the layout check
		check libclang-rt-14-dev glob:/usr/lib/llvm-14/lib/clang/*/lib/linux/*fuzzer* sanitizers and libFuzzer
	END
}

# Is it there? How: command:NAME, header:NAME, file:PATH, glob:PATTERN.
present() {
	local what=${1#*:}
	case $1 in
	command:*) command -v "$what" >/dev/null ;;
	header:*) echo "#include <$what>" | gcc -E -x c - >/dev/null 2>&1 ;;
	file:*) [ -e "$what" ] ;;
	glob:*) compgen -G "$what" >/dev/null ;;
	esac
}

# The sets a set includes.
case ${1:-} in
build) sets='build' ;;
run) sets='build run' ;;
test) sets='build run test' ;;
check) sets='build run test check' ;;
crash) sets='build crash' ;;
bench) sets='build bench' ;;
*)
	echo "usage: $0 build|run|test|check|crash|bench" >&2
	exit 2
	;;
esac

# One at a time: make -j may ask for two sets at once, and the second then finds what the first has installed.
mkdir -p build
exec 9>build/packages.lock
flock 9

missing=()
why=''
while read -r set package how reason; do
	[[ " $sets " == *" $set "* ]] || continue
	present "$how" && continue
	missing+=("$package")
	why+="  $package: $reason"$'\n'
done < <(needed)
[ ${#missing[@]} -gt 0 ] || exit 0

as_root=()
if [ "$(id -u)" -ne 0 ]; then
	as_root=(sudo -n)
	sudo -n true 2>/dev/null || as_root=(none)
fi
if ! command -v apt-get >/dev/null || [ "${as_root[0]:-}" = none ]; then
	echo "slotd: please install, as root: apt-get install ${missing[*]}" >&2
	exit 1
fi

printf 'slotd: installing what is missing:\n%s' "$why"
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
if ! { "${as_root[@]}" apt-get update && "${as_root[@]}" apt-get install -y --no-install-recommends "${missing[@]}"; } \
	>"$log" 2>&1; then
	tail -n 20 "$log" >&2
	rm -f "$log"
	echo "slotd: could not install; please try, as root: apt-get install ${missing[*]}" >&2
	exit 1
fi
rm -f "$log"
