/*
 * crash: the server ends in the middle of load, is started again, and nothing that was acknowledged is gone.
 *
 * usage: crash [--bin DIR] [--cycles N] [--seed S] [--keep] [--io ENGINE] [--dir DIR] [--deny EPERM|ENOSYS]
 *              [--unprivileged] [--during COMMAND] [--cut COMMAND --renew COMMAND]
 *
 * Each cycle: clients (threads of this process, not the server's) book and cancel the same few unlisted slots; at a random
 * moment the server is ended; the log must pass slotd-replay --verify; the server starts again; every slot is asked for
 * and held against the ledger (ledger.h). After some cycles the server ends on SIGTERM with status 0, and a new log is
 * begun, so that restarts stay short. The seed repeats who asks for what and after how many claims the end comes, not
 * how the threads interleave.
 *
 * How it ends:
 *   kill -9         by itself: what was written is there afterwards, flushed or not
 *   --cut COMMAND   takes the file system of --dir away from under the server, which must then end with the status of a
 *                   failed log [I6]. --renew COMMAND brings the file system back as the cut left it.
 * --during COMMAND runs in the middle of each load, and the server must acknowledge claims after it.
 *
 * Whom it ends:
 *   --deny ERRNO    a server that gets this for every io_uring call, and must be on the pwrite engine
 *   --unprivileged  a server that runs as nobody and may lock 64 KiB of memory. It is restarted at once, while the kernel
 *                   still counts the rings of the one before against that limit, and must be on io_uring all the same.
 *
 * Proves I1, I2, I4, I6, I7, I10 for the whole program. An answer that left before its record was durable, or after the
 * log had failed, is found missing. tests/crash/power_cut.sh and device.sh bring the file systems.
 *
 * Prints one line with the counts; exits 1 if one of lost, doubled, ghosts is not 0.
 */
#include "audit.h"
#include "ledger.h"
#include "load.h"
#include <base/clock.h>
#include <base/hash.h>
#include <drive/server.h>
#include <errno.h>
#include <inttypes.h>
#include <io/ring.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* The end comes after so many answered claims at most, 6,000 on average, or after the time, if the machine is slow. */
#define LOAD_CLAIMS_MAX 12000
#define LOAD_MS_MAX     3000
#define LIVES           20 /* of one log */

/* A device that was stuck or slow is given this long until claims are acknowledged again. */
#define RECOVERY_MS_MAX 30000
#define LOOK_AGAIN_MS   1

/* As src/main/main.c has it: the log failed while running. */
#define STATUS_LOG_FAILED 3

struct crash {
	struct server server;
	struct ledger ledger;
	struct load load;
	uint64_t seed;
	uint32_t cycles;
	uint32_t cycle;
	const char *bin;
	const char *io;     /* the engine, or NULL */
	const char *dir;    /* of the data, or NULL: one of our own */
	const char *during; /* commands, or NULL */
	const char *cut;
	const char *renew;
	int deny; /* errno, or 0 */
	bool unprivileged;
	bool keep;
	uint64_t slowest_start_ms;
};

/* ----------------------------------------------------------------------------------------------------------- the cycles */

static bool run(const char *command)
{
	const int status = command != NULL ? system(command) : 0;
	if (status != 0) {
		printf("status %#x of: %s\n", (unsigned)status, command);
	}
	return status == 0;
}

/* The server runs on for so long. False: it ended by itself. */
static bool server_lives_on(const struct crash *crash, int ms)
{
	struct pollfd ended = {.fd = crash->server.process, .events = POLLIN};
	return poll(&ended, 1, ms) == 0;
}

enum progress {
	PROGRESS_MADE,
	PROGRESS_SLOW, /* not in time */
	PROGRESS_ENDED,
};

/* Waits until so many more claims are acknowledged. */
static enum progress await_claims(const struct crash *crash, uint64_t count, uint64_t ms)
{
	const _Atomic uint64_t *claims = &crash->ledger.claims; /* relaxed: only watched for growing */
	const uint64_t before = atomic_load_explicit(claims, memory_order_relaxed);
	const struct clock clock = clock_real();
	const uint64_t deadline_ns = clock_monotonic_ns(&clock) + ms * UINT64_C(1000000);
	while (atomic_load_explicit(claims, memory_order_relaxed) - before < count) {
		if (!server_lives_on(crash, LOOK_AGAIN_MS)) {
			return PROGRESS_ENDED;
		}
		if (clock_monotonic_ns(&clock) > deadline_ns) {
			return PROGRESS_SLOW;
		}
	}
	return PROGRESS_MADE;
}

/* The device is stuck or slow for a while; then claims are acknowledged again: more than were on their way. */
static bool disturb(const struct crash *crash)
{
	if (crash->during == NULL) {
		return true;
	}
	const bool ok = run(crash->during) &&
			await_claims(crash, LOAD_CLIENTS * LOAD_BURST_MAX + 1, RECOVERY_MS_MAX) == PROGRESS_MADE;
	if (!ok) {
		printf("claims are not acknowledged again after: %s\n", crash->during);
	}
	return ok;
}

