/*
 * handoff: see the header.
 */
#include <serve/handoff.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

void handoff_open(struct handoff *handoff)
{
	lock_init(&handoff->lock);
	atomic_store_explicit(&handoff->open, true, memory_order_release); /* pairs with handoff_give */
}

static bool take(struct handoff *handoff, int *descriptor) REQUIRES(handoff->lock)
{
	struct buffer *descriptors = &handoff->descriptors;
	if (descriptors->size == 0) {
		return false;
	}
	descriptors->size -= sizeof *descriptor;
	memcpy(descriptor, descriptors->at + descriptors->size, sizeof *descriptor);
	/* Relaxed: only shown. */
	atomic_fetch_sub_explicit(&handoff->waiting, 1, memory_order_relaxed);
	return true;
}

void handoff_close(struct handoff *handoff)
{
	int descriptor;
	lock_take(&handoff->lock);
	atomic_store_explicit(&handoff->open, false, memory_order_relaxed); /* who gives asks under the lock */
	while (take(handoff, &descriptor)) {
		close(descriptor);
	}
	buffer_fini(&handoff->descriptors);
	lock_give(&handoff->lock);
}

bool handoff_give(struct handoff *handoff, int descriptor)
{
	if (!atomic_load_explicit(&handoff->open, memory_order_acquire)) { /* pairs with handoff_open */
		return false;
	}
	lock_take(&handoff->lock);
	const bool open = atomic_load_explicit(&handoff->open, memory_order_relaxed); /* written under this lock */
	if (open) {
		buffer_add(&handoff->descriptors, &descriptor, sizeof descriptor);
		atomic_fetch_add_explicit(&handoff->waiting, 1, memory_order_relaxed); /* only shown */
	}
	lock_give(&handoff->lock);
	return open;
}

bool handoff_take(struct handoff *handoff, int *descriptor)
{
	lock_take(&handoff->lock);
	const bool taken = take(handoff, descriptor);
	lock_give(&handoff->lock);
	return taken;
}

uint32_t handoff_waiting(const struct handoff *handoff)
{
	return atomic_load_explicit(&handoff->waiting, memory_order_relaxed); /* only shown */
}
