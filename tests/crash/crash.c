/*
 * crash: the server ends in the middle of load, is started again, and nothing that was acknowledged is gone.
 *
 * usage: settings.h
 *
 * Each cycle: clients (threads of this process, not the server's) book and cancel the same few unlisted slots; at a random
 * moment the server is ended; the log must pass slotd-replay --verify; the server starts again; every slot is asked for
 * and held against the ledger (ledger.h). After some cycles the server ends on SIGTERM with status 0, and a new log is
 * begun, so that restarts stay short. The seed repeats who asks for what and after how many claims the end comes, not
 * how the threads interleave.
 *
 * It ends on kill -9: what was written is there afterwards, flushed or not. Or by --cut, which takes its file system away:
 * then it must end with the status of a failed log [I6]. Or, if the disk is recorded, it may have ended anywhere (images.h).
 *
 * Proves I1, I2, I4, I6, I7, I10 for the whole program. An answer that left before its record was durable, or after the
 * log had failed, is found missing. tests/crash/power_cut.sh, device.sh and block_images.sh bring the file systems.
 *
 * Prints one line with the counts; exits 1 if one of lost, doubled, ghosts is not 0.
 */
#include "audit.h"
#include "images.h"
#include "journal.h"
#include "ledger.h"
#include "load.h"
#include "settings.h"
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
#define PROGRESS_CYCLES 50 /* between two lines that say how far it is */

/* A device that was stuck or slow is given this long until claims are acknowledged again. */
#define RECOVERY_MS_MAX 30000
#define LOOK_AGAIN_MS   1

/* As src/main/main.c has it: the log failed while running. */
#define STATUS_LOG_FAILED 3

struct crash {
	struct settings settings;
	struct server server;
	struct ledger ledger;
	struct journal journal; /* kept if the disk is recorded */
	struct load load;
	uint32_t cycle;
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
	if (crash->settings.during == NULL) {
		return true;
	}
	const bool ok = run(crash->settings.during) &&
			await_claims(crash, LOAD_CLIENTS * LOAD_BURST_MAX + 1, RECOVERY_MS_MAX) == PROGRESS_MADE;
	if (!ok) {
		printf("claims are not acknowledged again after: %s\n", crash->settings.during);
	}
	return ok;
}