/* The end of the server as this run wants it. False: it ended otherwise. */
static bool end_server(struct crash *crash)
{
	int status;
	struct error error;
	if (crash->cut == NULL) {
		return server_stop(&crash->server, SIGKILL, &status, NULL);
	}
	const bool cut = run(crash->cut);
	if (!server_wait(&crash->server, &status, &error)) {
		printf("after the cut: %s\n", error.text);
		return false;
	}
	if (!WIFEXITED(status) || WEXITSTATUS(status) != STATUS_LOG_FAILED) {
		printf("after the cut the server ended with status %#x\n", (unsigned)status);
		return false;
	}
	return cut;
}

/* Load until the end of the server. */
static bool load_and_end(struct crash *crash)
{
	const uint64_t seed = hash_u64(crash->cycle, crash->seed);
	load_start(&crash->load, seed);
	const uint64_t before = atomic_load_explicit(&crash->ledger.claims, memory_order_relaxed); /* only watched */
	bool ok = await_claims(crash, 1 + seed % LOAD_CLAIMS_MAX, LOAD_MS_MAX) != PROGRESS_ENDED;
	if (!ok) {
		printf("the server ended by itself\n");
	} else if (atomic_load_explicit(&crash->ledger.claims, memory_order_relaxed) == before) {
		printf("no claim was acknowledged in %d ms\n", LOAD_MS_MAX);
		ok = false;
	}
	ok = ok && disturb(crash) && end_server(crash);
	int status;
	if (crash->server.pid != 0) {
		(void)server_stop(&crash->server, SIGKILL, &status, NULL);
	}
	load_join(&crash->load);
	return ok && run(crash->renew);
}

/* The engine the server must be on, or NULL: either will do. */
static const char *engine(const struct crash *crash)
{
	const bool no_io_uring = crash->deny != 0 || (crash->io != NULL && strcmp(crash->io, "posix") == 0);
	return no_io_uring ? "pwrite" : crash->unprivileged ? "io_uring" : NULL;
}

/* One worker or two, by the seed. */
static bool start(struct crash *crash)
{
	struct error error;
	const struct clock clock = clock_real();
	const uint64_t from_ms = clock_monotonic_ns(&clock) / 1000000;
	const uint64_t dice = hash_u64(crash->cycle, ~crash->seed);
	snprintf(crash->server.options, sizeof crash->server.options, "--unlisted-slots yes --threads %u --io %s",
		 1 + (unsigned)(dice % 2), crash->io != NULL ? crash->io : "auto");
	if (!server_start(&crash->server, &error)) {
		printf("%s\n", error.text);
		return false;
	}
	const uint64_t took_ms = clock_monotonic_ns(&clock) / 1000000 - from_ms;
	crash->slowest_start_ms = took_ms > crash->slowest_start_ms ? took_ms : crash->slowest_start_ms;
	return engine(crash) == NULL || audit_engine(&crash->server, engine(crash));
}

static bool stop(struct crash *crash)
{
	int status;
	struct error error;
	if (!server_stop(&crash->server, SIGTERM, &status, &error) || !WIFEXITED(status) || WEXITSTATUS(status) != 0) {
		printf("the server did not end well on SIGTERM\n");
		return false;
	}
	return audit_log(&crash->server);
}

static bool crash_cycles(struct crash *crash)
{
	bool ok = start(crash);
	while (ok && crash->cycle < crash->cycles) {
		const bool at_once = crash->unprivileged; /* then the log is looked at when the server was stopped */
		ok = load_and_end(crash) && (at_once || audit_log(&crash->server)) && start(crash) &&
		     audit(&crash->ledger, &crash->server) &&
		     atomic_load_explicit(&crash->load.broken, memory_order_relaxed) == 0;
		crash->cycle++;
		if (ok && crash->cycle % LIVES == 0 && crash->cycle < crash->cycles) {
			ok = stop(crash);
			server_forget(&crash->server);
			ledger_forget(&crash->ledger);
			ok = ok && start(crash);
		}
	}
	return ok && stop(crash);
}

/* -------------------------------------------------------------------------------------------------------------- program */

