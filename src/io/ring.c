/*
 * ring: one io_uring of one thread (io/ring.h).
 *
 * Opening asks for the flags of newest kernels first: SINGLE_ISSUER and DEFER_TASKRUN (6.1) let the kernel finish work
 * only while we wait, so that completions come in batches and nothing interrupts us between; COOP_TASKRUN and
 * TASKRUN_FLAG (5.19) are the next best. SUBMIT_ALL (5.18) keeps one bad entry from holding up those behind it.
 *
 * Completions cannot be lost: the kernel keeps what does not fit in the completion queue (FEAT_NODROP), and would count
 * what it really had to drop in koverflow, which is checked to stay 0.
 *
 * See: io_uring_enter(2), the section on errors.
 */
#include <base/check.h>
#include <base/clock.h>
#include <errno.h>
#include <io/ring.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#define ENTRIES_MIN           64
#define COMPLETIONS_PER_ENTRY 8
/* What a ring takes of RLIMIT_MEMLOCK, rounded up: a submission of 64 bytes and its index, completions of 16. */
#define BYTES_PER_ENTRY 256
/* How much of that limit one ring leaves to the buffers that are registered with it, to the rings of other workers, and to
 * those of the process before. */
#define RINGS_PER_LIMIT 4

#define MEMORY_RETRY_FOR_MS        1000
#define MEMORY_RETRY_FIRST_WAIT_MS 5
/* How long to leave a kernel alone that has no memory for a request. */
#define BACK_OFF_MS 1

static const unsigned flags_by_preference[] = {
    IORING_SETUP_SUBMIT_ALL | IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG | IORING_SETUP_SINGLE_ISSUER |
	IORING_SETUP_DEFER_TASKRUN,
    IORING_SETUP_SUBMIT_ALL | IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG,
    IORING_SETUP_SUBMIT_ALL,
    0,
};

static void sleep_ms(long ms)
{
	struct timespec span = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
	nanosleep(&span, NULL);
}

/* Returns 0 or -errno. Only "invalid" makes it try older flags. */
static int set_up(struct ring *ring, uint32_t entries)
{
	int result = -EINVAL;
	for (size_t i = 0; i < sizeof flags_by_preference / sizeof flags_by_preference[0] && result == -EINVAL; i++) {
		struct io_uring_params params = {
		    .flags = flags_by_preference[i] | IORING_SETUP_CQSIZE,
		    .cq_entries = entries * COMPLETIONS_PER_ENTRY,
		};
		result = io_uring_queue_init_params(entries, &ring->uring, &params);
	}
	return result;
}

/* A process that was killed, or a ring that was closed, gives its memory back a little later; a restart must not end up on
 * the slow path for that. Each wait is twice as long as the one before. */
struct patience {
	long wait_ms;
	long waited_ms;
};

/* False: the result is another, or there was patience enough. */
static bool wait_for_memory(struct patience *patience, int result)
{
	if (result != -ENOMEM || patience->waited_ms >= MEMORY_RETRY_FOR_MS) {
		return false;
	}
	const long wait_ms = patience->wait_ms > 0 ? patience->wait_ms : MEMORY_RETRY_FIRST_WAIT_MS;
	sleep_ms(wait_ms);
	*patience = (struct patience){.wait_ms = 2 * wait_ms, .waited_ms = patience->waited_ms + wait_ms};
	return true;
}

/* For whom RLIMIT_MEMLOCK counts: so many entries that the rest of what we need fits beside the ring. */
static uint32_t entries_within_limit(uint32_t entries)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_MEMLOCK, &limit) == 0) {
		while (entries > ENTRIES_MIN && (rlim_t)entries * BYTES_PER_ENTRY > limit.rlim_cur / RINGS_PER_LIMIT) {
			entries /= 2;
		}
	}
	return entries;
}

static int set_up_patiently(struct ring *ring, uint32_t entries)
{
	int result = set_up(ring, entries);
	if (result == -ENOMEM) {
		entries = entries_within_limit(entries);
	}
	for (struct patience patience = {0}; wait_for_memory(&patience, result);) {
		result = set_up(ring, entries);
	}
	while (result == -ENOMEM && entries > ENTRIES_MIN) {
		entries /= 2;
		result = set_up(ring, entries);
	}
	return result;
}

static bool refuse(int errno_value, struct error *error)
{
	switch (errno_value) {
	case EPERM:
	case EACCES:
		return error_set(error, ERROR_UNSUPPORTED,
				 "io_uring is denied here, likely by the container's seccomp profile or by the sysctl "
				 "kernel.io_uring_disabled");
	case ENOSYS:
		return error_set(error, ERROR_UNSUPPORTED,
				 "this kernel has no io_uring, or a seccomp profile hides it");
	case ENOMEM:
		return error_set(
		    error, ERROR_NO_MEMORY,
		    "no memory for an io_uring of %d entries; raise the limit of locked memory (ulimit -l, "
		    "LimitMEMLOCK=8M)",
		    ENTRIES_MIN);
	default:
		return error_errno(error, errno_value, "io_uring_setup");
	}
}

