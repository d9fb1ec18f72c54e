/*
 * crew: see the header.
 */
#include <base/check.h>
#include <base/crew.h>
#include <pthread.h>
#include <sched.h>

/* Numbers of a part: the taking costs nothing beside, and the last to end ends soon after the others. */
#define PART 8192

struct job {
	crew_work_f *work;
	void *context;
};

uint32_t crew_size(void)
{
	cpu_set_t processors;
	if (sched_getaffinity(0, sizeof processors, &processors) != 0) {
		return 1;
	}
	const uint32_t count = (uint32_t)CPU_COUNT(&processors);
	return count < CREW_MAX ? count : CREW_MAX;
}

static void *run(void *context)
{
	const struct job *job = context;
	job->work(job->context);
	return NULL;
}

void crew_run(uint32_t size, crew_work_f *work, void *context)
{
	CHECK(size >= 1 && size <= CREW_MAX);
	struct job job = {work, context};
	pthread_t threads[CREW_MAX];
	uint32_t started = 0;
	while (started + 1 < size && pthread_create(&threads[started], NULL, run, &job) == 0) {
		started++;
	}
	work(context);
	for (uint32_t i = 0; i < started; i++) {
		CHECK(pthread_join(threads[i], NULL) == 0);
	}
}

bool crew_take_part(struct crew_parts *parts, uint32_t *first, uint32_t *last)
{
	/* Relaxed: it only deals out. */
	const uint64_t done = atomic_fetch_add_explicit(&parts->done, PART, memory_order_relaxed);
	if (done >= parts->last) {
		return false;
	}
	*first = (uint32_t)done + 1;
	*last = parts->last - done < PART ? parts->last : (uint32_t)done + PART;
	return true;
}
