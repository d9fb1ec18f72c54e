/*
 * process: see process.h.
 */
#include <base/check.h>
#include <bench/process.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static bool sibling_path(const char *name, char *path, size_t size, struct error *error)
{
	char self[PATH_MAX];
	const ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
	if (length < 0) {
		return error_errno(error, errno, "reading /proc/self/exe");
	}
	self[length] = '\0';
	*(strrchr(self, '/') + 1) = '\0';
	if ((size_t)snprintf(path, size, "%s%s", self, name) >= size) {
		return error_set(error, ERROR_INVALID, "the path of %s is too long", name);
	}
	if (access(path, X_OK) != 0) {
		return error_errno(error, errno, "%s is needed beside slotd-bench: make it first", path);
	}
	return true;
}

/* Between fork and exec: only async-signal-safe calls, since other threads of the bench may hold locks. */
static _Noreturn void become(const char *path, const char **arguments, pid_t bench, int output)
{
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != bench) {
		_exit(1); /* the bench died before the line above: nobody would tell us */
	}
	if (output >= 0) {
		dup2(output, STDOUT_FILENO);
	}
	execv(path, (char *const *)arguments);
	_exit(127);
}

bool process_start(struct process *process, const char *name, const char **arguments, bool capture, struct error *error)
{
	char path[PATH_MAX];
	if (!sibling_path(name, path, sizeof path, error)) {
		return false;
	}
	arguments[0] = path;
	int ends[2] = {-1, -1};
	if (capture && pipe2(ends, O_CLOEXEC) != 0) {
		return error_errno(error, errno, "pipe");
	}
	const pid_t bench = getpid();
	const pid_t pid = fork();
	if (pid == 0) {
		become(path, arguments, bench, ends[1]);
	}
	if (pid < 0) {
		error_errno(error, errno, "starting %s", path);
	}
	if (capture) {
		close(ends[1]);
	}
	if (pid < 0) {
		if (capture) {
			close(ends[0]);
		}
		return false;
	}
	*process = (struct process){.name = name, .pid = pid, .watch = pidfd_open(pid, 0)};
	CHECK(process->watch >= 0);
	if (capture) {
		process->output = fdopen(ends[0], "r");
		CHECK(process->output != NULL);
	}
	return true;
}

bool process_wait(struct process *process, uint32_t timeout_ms, int *status)
{
	struct pollfd ended = {.fd = process->watch, .events = POLLIN};
	if (poll(&ended, 1, (int)timeout_ms) <= 0) {
		return false;
	}
	int how = 0;
	const pid_t reaped = waitpid(process->pid, &how, 0);
	CHECK(reaped == process->pid);
	*status = WIFEXITED(how) ? WEXITSTATUS(how) : 128 + WTERMSIG(how);
	close(process->watch);
	if (process->output != NULL) {
		fclose(process->output);
	}
	*process = (struct process){.name = process->name};
	return true;
}

void process_terminate(const struct process *process)
{
	CHECK(process->pid > 0);
	kill(process->pid, SIGTERM);
}

void process_kill(struct process *process)
{
	CHECK(process->pid > 0);
	kill(process->pid, SIGKILL);
	int status;
	while (!process_wait(process, INT_MAX, &status)) {
		/* Only a signal ends this wait early. */
	}
}
