#!/bin/bash
# format: every C file is laid out as .clang-format says.
#
# usage: tools/house/format.sh [--write]
#
# Checks, and prints where a file differs; with --write it corrects them instead.
set -eu
mode=(--dry-run -Werror --ferror-limit=3)
[ "${1:-}" != --write ] || mode=(-i)
find include src tests tools -name '*.[ch]' -print0 | xargs -0 clang-format "${mode[@]}"
