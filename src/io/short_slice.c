/*
 * short_slice: see the header.
 *
 * The C library of Debian 12 has neither the calls nor their structure, later ones have both; so names of our own.
 */
#include "short_slice.h"

#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

/* What the kernel calls struct sched_attr, as it was first (SCHED_ATTR_SIZE_VER0). */
struct attributes {
	uint32_t size;
	uint32_t policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime_ns;
	uint64_t deadline_ns;
	uint64_t period_ns;
};

void short_slice_ask(void)
{
	struct attributes attributes = {.size = sizeof attributes};
	if (syscall(SYS_sched_getattr, 0, &attributes, sizeof attributes, 0) != 0 ||
	    (attributes.policy != SCHED_OTHER && attributes.policy != SCHED_BATCH)) {
		return;
	}
	attributes.runtime_ns = SHORT_SLICE_NS;
	(void)syscall(SYS_sched_setattr, 0, &attributes, 0); /* it only makes some waits shorter */
}