bool ring_open(struct ring *ring, uint32_t entries, struct error *error)
{
	CHECK(entries >= 1);
	CHECK((entries & (entries - 1)) == 0);
	ring->between = NULL;

	int result = set_up_patiently(ring, entries);
	if (result < 0) {
		return refuse(-result, error);
	}

	const unsigned needed = IORING_FEAT_NODROP | IORING_FEAT_EXT_ARG | IORING_FEAT_FAST_POLL;
	if ((ring->uring.features & needed) != needed) {
		io_uring_queue_exit(&ring->uring);
		return error_set(error, ERROR_UNSUPPORTED,
				 "this kernel's io_uring is too old; Linux 5.11 is the oldest that "
				 "will do");
	}
	/* Both only make it cheaper, so a kernel that refuses is fine. What prepares the next segment is the only work that
	 * ever reaches the kernel's worker threads, one at a time. */
	(void)io_uring_register_ring_fd(&ring->uring);
	unsigned workers_max[2] = {2, 2};
	(void)io_uring_register_iowq_max_workers(&ring->uring, workers_max);
	return true;
}

bool ring_hold(struct ring *ring, int descriptor, struct error *error)
{
	const int result = io_uring_register_files(&ring->uring, &descriptor, 1);
	return result == 0 || error_errno(error, -result, "cannot register a file with the io_uring");
}

bool ring_provide(struct ring *ring, struct io_uring_buf_reg buffers, struct error *error)
{
	int result = io_uring_register_buf_ring(&ring->uring, &buffers, 0);
	for (struct patience patience = {0}; wait_for_memory(&patience, result);) {
		result = io_uring_register_buf_ring(&ring->uring, &buffers, 0);
	}
	return result == 0 || error_errno(error, -result, "cannot register receive buffers with the io_uring");
}

void ring_close(struct ring *ring)
{
	io_uring_queue_exit(&ring->uring);
}

/* Is this what a submission may fail with and succeed later? */
static bool is_passing(int result)
{
	return result == -EINTR || result == -EAGAIN || result == -EBUSY;
}

static void submit(struct ring *ring)
{
	int result = io_uring_submit(&ring->uring);
	CHECK(result >= 0 || is_passing(result));
	if (result == -EAGAIN || result == -EBUSY) {
		sleep_ms(BACK_OFF_MS);
	}
}

struct io_uring_sqe *ring_entry(struct ring *ring, struct ring_op *op)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&ring->uring);
	while (sqe == NULL) {
		submit(ring);
		sqe = io_uring_get_sqe(&ring->uring);
	}
	io_uring_sqe_set_data(sqe, op);
	return sqe;
}

static int submit_and_wait(struct ring *ring, uint64_t timeout_ns)
{
	struct __kernel_timespec span = {
	    .tv_sec = (long long)(timeout_ns / 1000000000),
	    .tv_nsec = (long long)(timeout_ns % 1000000000),
	};
	struct io_uring_cqe *cqe;
	return io_uring_submit_and_wait_timeout(&ring->uring, &cqe, 1, timeout_ns == UINT64_MAX ? NULL : &span, NULL);
}

/* Enters the kernel until everything prepared is submitted and there is a completion, or the time is over. A signal
 * starts the wait again for what is left of it. */
static void enter(struct ring *ring, int64_t timeout_ns)
{
	const struct clock clock = clock_real();
	uint64_t left_ns = timeout_ns < 0 ? UINT64_MAX : (uint64_t)timeout_ns;
	const uint64_t end_ns = timeout_ns > 0 ? clock_monotonic_ns(&clock) + left_ns : 0;
	for (;;) {
		int result =
		    left_ns == 0 ? io_uring_submit_and_get_events(&ring->uring) : submit_and_wait(ring, left_ns);
		if (result >= 0 || result == -ETIME) {
			return;
		}
		CHECK(is_passing(result));
		/* No memory for a request, or no room for completions: handling those there are helps. */
		if (result != -EINTR && io_uring_cq_ready(&ring->uring) > 0) {
			return;
		}
		if (result != -EINTR) {
			sleep_ms(BACK_OFF_MS);
		}
		if (timeout_ns > 0) {
			const uint64_t now_ns = clock_monotonic_ns(&clock);
			left_ns = now_ns < end_ns ? end_ns - now_ns : 0;
		}
	}
}

/* See ring_between_f. */
static bool ask(const struct ring *ring, bool sleeps)
{
	return ring->between != NULL && ring->between(ring->between_context, sleeps);
}

void ring_wait(struct ring *ring, int64_t timeout_ns)
{
	enter(ring, ask(ring, true) ? 0 : timeout_ns);

	/* What arrives meanwhile is for the next wait, so that the caller gets its turn. */
	const unsigned ready = io_uring_cq_ready(&ring->uring);
	unsigned handled = 0;
	unsigned head;
	struct io_uring_cqe *cqe;
	io_uring_for_each_cqe(&ring->uring, head, cqe)
	{
		if (handled == ready || (handled > 0 && ask(ring, false))) {
			break;
		}
		handled++;
		struct ring_op *op = io_uring_cqe_get_data(cqe);
		const int32_t result = cqe->res;
		const uint32_t flags = cqe->flags;
		/* Before the call: `done` may submit, and then its completions find room. */
		io_uring_cq_advance(&ring->uring, 1);
		op->done(op, result, flags);
	}
	(void)ask(ring, false);
	CHECK(*ring->uring.cq.koverflow == 0);
}
