/*
 * Proves what io/ring.h promises: every operation is done once, also when more are prepared than the queues hold and
 * when `done` prepares the next; waits end in time; what comes between completions ends a wait, and loses none; a file it
 * holds stays open until it is torn down; and where io_uring is denied or memory is short, opening says so or makes do.
 *
 * Method: no-operations and timeouts of the kernel; a seccomp filter and RLIMIT_MEMLOCK in the test's own process.
 */
#include <base/check.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <io/ring.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define MS_NS INT64_C(1000000)

struct counted {
	struct ring_op op;
	struct ring *ring;
	int done;
	int again; /* how often `done` prepares it anew */
	int32_t result;
};

static void on_done(struct ring_op *op, int32_t result, uint32_t flags)
{
	(void)flags;
	struct counted *counted = RING_OP_OWNER(op, struct counted, op);
	counted->done++;
	counted->result = result;
	if (counted->again == 0) {
		return;
	}
	counted->again--;
	io_uring_prep_nop(ring_entry(counted->ring, op));
}

static void open_ring(struct ring *ring, uint32_t entries)
{
	struct error error = {0};
	cr_assert(ring_open(ring, entries, &error), "%s", error.text);
}

static double now_s(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

struct interrupter {
	int asked;
	int true_at; /* when asked so often */
};

static bool interrupt_now(void *context, bool sleeps)
{
	struct interrupter *interrupter = context;
	cr_assert_eq(sleeps, interrupter->asked == 0);
	return ++interrupter->asked == interrupter->true_at;
}

Test(ring, a_wait_ends_when_something_comes_between)
{
	struct ring ring;
	open_ring(&ring, 64);
	struct interrupter interrupter = {.true_at = 5};
	ring.between = interrupt_now;
	ring.between_context = &interrupter;
	struct counted counted[6] = {0};
	for (size_t i = 0; i < 6; i++) {
		counted[i] = (struct counted){.op.done = on_done, .ring = &ring};
		io_uring_prep_nop(ring_entry(&ring, &counted[i].op));
	}
	ring_wait(&ring, -1);
	/* Before the wait, before the second to the fifth, and at the end. */
	cr_assert_eq(interrupter.asked, 6);
	cr_assert_eq(counted[3].done, 1);
	cr_assert_eq(counted[4].done, 0);
	/* Those left are at hand: nothing is waited for. */
	interrupter.asked = 0;
	interrupter.true_at = 0;
	ring_wait(&ring, -1);
	for (size_t i = 0; i < 6; i++) {
		cr_assert_eq(counted[i].done, 1);
	}
	/* There is nothing to wait for now, but something comes before it sleeps. */
	interrupter.asked = 0;
	interrupter.true_at = 1;
	ring_wait(&ring, -1);
	cr_assert_eq(interrupter.asked, 2);
	ring_close(&ring);
}

Test(ring, does_each_operation_once_however_many_are_prepared)
{
	struct ring ring;
	open_ring(&ring, 64);
	/* Thirty times what the submission queue holds, four times what the completion queue holds. */
	static struct counted counted[2000];
	for (size_t i = 0; i < 2000; i++) {
		counted[i] = (struct counted){.op.done = on_done, .ring = &ring};
		io_uring_prep_nop(ring_entry(&ring, &counted[i].op));
	}
	for (size_t i = 0; i < 2000; i++) {
		while (counted[i].done == 0) {
			ring_wait(&ring, -1);
		}
		cr_assert(counted[i].done == 1);
	}
	ring_wait(&ring, 0);
	for (size_t i = 0; i < 2000; i++) {
		cr_assert(counted[i].done == 1);
	}
	ring_close(&ring);
}

Test(ring, lets_done_prepare_the_next_even_with_full_queues)
{
	struct ring ring;
	open_ring(&ring, 64);
	static struct counted counted[600];
	for (size_t i = 0; i < 600; i++) {
		counted[i] = (struct counted){.op.done = on_done, .ring = &ring, .again = 20};
		io_uring_prep_nop(ring_entry(&ring, &counted[i].op));
	}
	for (size_t i = 0; i < 600; i++) {
		while (counted[i].done < 21) {
			ring_wait(&ring, -1);
		}
	}
	ring_close(&ring);
}

static void on_alarm(int number)
{
	(void)number;
}

Test(ring, waits_its_time_although_signals_interrupt_it)
{
	struct ring ring;
	open_ring(&ring, 64);
	double before_s = now_s();
	ring_wait(&ring, 0);
	cr_assert(now_s() - before_s < 0.5);

	const struct sigaction action = {.sa_handler = on_alarm};
	cr_assert(sigaction(SIGALRM, &action, NULL) == 0);
	const struct itimerval often = {.it_interval.tv_usec = 5000, .it_value.tv_usec = 5000};
	cr_assert(setitimer(ITIMER_REAL, &often, NULL) == 0);
	before_s = now_s();
	ring_wait(&ring, 100 * MS_NS);
	const double took_s = now_s() - before_s;
	cr_assert(took_s >= 0.1, "%f", took_s);
	cr_assert(took_s < 2.0, "%f", took_s);
	ring_close(&ring);
}

static void deny_io_uring(uint32_t action)
{
	struct sock_filter filter[] = {
	    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
	    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_io_uring_setup, 0, 1),
	    BPF_STMT(BPF_RET | BPF_K, action),
	    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog program = {.len = sizeof filter / sizeof filter[0], .filter = filter};
	cr_assert(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	cr_assert(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0);
}

Test(ring, says_that_it_is_denied)
{
	deny_io_uring(SECCOMP_RET_ERRNO | EPERM);
	struct ring ring;
	struct error error = {0};
	cr_assert(!ring_open(&ring, 64, &error));
	cr_assert(error.code == ERROR_UNSUPPORTED);
	cr_assert(strstr(error.text, "seccomp") != NULL, "%s", error.text);
	cr_assert(strstr(error.text, "kernel.io_uring_disabled") != NULL, "%s", error.text);
}

Test(ring, says_that_it_is_not_there)
{
	deny_io_uring(SECCOMP_RET_ERRNO | ENOSYS);
	struct ring ring;
	struct error error = {0};
	cr_assert(!ring_open(&ring, 64, &error));
	cr_assert(error.code == ERROR_UNSUPPORTED);
}

Test(ring, makes_do_with_fewer_entries_where_locked_memory_is_short)
{
	/* Root is not bound by the limit; a user of its own shares it with nobody. */
	const bool alone = geteuid() == 0;
	const uid_t user = 60000 + (uid_t)getpid() % 5000;
	if (alone) {
		cr_assert(setresuid(user, user, user) == 0);
	}
	const struct rlimit limit = {.rlim_cur = 65536, .rlim_max = 65536};
	cr_assert(setrlimit(RLIMIT_MEMLOCK, &limit) == 0);
	struct ring ring;
	struct error error = {0};
	const bool opened = ring_open(&ring, 4096, &error);
	if (!opened && !alone) {
		cr_skip_test("SKIPPED: other rings of this user take up the limit of locked memory");
	}
	cr_assert(opened, "%s", error.text);
	cr_assert(ring.uring.sq.ring_entries < 4096);
	cr_assert(ring.uring.sq.ring_entries >= 64);
	ring_close(&ring);
}

static bool try_lock(int descriptor)
{
	struct flock all = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	return fcntl(descriptor, F_OFD_SETLK, &all) == 0;
}

/* Opens the file anew, as another process would. */
static bool lock_is_free(const char *path)
{
	const int descriptor = open(path, O_RDWR | O_CLOEXEC);
	CHECK(descriptor >= 0);
	const bool is_free = try_lock(descriptor);
	close(descriptor);
	return is_free;
}

Test(ring, keeps_a_lock_until_it_is_torn_down)
{
	char path[] = "/tmp/slotd-ring-XXXXXX";
	const int descriptor = mkstemp(path);
	cr_assert(descriptor >= 0);
	cr_assert(try_lock(descriptor));
	struct ring ring;
	struct error error = {0};
	cr_assert(ring_open(&ring, 64, &error), "%s", error.text);
	cr_assert(ring_hold(&ring, descriptor, &error), "%s", error.text);
	/* All that is left of the file in this process is the ring's. */
	close(descriptor);
	cr_assert(!lock_is_free(path));
	ring_close(&ring);
	/* Tearing down goes on behind the call: wait for its end, which must come. */
	const time_t deadline = time(NULL) + 20;
	while (!lock_is_free(path)) {
		cr_assert(time(NULL) < deadline);
	}
	unlink(path);
}
