/*
 * program: slotd-bench, for the servers that are linked in. slotd-bench itself knows slotd and Redis;
 * slotd-bench-postgres, which needs libpq, knows PostgreSQL too.
 *
 * Threads: the main thread.
 */
#pragma once

#include <bench/peer.h>

/* Runs the mode that the command line asks for, and returns the exit status. `peers` ends with NULL; the first is the
 * default. */
int program_run(int argc, char **argv, const struct peer *const *peers);
