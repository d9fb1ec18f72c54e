/*
 * patience: see the header.
 */
#include "patience.h"

#include <log/wal.h>

bool patience_stuck(const struct patience *patience, uint64_t *since_ns)
{
	const uint64_t stuck_since_ns = atomic_load_explicit(&patience->stuck_since_ns, memory_order_relaxed);
	if (since_ns != NULL) {
		*since_ns = stuck_since_ns;
	}
	return stuck_since_ns != 0;
}

void patience_answered(struct patience *patience)
{
	patience->waiting = false;
	atomic_store_explicit(&patience->stuck_since_ns, 0, memory_order_relaxed);
}

uint64_t patience_look(struct patience *patience, bool waits, uint64_t now_ns)
{
	if (!waits || patience->limit_ns == 0) {
		patience_answered(patience);
		return WAL_NEVER;
	}
	if (!patience->waiting) {
		patience->waiting = true;
		patience->waiting_ns = now_ns;
	}
	if (now_ns - patience->waiting_ns < patience->limit_ns) {
		return patience->waiting_ns + patience->limit_ns;
	}
	atomic_store_explicit(&patience->stuck_since_ns, patience->waiting_ns, memory_order_relaxed);
	return WAL_NEVER;
}
