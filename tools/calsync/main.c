/*
 * slotd-calsync: follows the calendars of psychologists and tells slotd when they are busy elsewhere.
 *
 * A process of its own, because calendars are what others write: nothing of them comes near the server but sorted intervals.
 *
 *   options                        the command line and the file
 *   sync    book, server, report   one run: which calendars, tell the server, say what came of it
 *   round   ics, caldav -> transfer    fetching them, so many at once
 *           worker -> expand           unrolling each, in a process of its own
 *   sift -> event, series, recurrence, zones -> intervals     a calendar's bytes to busy times
 */
#include <base/clock.h>
#include <calsync/sync.h>
#include <calsync/zones.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define MS UINT64_C(1000000) /* in nanoseconds */

/* Waits for the next run; false when told to stop. */
static bool wait_until(uint64_t due_ns, int stop_fd)
{
	const struct clock clock = clock_real();
	struct pollfd stop = {.fd = stop_fd, .events = POLLIN};
	for (;;) {
		const uint64_t now_ns = clock_monotonic_ns(&clock);
		if (now_ns >= due_ns) {
			return true;
		}
		if (poll(&stop, 1, (int)((due_ns - now_ns) / MS) + 1) > 0) {
			return false;
		}
	}
}

static int run(const struct options *options, int stop_fd)
{
	const struct clock clock = clock_real();
	struct sync sync = {.options = options, .stop_fd = stop_fd};
	int status;
	bool stopped;
	for (;;) {
		const uint64_t due_ns = clock_monotonic_ns(&clock) + options->every * UINT64_C(1000) * MS;
		status = sync_run(&sync, &stopped);
		if (options->once || stopped || !wait_until(due_ns, stop_fd)) {
			break;
		}
	}
	sync_fini(&sync);
	return status;
}

int main(int argc, char **argv)
{
	struct options options;
	int status;
	sigset_t signals;
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	if (options_parse(&options, argc, argv, &status)) {
		sigprocmask(SIG_BLOCK, &signals, NULL);
		const int stop_fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
		(void)curl_global_init(CURL_GLOBAL_DEFAULT);
		zones_init();
		status = run(&options, stop_fd);
		curl_global_cleanup();
		close(stop_fd);
	}
	options_fini(&options);
	return status;
}
