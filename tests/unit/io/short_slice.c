/*
 * Proves: a thread that asks gets the short slice, where the kernel has them, and nothing else about it changes.
 */
#include "../../../src/io/short_slice.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

/* As the kernel has it. */
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

static struct attributes of_this_thread(void)
{
	struct attributes attributes = {.size = sizeof attributes};
	cr_assert_eq(syscall(SYS_sched_getattr, 0, &attributes, sizeof attributes, 0), 0);
	return attributes;
}

static void *ask(void *context)
{
	struct attributes *found = context;
	found[0] = of_this_thread();
	short_slice_ask();
	found[1] = of_this_thread();
	return NULL;
}

/* What a thread has before and after asking. */
static void try(struct attributes found[2])
{
	pthread_t thread;
	cr_assert_eq(pthread_create(&thread, NULL, ask, found), 0);
	pthread_join(thread, NULL);
}

Test(short_slice, is_granted_to_the_thread_that_asks)
{
	struct attributes found[2];
	try(found);
	if (found[0].runtime_ns == 0) {
		cr_skip_test("this kernel has no slices of a thread's own (Linux 6.12 has)");
	}
	cr_assert_gt(found[0].runtime_ns, SHORT_SLICE_NS);
	cr_assert_eq(found[1].runtime_ns, SHORT_SLICE_NS);
	cr_assert_eq(of_this_thread().runtime_ns, found[0].runtime_ns, "others keep theirs");
}

Test(short_slice, leaves_nice_and_policy_alone)
{
	cr_assert_eq(setpriority(PRIO_PROCESS, 0, 7), 0);
	struct attributes found[2];
	try(found);
	cr_assert_eq(found[0].nice, 7);
	cr_assert_eq(found[1].nice, 7);
	cr_assert_eq(found[1].policy, SCHED_OTHER);
	const struct sched_param none = {0};
	cr_assert_eq(sched_setscheduler(0, SCHED_IDLE, &none), 0);
	try(found);
	cr_assert_eq(found[1].policy, SCHED_IDLE);
}
