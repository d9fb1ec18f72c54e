/*
 * scan: reading a log from its first block to its end, and printing, counting or checking what is in it.
 *
 * Threads: one.
 */
#pragma once

#include "options.h"
#include "output.h"
#include "progress.h"
#include "rebuilt.h"
#include "totals.h"

struct scan {
	struct options *options;
	struct disk *disk;
	struct reader reader;
	struct rebuilt *rebuilt; /* NULL: records are not applied to a table; else, while they are, */
	struct relay *relay;     /* by so many threads */
	uint32_t threads;
	struct snapshot_found found; /* the snapshot it begins with */
	struct totals totals;
	struct output output;
	struct progress progress;
};

/* What `options` ask for, from beginning to end; returns the exit status. */
int scan_run(struct options *options, struct disk *disk);

/* One block was read: prints, counts or checks its records. */
bool scan_block(struct scan *scan, const struct reader_block *block, struct error *error);
/* Is there nothing more to do, since all that was asked for was shown or nobody listens? */
bool scan_over(const struct scan *scan);
