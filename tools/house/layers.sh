#!/bin/bash
# layers: every #include of one of our headers points down.
#
# usage: tools/house/layers.sh [ROOT]
#
#   5 main    4 http    3 serve    2 wire, log    1 slot, io    0 base
#
# A file of a layer may include headers of its own layer and of lower ones; siblings do not know each other. The layer of a
# file is its folder, src/<layer>/ or include/<layer>/; the layer of a header is the folder in #include <layer/name.h>, and
# a private header, #include "name.h", lies beside its user. Prints each line that does otherwise, and exits 1.
set -eu
cd "${1:-.}"

grep -rnE '^[[:space:]]*#[[:space:]]*include' include src --include='*.[ch]' | awk '
	BEGIN {
		level["main"] = 5
		level["http"] = 4
		level["serve"] = 3
		level["wire"] = level["log"] = 2
		level["slot"] = level["io"] = 1
		level["base"] = 0
	}
	function offends(why) {
		print $0 "\n\t" why
		count++
	}
	{
		split($0, part, ":")
		split(part[1], path, "/")
		from = path[2]
		if (!(from in level)) {
			offends("there is no layer called " from)
			next
		}
		if (match($0, /"[^"]*"/)) {
			if (substr($0, RSTART, RLENGTH) ~ "/")
				offends("quotes are for private headers beside their user; write <layer/name.h>")
			next
		}
		if (!match($0, /<[a-z]+\//))
			next
		to = substr($0, RSTART + 1, RLENGTH - 2)
		if (to == "sim" || to == "model" || to == "drive" || to == "bench")
			offends("src and include know nothing of tests and tools")
		else if (to in level && from != to && level[to] >= level[from])
			offends(from " (" level[from] ") may not include " to " (" level[to] ")")
	}
	END { exit count > 0 }'
