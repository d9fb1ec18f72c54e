/*
 * follow: see the header.
 *
 *   read --end--> flush, show --> wait --grown--> read
 *                                  |  ^             |
 *                               SIGINT             refused, once more
 *                                  v
 *                                 done
 */
#include "follow.h"

#include <signal.h>
#include <time.h>

/* How long a record may be there unseen. An inotify watch would tell sooner, but not on every file system. */
#define WAIT_MS 50

/* SIGINT is blocked and waited for, so that it ends the program between two blocks and nowhere else. */
static sigset_t interrupts(void)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	return set;
}

static bool interrupted_within(long milliseconds)
{
	const sigset_t set = interrupts();
	const struct timespec wait = {.tv_nsec = milliseconds * 1000000};
	return sigtimedwait(&set, NULL, &wait) == SIGINT;
}

static bool show_block(struct scan *scan, const struct reader_block *block, struct error *error)
{
	/* What was read before this block waits in the output; the block says whether all of it is durable. */
	if (block->header.durable_lsn + 1 == block->header.first_lsn) {
		output_flush(&scan->output);
	}
	return scan_block(scan, block, error);
}

/* The newest block has nobody to vouch for it. Segments before the open one are durable: it was begun. */
static bool show_newest(struct scan *scan, struct error *error)
{
	if (scan->output.buffer.size == 0) {
		return true;
	}
	if (!scan->disk->sync_now(scan->disk->context, scan->reader.file, error)) {
		return false;
	}
	output_flush(&scan->output);
	return true;
}

struct follow {
	struct scan *scan;
	bool caught_up;   /* the end was reached once: from here on a cheap look comes before each step */
	bool interrupted; /* by SIGINT */
	bool doubted;     /* what the reader refused is looked at once more, */
	uint64_t lsn;     /* and this is the first record missing there */
};

/* Reads what is there. READER_BLOCK: somebody wants no more. */
static enum reader_step read_on(struct follow *follow, bool *final, struct error *error)
{
	struct scan *scan = follow->scan;
	while (!follow->interrupted && !scan_over(scan)) {
		struct reader_block block;
		const enum reader_step step = reader_next(&scan->reader, &block, error);
		if (step != READER_BLOCK) {
			follow->caught_up = true;
			return step;
		}
		*final = true;
		if (!show_block(scan, &block, error)) {
			return READER_REFUSED;
		}
		bool grown = true;
		if (follow->caught_up && !reader_grown(&scan->reader, &grown, error)) {
			return READER_REFUSED;
		}
		*final = false;
		if (!grown) {
			return READER_END;
		}
		follow->interrupted = interrupted_within(0);
	}
	return READER_BLOCK;
}

static bool wait_for_more(struct follow *follow, struct error *error)
{
	for (bool grown = false; !grown;) {
		follow->interrupted = interrupted_within(WAIT_MS);
		if (follow->interrupted || !output_has_reader(&follow->scan->output)) {
			return true;
		}
		if (!reader_grown(&follow->scan->reader, &grown, error)) {
			return false;
		}
	}
	return true;
}

/* The reader refused. Is that to be believed? False: it was looked at twice, some time apart. */
static bool doubt(struct follow *follow, struct error *error)
{
	const uint64_t lsn = follow->scan->reader.next_lsn;
	if (error->code != ERROR_DAMAGED || (follow->doubted && follow->lsn == lsn)) {
		return false;
	}
	follow->doubted = true;
	follow->lsn = lsn;
	follow->interrupted = interrupted_within(WAIT_MS);
	bool grown;
	return reader_grown(&follow->scan->reader, &grown, error);
}

bool follow_log(struct scan *scan, struct error *error)
{
	const sigset_t set = interrupts();
	sigprocmask(SIG_BLOCK, &set, NULL);
	struct follow follow = {.scan = scan};
	while (!follow.interrupted && !scan_over(scan)) {
		bool final = false;
		const enum reader_step step = read_on(&follow, &final, error);
		if (step == READER_REFUSED) {
			if (final || !doubt(&follow, error)) {
				return false;
			}
			continue;
		}
		if (!show_newest(scan, error)) {
			return false;
		}
		if (step == READER_END && !wait_for_more(&follow, error)) {
			return false;
		}
	}
	return true;
}