/* The counts, relaxed: the threads that wrote them were joined. */
static bool report(struct crash *crash)
{
	struct ledger *ledger = &crash->ledger;
	const uint64_t lost = atomic_load_explicit(&ledger->lost, memory_order_relaxed);
	const uint64_t doubled = atomic_load_explicit(&ledger->doubled, memory_order_relaxed);
	const uint64_t ghosts = atomic_load_explicit(&ledger->ghosts, memory_order_relaxed);
	printf("%s=%" PRIu32 " acked=%" PRIu64 " won=%" PRIu64 " cancelled=%" PRIu64 " lost=%" PRIu64
	       " doubled=%" PRIu64 " ghosts=%" PRIu64 " slowest_start_ms=%" PRIu64 " engine=%s seed=%" PRIu64 "\n",
	       crash->cut != NULL ? "cuts" : "kills", crash->cycle,
	       atomic_load_explicit(&ledger->claims, memory_order_relaxed),
	       atomic_load_explicit(&ledger->won, memory_order_relaxed),
	       atomic_load_explicit(&ledger->cancels, memory_order_relaxed), lost, doubled, ghosts,
	       crash->slowest_start_ms, engine(crash) != NULL ? engine(crash) : "any", crash->seed);
	return lost + doubled + ghosts == 0;
}

/* One option: a word that is stored, or a flag that is set. */
struct option {
	const char *name;
	const char **word; /* or NULL: a flag */
	bool *flag;
};

static bool parse_option(const struct option *options, char ***words)
{
	const char *name = *(*words)++;
	for (const struct option *option = options; option->name != NULL; option++) {
		if (strcmp(name, option->name) != 0) {
			continue;
		}
		if (option->word == NULL) {
			return *option->flag = true;
		}
		*option->word = **words;
		return *(*words)++ != NULL;
	}
	return false;
}

static bool parse(struct crash *crash, char **words)
{
	const char *cycles = "10";
	const char *seed = NULL;
	const char *deny = "";
	const struct option options[] = {
	    {"--bin", &crash->bin, NULL},
	    {"--cycles", &cycles, NULL},
	    {"--seed", &seed, NULL},
	    {"--io", &crash->io, NULL},
	    {"--dir", &crash->dir, NULL},
	    {"--deny", &deny, NULL},
	    {"--during", &crash->during, NULL},
	    {"--cut", &crash->cut, NULL},
	    {"--renew", &crash->renew, NULL},
	    {"--keep", NULL, &crash->keep},
	    {"--unprivileged", NULL, &crash->unprivileged},
	    {0},
	};
	while (*words != NULL) {
		if (!parse_option(options, &words)) {
			return false;
		}
	}
	crash->cycles = (uint32_t)strtoul(cycles, NULL, 10);
	crash->seed = seed != NULL ? strtoull(seed, NULL, 0) : hash_seed_random();
	crash->deny = strcmp(deny, "EPERM") == 0 ? EPERM : strcmp(deny, "ENOSYS") == 0 ? ENOSYS : 0;
	return *deny == '\0' || crash->deny != 0;
}

/* Says loudly that nothing was proven: an unprivileged server on io_uring needs root to make it so, and io_uring. */
static bool is_possible(const struct crash *crash)
{
	if (!crash->unprivileged) {
		return true;
	}
	struct ring ring;
	struct error error = {0};
	if (geteuid() != 0) {
		snprintf(error.text, sizeof error.text, "needs root, to become nobody");
	} else if (ring_open(&ring, 64, &error)) {
		ring_close(&ring);
		return true;
	}
	printf("SKIPPED, nothing was proven: restarts of an unprivileged server: %s\n", error.text);
	return false;
}

static bool init(struct crash *crash)
{
	struct error error;
	ledger_init(&crash->ledger);
	crash->load.server = &crash->server;
	crash->load.ledger = &crash->ledger;
	if (!server_init(&crash->server, crash->bin, &error)) {
		printf("%s\n", error.text);
		return false;
	}
	crash->server.io_uring_errno = crash->deny;
	crash->server.unprivileged = crash->unprivileged;
	if (crash->dir != NULL) {
		snprintf(crash->server.dir, sizeof crash->server.dir, "%s", crash->dir);
	}
	server_forget(&crash->server); /* of another run: the ledger is empty, too */
	return true;
}

int main(int argc, char **argv)
{
	static struct crash crash = {.bin = "build/release"};
	if (argc < 1 || !parse(&crash, argv + 1)) {
		fprintf(stderr, "usage: crash [--bin DIR] [--cycles N] [--seed S] [--keep] [--io ENGINE] [--dir DIR]\n"
				"             [--deny EPERM|ENOSYS] [--unprivileged]\n"
				"             [--during COMMAND] [--cut COMMAND --renew COMMAND]\n");
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (!is_possible(&crash)) {
		return 0;
	}
	bool ok = init(&crash) && crash_cycles(&crash);
	ok = report(&crash) && ok;
	if (!ok) {
		printf("again: the same with --cycles %" PRIu32 " --seed %" PRIu64 "\n", crash.cycles, crash.seed);
	}
	if (!ok && crash.keep) {
		printf("kept: %s\n", crash.server.root);
	}
	server_fini(&crash.server, !ok && crash.keep);
	ledger_fini(&crash.ledger);
	return !ok;
}