/* The end of the server as this run wants it. False: it ended otherwise. */
static bool end_server(struct crash *crash)
{
	int status;
	struct error error;
	if (crash->settings.cut == NULL) {
		return server_stop(&crash->server, SIGKILL, &status, NULL);
	}
	const bool cut = run(crash->settings.cut);
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

/* The log failed under load, so there were replies that could not come: clients were told so [I6]. */
static bool somebody_was_told(struct crash *crash)
{
	/* Relaxed: the threads that count are joined. */
	const bool told = atomic_exchange_explicit(&crash->load.unknown, 0, memory_order_relaxed) > 0;
	if (!told) {
		printf("nobody was told that outcomes are not known\n");
	}
	return told;
}

/* Load until the end of the server. */
static bool load_and_end(struct crash *crash)
{
	const uint64_t seed = hash_u64(crash->cycle, crash->settings.seed);
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
	ok = ok && (crash->settings.cut == NULL || somebody_was_told(crash));
	return ok && run(crash->settings.renew);
}

/* The engine the server must be on, or NULL: either will do. */
static const char *engine(const struct crash *crash)
{
	const bool no_io_uring =
	    crash->settings.deny != 0 || (crash->settings.io != NULL && strcmp(crash->settings.io, "posix") == 0);
	return no_io_uring ? "pwrite" : crash->settings.unprivileged ? "io_uring" : NULL;
}

/* One worker or two, with or without segments that no snapshot needs, by the seed. */
static bool start(struct crash *crash)
{
	struct error error;
	const struct clock clock = clock_real();
	const uint64_t from_ms = clock_monotonic_ns(&clock) / 1000000;
	const uint64_t dice = hash_u64(crash->cycle, ~crash->settings.seed);
	snprintf(crash->server.options, sizeof crash->server.options, "--unlisted-slots yes --threads %u --io %s %s %s",
		 1 + (unsigned)(dice % 2), crash->settings.io != NULL ? crash->settings.io : "auto",
		 dice / 2 % 2 != 0 ? "--log-retain 0" : "", crash->settings.options);
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

/* The counts, relaxed: the threads that wrote them were joined. */
static void say_progress(const struct crash *crash)
{
	if (crash->cycle % PROGRESS_CYCLES == 0 && crash->cycle < crash->settings.cycles) {
		printf("... %" PRIu32 " of %" PRIu32 ", %" PRIu64 " acknowledged\n", crash->cycle,
		       crash->settings.cycles, atomic_load_explicit(&crash->ledger.claims, memory_order_relaxed));
	}
}

/* One end of the server, and what is there afterwards. */
static bool crash_cycle(struct crash *crash)
{
	/* Restarted at once, its log is looked at only when it was stopped. */
	const bool at_once = crash->settings.unprivileged;
	return load_and_end(crash) && (at_once || audit_log(&crash->server)) && start(crash) &&
	       audit(&crash->ledger, &crash->server) &&
	       atomic_load_explicit(&crash->load.broken, memory_order_relaxed) == 0;
}

/* With an empty log and an empty ledger. */
static bool begin_anew(struct crash *crash)
{
	const bool stopped = stop(crash);
	server_forget(&crash->server);
	ledger_forget(&crash->ledger);
	return stopped && start(crash);
}

static bool crash_cycles(struct crash *crash)
{
	const uint32_t lives = crash->settings.recorded != NULL ? UINT32_MAX : LIVES; /* a journal is of one log */
	bool ok = start(crash);
	while (ok && crash->cycle < crash->settings.cycles) {
		ok = crash_cycle(crash);
		crash->cycle++;
		say_progress(crash);
		if (ok && crash->cycle % lives == 0 && crash->cycle < crash->settings.cycles) {
			ok = begin_anew(crash);
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
	       " doubled=%" PRIu64 " ghosts=%" PRIu64 " snapshots=%" PRIu64 " slowest_start_ms=%" PRIu64
	       " engine=%s seed=%" PRIu64 "\n",
	       crash->settings.cut != NULL ? "cuts" : "kills", crash->cycle,
	       atomic_load_explicit(&ledger->claims, memory_order_relaxed),
	       atomic_load_explicit(&ledger->won, memory_order_relaxed),
	       atomic_load_explicit(&ledger->cancels, memory_order_relaxed), lost, doubled, ghosts,
	       atomic_load_explicit(&crash->load.snapshots, memory_order_relaxed), crash->slowest_start_ms,
	       engine(crash) != NULL ? engine(crash) : "any", crash->settings.seed);
	return lost + doubled + ghosts == 0;
}

/* Says loudly that nothing was proven: an unprivileged server on io_uring needs root to make it so, and io_uring. */
static bool is_possible(const struct crash *crash)
{
	if (!crash->settings.unprivileged) {
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
	if (!server_init(&crash->server, crash->settings.bin, &error)) {
		printf("%s\n", error.text);
		return false;
	}
	crash->server.io_uring_errno = crash->settings.deny;
	crash->server.unprivileged = crash->settings.unprivileged;
	if (crash->settings.dir != NULL) {
		snprintf(crash->server.dir, sizeof crash->server.dir, "%s", crash->settings.dir);
	}
	server_forget(&crash->server); /* of another run: the ledger is empty, too */
	if (crash->settings.recorded != NULL) {
		const struct recording *recording = images_recording(crash->settings.recorded);
		journal_init(&crash->journal, recording);
		crash->ledger.journal = &crash->journal;
		return recording != NULL;
	}
	return true;
}

/* The load is over: what if the power had been cut in the middle of it? */
static bool check_images(struct crash *crash)
{
	if (crash->settings.recorded == NULL) {
		return true;
	}
	snprintf(crash->server.options, sizeof crash->server.options, "--unlisted-slots yes");
	return images_check(&(struct images){
	    .place = crash->settings.recorded,
	    .show = crash->settings.show,
	    .server = &crash->server,
	    .journal = &crash->journal,
	    .seed = crash->settings.seed,
	    .count = crash->settings.images,
	    .early = crash->settings.early,
	});
}

int main(int argc, char **argv)
{
	static struct crash crash;
	if (argc < 1 || !settings_parse(&crash.settings, argv + 1)) {
		fputs(settings_usage, stderr);
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (!is_possible(&crash)) {
		return 0;
	}
	bool ok = init(&crash) && crash_cycles(&crash);
	ok = report(&crash) && ok && check_images(&crash);
	if (!ok) {
		printf("again: the same with --cycles %" PRIu32 " --seed %" PRIu64 "\n", crash.settings.cycles,
		       crash.settings.seed);
	}
	if (!ok && crash.settings.keep) {
		printf("kept: %s\n", crash.server.root);
	}
	server_fini(&crash.server, !ok && crash.settings.keep);
	ledger_fini(&crash.ledger);
	if (crash.ledger.journal != NULL) {
		journal_fini(&crash.journal);
	}
	return !ok;
}
