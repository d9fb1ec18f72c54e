/*
 * worker: see the header. The result goes through a pipe: its head, then the intervals.
 */
#include <base/check.h>
#include <calsync/limits.h>
#include <calsync/worker.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* More than any calendar's whole output: a psychologist is busy once a minute of a horizon at most. */
#define OUTPUT_SIZE_MAX (sizeof(struct head) + sizeof(struct busy_interval) * MINUTES_PER_DAY * BUSY_DAYS_MAX)

struct head {
	bool is_good;
	struct expansion expansion; /* without its pointer */
	char reason[128];
};

static void limit(void)
{
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) /* which need address space of their own */
	const struct rlimit memory = {WORKER_ADDRESS_SPACE, WORKER_ADDRESS_SPACE};
	(void)setrlimit(RLIMIT_AS, &memory);
#endif
	const struct rlimit seconds = {WORKER_CPU_SECONDS, WORKER_CPU_SECONDS};
	const struct rlimit nothing = {0, 0};
	(void)setrlimit(RLIMIT_CPU, &seconds);
	(void)setrlimit(RLIMIT_CORE, &nothing);
	(void)setrlimit(RLIMIT_FSIZE, &nothing); /* a pipe is no file */
}

static void write_all(int fd, const void *bytes, size_t size)
{
	for (size_t done = 0; done < size;) {
		const ssize_t written = write(fd, (const char *)bytes + done, size - done);
		if (written < 0 && errno != EINTR) {
			_exit(1);
		}
		done += written > 0 ? (size_t)written : 0;
	}
}

_Noreturn static void work(int fd, const struct expansion_asked *asked, pid_t parent)
{
	sigset_t none;
	sigemptyset(&none);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent) {
		_exit(1);
	}
	signal(SIGTERM, SIG_DFL);
	signal(SIGINT, SIG_IGN); /* of a terminal: the parent decides */
	sigprocmask(SIG_SETMASK, &none, NULL);
	limit();
	struct head head = {0};
	struct error error = {0};
	head.is_good = expand(asked, &head.expansion, &error);
	snprintf(head.reason, sizeof head.reason, "%.127s", error.text);
	const struct busy_interval *intervals = head.expansion.intervals;
	head.expansion.intervals = NULL;
	write_all(fd, &head, sizeof head);
	write_all(fd, intervals, head.expansion.count * sizeof *intervals);
	_exit(0);
}

bool worker_start(struct worker *worker, const struct expansion_asked *asked, struct error *error)
{
	int ends[2];
	*worker = (struct worker){.fd = -1};
	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) {
		return error_errno(error, errno, "pipe");
	}
	const pid_t parent = getpid();
	worker->pid = fork();
	if (worker->pid == 0) {
		(void)fcntl(ends[1], F_SETFL, 0); /* waits for us to read */
		work(ends[1], asked, parent);
	}
	close(ends[1]);
	if (worker->pid < 0) {
		error_errno(error, errno, "fork");
		close(ends[0]);
		return false;
	}
	worker->fd = ends[0];
	return true;
}

bool worker_read(struct worker *worker)
{
	for (;;) {
		const ssize_t size = read(worker->fd, buffer_room(&worker->output, 65536), 65536);
		if (size < 0 && errno == EAGAIN) {
			return false;
		}
		if (size <= 0 && errno != EINTR) {
			return true;
		}
		worker->output.size += size > 0 ? (size_t)size : 0;
		if (size == 0 || worker->output.size > OUTPUT_SIZE_MAX) {
			return true;
		}
	}
}

/* Are they in order, not empty, and in the window? */
static bool are_sound(const struct busy_interval *intervals, uint32_t count, const struct busy_interval *window)
{
	uint32_t end = window->start;
	for (uint32_t i = 0; i < count; i++) {
		if (intervals[i].start < end || intervals[i].end <= intervals[i].start ||
		    intervals[i].end > window->end) {
			return false;
		}
		end = intervals[i].end;
	}
	return true;
}

static bool take(const struct buffer *output, const struct busy_interval *window, struct expansion *expansion,
		 struct error *error)
{
	struct head head;
	memcpy(&head, output->at, sizeof head);
	head.reason[sizeof head.reason - 1] = '\0';
	const size_t size = (size_t)head.expansion.count * sizeof(struct busy_interval);
	if (!head.is_good) {
		return error_set(error, ERROR_INVALID, "%s", head.reason);
	}
	if (output->size != sizeof head + size) {
		return error_set(error, ERROR_INVALID, "unrolling it failed");
	}
	*expansion = head.expansion;
	expansion->intervals = malloc(size + 1);
	CHECK(expansion->intervals != NULL);
	memcpy(expansion->intervals, output->at + sizeof head, size);
	if (are_sound(expansion->intervals, expansion->count, window)) {
		return true;
	}
	free(expansion->intervals);
	*expansion = (struct expansion){0};
	return error_set(error, ERROR_INVALID, "unrolling it failed");
}

bool worker_finish(struct worker *worker, const struct busy_interval *window, struct expansion *expansion,
		   struct error *error)
{
	int status = 0;
	*expansion = (struct expansion){0};
	close(worker->fd);
	(void)kill(worker->pid, SIGKILL); /* nothing, if it has ended */
	while (waitpid(worker->pid, &status, 0) < 0 && errno == EINTR) {
	}
	bool is_good = false;
	if (worker->output.size >= sizeof(struct head)) {
		is_good = take(&worker->output, window, expansion, error);
	} else if (WIFSIGNALED(status) && WTERMSIG(status) != SIGABRT && WTERMSIG(status) != SIGSEGV) {
		error_set(error, ERROR_INVALID, "unrolling it takes more than %d s", WORKER_CPU_SECONDS);
	} else {
		error_set(error, ERROR_INVALID, "unrolling it failed");
	}
	buffer_fini(&worker->output);
	*worker = (struct worker){.fd = -1};
	return is_good;
}
