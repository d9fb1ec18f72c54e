/*
 * pause: one round of waiting for another thread to end what it is in the middle of.
 *
 * Only for waits that are as bounded as one for a lock: what is waited for cannot fail and needs nothing from the
 * waiter. It usually takes less than going to sleep would, so the first rounds stay on the processor; after them the
 * other thread may need this very processor, and gets it.
 *
 * Threads: any.
 */
#pragma once

#include <sched.h>

#define PAUSE_ROUNDS 32 /* about a microsecond */

static inline void pause_round(unsigned round)
{
	if (round >= PAUSE_ROUNDS) {
		sched_yield();
		return;
	}
#if defined(__x86_64__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__("yield");
#endif
}
