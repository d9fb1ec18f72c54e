/*
 * lock: a pthread mutex; its errors are all bugs of ours. See base/lock.h.
 */
#include <base/check.h>
#include <base/lock.h>
#include <stddef.h>

void lock_init(struct lock *lock)
{
	CHECK(pthread_mutex_init(&lock->mutex, NULL) == 0);
	lock->rests = false;
}

void lock_fini(struct lock *lock)
{
	CHECK(pthread_mutex_destroy(&lock->mutex) == 0);
}

void lock_take(struct lock *lock) NOT_ANALYSED
{
	CHECK(lock->rests || pthread_mutex_lock(&lock->mutex) == 0);
}

void lock_give(struct lock *lock) NOT_ANALYSED
{
	CHECK(lock->rests || pthread_mutex_unlock(&lock->mutex) == 0);
}

void lock_rest(struct lock *lock, bool rests)
{
	lock->rests = rests;
}
