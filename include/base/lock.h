/*
 * lock: a mutex that clang's -Wthread-safety understands.
 *
 * Lock order of slotd, outermost first: hours lock of a psychologist (slot/table.h), then stripe lock (base/index.h),
 * then one of the leaves (pool, array store, threads of sessions, log staging). A thread holds at most one lock of each kind.
 *
 * Threads: any.
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>

#if defined(__clang__)
#define THREAD_ANNOTATION(x) __attribute__((x))
#else
#define THREAD_ANNOTATION(x)
#endif
#define CAPABILITY(name) THREAD_ANNOTATION(capability(name))
#define ACQUIRE(...)     THREAD_ANNOTATION(acquire_capability(__VA_ARGS__))
#define RELEASE(...)     THREAD_ANNOTATION(release_capability(__VA_ARGS__))
#define REQUIRES(...)    THREAD_ANNOTATION(requires_capability(__VA_ARGS__))
#define GUARDED_BY(lock) THREAD_ANNOTATION(guarded_by(lock))
/* For the body of a function that is the lock, or moves what a lock guards before or after there are threads. */
#define NOT_ANALYSED THREAD_ANNOTATION(no_thread_safety_analysis)

struct CAPABILITY("mutex") lock {
	pthread_mutex_t mutex;
	bool rests; /* const while there are several threads */
};

void lock_init(struct lock *lock);
void lock_fini(struct lock *lock);
void lock_take(struct lock *lock) ACQUIRE(lock);
void lock_give(struct lock *lock) RELEASE(lock);
/* While one thread alone has to do with what it guards, as in replay, the lock rests: it is taken and given for nothing. Said
 * before there are others, and not with the lock held. */
void lock_rest(struct lock *lock, bool rests);
