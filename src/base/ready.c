/*
 * ready: see the header.
 *
 * A page is touched by the comparison and exchange of a zero for a zero: that writes, so that the kernel gives a page of its
 * own, changes nothing, and is atomic beside whoever has taken the memory into use already. Not by madvise(2), which would keep
 * the whole address space from changing meanwhile: a worker that maps or protects something would wait as long as for the page.
 */
#include <base/check.h>
#include <base/lock.h>
#include <base/ready.h>
#include <stdatomic.h>
#include <stdint.h>

#define PAGE 4096

struct request {
	uint8_t *from;
	size_t size;
};

static struct {
	struct lock lock;
	pthread_cond_t changed;
	pthread_t thread;
	/* guarded by lock */
	bool running;
	bool stopping;
	struct request requests[READY_QUEUE];
	size_t first;
	size_t count;
	struct request current; /* what is being touched; size 0: nothing */
	pthread_cond_t touched; /* it is over */
} ready = {.lock = {.mutex = PTHREAD_MUTEX_INITIALIZER},
	   .changed = PTHREAD_COND_INITIALIZER,
	   .touched = PTHREAD_COND_INITIALIZER};

/* Not for ThreadSanitizer, to whom the owner's plain writes beside this one would be a race: to the processor they are none. */
__attribute__((no_sanitize("thread"))) static void touch(struct request request)
{
	for (size_t at = 0; at < request.size; at += PAGE) {
		uint8_t nothing = 0;
		__atomic_compare_exchange_n(request.from + at, &nothing, 0, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
	}
}

/* The next to be touched, waiting for one; false at the end. The one before is over. */
static bool next(struct request *request)
{
	lock_take(&ready.lock);
	ready.current.size = 0;
	pthread_cond_broadcast(&ready.touched);
	while (ready.count == 0 && !ready.stopping) {
		pthread_cond_wait(&ready.changed, &ready.lock.mutex);
	}
	const bool found = !ready.stopping;
	if (found) {
		*request = ready.requests[ready.first];
		ready.first = (ready.first + 1) % READY_QUEUE;
		ready.count--;
		ready.current = *request;
	}
	lock_give(&ready.lock);
	return found;
}

static void *run(void *argument)
{
	(void)argument;
	struct request request;
	while (next(&request)) {
		touch(request);
	}
	return NULL;
}

bool ready_start(struct error *error)
{
	lock_take(&ready.lock);
	CHECK(!ready.running);
	ready.stopping = false;
	ready.first = ready.count = 0;
	const int refused = pthread_create(&ready.thread, NULL, run, NULL);
	ready.running = refused == 0;
	lock_give(&ready.lock);
	return refused == 0 || error_errno(error, refused, "cannot start the thread that makes memory ready");
}

void ready_stop(void)
{
	lock_take(&ready.lock);
	const bool running = ready.running;
	ready.running = false;
	ready.stopping = true;
	lock_give(&ready.lock);
	if (running) {
		pthread_cond_signal(&ready.changed);
		pthread_join(ready.thread, NULL);
	}
}

bool ready_runs(void)
{
	lock_take(&ready.lock);
	const bool runs = ready.running;
	lock_give(&ready.lock);
	return runs;
}

void ready_ask(void *from, size_t size)
{
	lock_take(&ready.lock);
	const bool taken = ready.running && ready.count < READY_QUEUE;
	if (taken) {
		ready.requests[(ready.first + ready.count++) % READY_QUEUE] = (struct request){from, size};
	}
	lock_give(&ready.lock);
	if (taken) {
		pthread_cond_signal(&ready.changed);
	}
}

static bool overlap(const struct request *request, const uint8_t *from, size_t size)
{
	return request->size > 0 && request->from < from + size && from < request->from + request->size;
}

void ready_forget(const void *from, size_t size)
{
	lock_take(&ready.lock);
	for (size_t i = 0; i < ready.count; i++) {
		struct request *request = &ready.requests[(ready.first + i) % READY_QUEUE];
		if (overlap(request, from, size)) {
			request->size = 0;
		}
	}
	while (overlap(&ready.current, from, size)) {
		pthread_cond_wait(&ready.touched, &ready.lock.mutex);
	}
	lock_give(&ready.lock);
}
