/*
 * short_slice: a turn of the processor soon after waking, for a thread that works little and is waited for.
 *
 * Where every processor is busy, who wakes waits until one of those that run has used up its time slice: milliseconds,
 * for work of some microseconds. A thread that asks for a short slice of its own is let in at once, if it had no more than its
 * share of late; it gets no more of the processor than before. Needs no privilege, unlike a priority.
 *
 * Threads: for the calling thread.
 * See: sched_setattr(2), sched_runtime of SCHED_OTHER (Linux 6.12).
 */
#pragma once

#include <stdint.h>

/* The shortest Linux grants. */
#define SHORT_SLICE_NS UINT64_C(100000)

/* Asks for SHORT_SLICE_NS. Nothing changes where the kernel does not know of it or denies it, or the thread was given a policy
 * that has no slices; its nice value stays. */
void short_slice_ask(void);
