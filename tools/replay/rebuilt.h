/*
 * rebuilt: the table a log leads to, as the server would rebuild it.
 *
 * Threads: one.
 */
#pragma once

#include "output.h"

#include <slot/table.h>

struct rebuilt {
	struct memory memory;
	struct table table;
};

bool rebuilt_open(struct rebuilt *rebuilt, struct error *error);
void rebuilt_close(struct rebuilt *rebuilt);

/* Adds the commands that lead an empty server to the same slots and sessions, as protocol arrays: the purge horizon,
 * an OPEN for each slot there is, a BOOK for each session that occupies one, in the order of their numbers. */
void rebuilt_print(const struct rebuilt *rebuilt, struct output *output);
