/*
 * history: clients race for a few slots of a server; each run is recorded and must be linearizable (linear.h).
 *
 * A run has six slots of its own, which 16 clients, each on a connection of its own, book, hold, move and give back, one by
 * one and several at once; then all wait until the holds are over, and go on; in the end each slot and session is looked at.
 * In one of ten runs the server is killed (kill -9) and started again in the middle. A server runs one worker or two.
 *
 * Before that, the checker is shown what it must find: a sham desk (sham.h) with each of its bugs, recorded by the same
 * clients, of which some run must be rejected; and the same desk without a bug, of which none may be.
 *
 * usage: history [--bin DIR] [--runs N] [--seed N] [--canary NAME|all|none]
 * Without --canary all bugs, then the runs. What is asked follows from the seed; how the clients interleave does not.
 */
#include <base/check.h>
#include <base/clock.h>
#include <base/hash.h>
#include <drive/server.h>
#include <getopt.h>
#include <history/linear.h>
#include <history/sham.h>
#include <inttypes.h>
#include <model/random.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#define SLOTS       6
#define UNITS       3
#define DAY         22286 /* 2031-01-07 */
#define OPS_EACH    12    /* of a client, before the holds are over, and as many afterwards */
#define BATCH       50    /* runs that wait together */
#define KILL_ONE_IN 10
#define LOOK_MS     2
#define SHAM_RUNS   3000 /* at most, until a bug is found */
#define SOUND_RUNS  100

static const struct draw_mix mix = {
    .weights = {[OP_BOOK] = 6,
		[OP_CLAIM] = 3,
		[OP_HOLD] = 4,
		[OP_COMMIT] = 3,
		[OP_RENEW] = 2,
		[OP_CONFIRM] = 3,
		[OP_CANCEL] = 10,
		[OP_COMPLETE] = 1,
		[OP_RESCHEDULE] = 4,
		[OP_BOOKALL] = 4,
		[OP_BOOKANY] = 2,
		[OP_EXEC] = 4,
		[OP_SLOT] = 6,
		[OP_SESSION] = 4},
    .units = UNITS,
    .seconds_max = 1,
    .clients = 6,
};

/* The sham does not know SESSION. */
static struct draw_mix sham_mix(void)
{
	struct draw_mix sham = mix;
	sham.weights[OP_SESSION] = 0;
	return sham;
}

struct run {
	struct agenda agenda;
	struct recorder recorder;
	uint64_t wall_ms;
	uint64_t at_ns;
};

struct program {
	struct server server;
	uint64_t seed;
	uint64_t kills;
	struct linear linear;
	struct run runs[BATCH];
};

static void run_init(struct run *run, const struct draw_mix *of, uint64_t number, uint64_t seed)
{
	const struct clock clock = clock_real();
	char psychologist[AGENDA_WORD_SIZE];
	*run = (struct run){.wall_ms = clock_wall_ms(&clock), .at_ns = clock_monotonic_ns(&clock)};
	snprintf(psychologist, sizeof psychologist, "dr-%" PRIu64, number);
	agenda_add(&run->agenda, psychologist, 1, DAY, SLOTS);
	run->recorder.agenda = &run->agenda;
	run->recorder.burst_max = 2;
	recorder_init(&run->recorder, of, hash_u64(number, seed));
}

/* In the end: what is at each slot? False: no answer. */
static bool look_at_all(struct run *run)
{
	bool good = true;
	for (uint32_t slot = 0; slot < SLOTS; slot++) {
		const struct op op = {.verb = OP_SLOT, .part_count = 1, .parts[0] = {.verb = OP_SLOT, .slot = slot}};
		good = good && recorder_ask_one(&run->recorder, &op);
	}
	return good;
}

static void print_text(struct linear *linear)
{
	printf("%.*s", (int)linear->text.size, (const char *)linear->text.at);
	buffer_fini(&linear->text);
}

static enum linear_verdict check(struct linear *linear, const struct run *run)
{
	return linear_check(linear, &run->recorder, run->wall_ms, run->at_ns);
}

/* ---------------------------------------------------------------------------------------------------------------- canaries */

static enum linear_verdict run_sham(enum sham_bug bug, uint64_t number, uint64_t seed, struct linear *linear)
{
	struct run run;
	struct sham sham;
	const struct draw_mix of = sham_mix();
	run_init(&run, &of, number, seed);
	sham_init(&sham, &run.agenda, bug, hash_u64(seed, number));
	run.recorder.ask = sham_ask;
	run.recorder.context = &sham;
	run.recorder.second_ns = SHAM_SECOND_NS;
	recorder_start(&run.recorder, OPS_EACH);
	recorder_join(&run.recorder);
	if (number % 2 == 0) {
		sham_crash(&sham);
	}
	recorder_start(&run.recorder, OPS_EACH);
	recorder_join(&run.recorder);
	CHECK(look_at_all(&run));
	const enum linear_verdict verdict = check(linear, &run);
	recorder_fini(&run.recorder);
	sham_fini(&sham);
	return verdict;
}

static bool find_bug(enum sham_bug bug, uint64_t seed)
{
	struct linear linear = {0};
	enum linear_verdict verdict = LINEAR_YES;
	uint64_t runs = 0;
	while (verdict == LINEAR_YES && runs < SHAM_RUNS) {
		verdict = run_sham(bug, runs++, seed, &linear);
	}
	buffer_fini(&linear.text);
	printf("canary %s: %s %" PRIu64 " runs\n", sham_bug_names[bug],
	       verdict == LINEAR_NO ? "found after" : "NOT found in", runs);
	return verdict == LINEAR_NO;
}

static bool accept_sound(uint64_t seed)
{
	struct linear linear = {0};
	for (uint64_t i = 0; i < SOUND_RUNS; i++) {
		const enum linear_verdict verdict = run_sham(SHAM_SOUND, i, seed, &linear);
		if (verdict != LINEAR_YES) {
			printf("canary sound: run %" PRIu64 " was %s, though it has no bug\n", i,
			       verdict == LINEAR_NO ? "rejected" : "given up");
			print_text(&linear);
			return false;
		}
	}
	printf("canary sound: accepted in all of %d runs\n", SOUND_RUNS);
	return true;
}

/* ---------------------------------------------------------------------------------------------------------------- the runs */

static bool start(struct program *program)
{
	struct error error;
	snprintf(program->server.options, sizeof program->server.options, "--threads %u --holds-per-client 1000",
		 1 + (unsigned)(hash_u64(program->kills, program->seed) % 2));
	if (!server_start(&program->server, &error)) {
		printf("%s\n", error.text);
		return false;
	}
	return true;
}

/* One request over a connection of its own; false: the reply does not begin so. */
static bool ask(const struct program *program, const char *request, const char *begin)
{
	struct connection connection;
	struct span line;
	const bool good = connection_open(&connection, program->server.port, NULL) &&
			  connection_send(&connection, span_of(request), NULL) &&
			  connection_line(&connection, &line) == CONNECTION_LINE && line.size >= strlen(begin) &&
			  memcmp(line.at, begin, strlen(begin)) == 0;
	connection_close(&connection);
	return good;
}

/* Until so many are answered, or all are, the server goes on. */
static bool kill_in_the_middle(struct program *program, struct run *run, uint64_t after)
{
	int status;
	struct pollfd ended = {.fd = program->server.process, .events = POLLIN};
	while (atomic_load_explicit(&run->recorder.answered, memory_order_relaxed) < after &&
	       poll(&ended, 1, LOOK_MS) == 0) {
	}
	const bool killed = server_stop(&program->server, SIGKILL, &status, NULL);
	recorder_join(&run->recorder);
	program->kills++;
	return killed && start(program);
}

static bool first_half(struct program *program, struct run *run, uint64_t number)
{
	char request[128];
	const uint64_t dice = hash_u64(number, ~program->seed);
	run_init(run, &mix, number, program->seed);
	run->recorder.ask = recorder_ask_server;
	run->recorder.context = &program->server;
	run->recorder.second_ns = UINT64_C(1000000000);
	snprintf(request, sizeof request, "OPEN %s %s 09:00 %d COUNT %d EVERY 60\r\n",
		 run->agenda.slots[0].psychologist, run->agenda.slots[0].date, AGENDA_MINUTES, SLOTS);
	if (!ask(program, request, ":6")) {
		printf("no slots in run %" PRIu64 "\n", number);
		return false;
	}
	recorder_start(&run->recorder, OPS_EACH);
	if (number % KILL_ONE_IN == program->seed % KILL_ONE_IN) {
		return kill_in_the_middle(program, run, 1 + dice % (RECORDER_CLIENTS * OPS_EACH * 3 / 4));
	}
	recorder_join(&run->recorder);
	return true;
}

/* Whoever holds for a second has done so since before: so all holds of a second are over when that of a slot is. */
static bool await_expiry(const struct program *program, uint64_t number)
{
	char request[160];
	struct pollfd ended = {.fd = program->server.process, .events = POLLIN};
	snprintf(request, sizeof request, "OPEN wait-%" PRIu64 " 2031-01-07 09:00 50\r\n", number);
	bool good = ask(program, request, ":1");
	snprintf(request, sizeof request, "HOLD wait-%" PRIu64 " 2031-01-07 09:00 client-first TTL 1\r\n", number);
	good = good && ask(program, request, "*2");
	snprintf(request, sizeof request, "CLAIM wait-%" PRIu64 " 2031-01-07 09:00 client-next\r\n", number);
	while (good && !ask(program, request, ":1")) {
		good = poll(&ended, 1, LOOK_MS) == 0;
	}
	return good;
}

static bool second_half(struct program *program, struct run *run, uint64_t number)
{
	recorder_start(&run->recorder, OPS_EACH);
	recorder_join(&run->recorder);
	if (!look_at_all(run)) {
		printf("run %" PRIu64 ": the server does not answer\n", number);
		return false;
	}
	const enum linear_verdict verdict = check(&program->linear, run);
	if (verdict != LINEAR_YES) {
		printf("run %" PRIu64 " %s\n", number,
		       verdict == LINEAR_NO ? "is not linearizable" : "has too many possibilities");
		print_text(&program->linear);
	}
	return verdict == LINEAR_YES;
}

static bool run_batch(struct program *program, uint64_t first, uint64_t count)
{
	bool good = true;
	uint64_t begun = 0;
	while (begun < count && good) {
		good = first_half(program, &program->runs[begun], first + begun);
		begun++;
	}
	good = good && await_expiry(program, first);
	for (uint64_t i = 0; i < count && good; i++) {
		good = second_half(program, &program->runs[i], first + i);
	}
	for (uint64_t i = 0; i < begun; i++) {
		recorder_fini(&program->runs[i].recorder);
	}
	return good;
}

static bool run_all(struct program *program, const char *bin, uint64_t runs)
{
	struct error error;
	if (!server_init(&program->server, bin, &error)) {
		printf("%s\n", error.text);
		return false;
	}
	bool good = start(program);
	uint64_t done = 0;
	while (good && done < runs) {
		const uint64_t count = runs - done < BATCH ? runs - done : BATCH;
		good = run_batch(program, done, count);
		done += count;
	}
	server_fini(&program->server, false);
	const struct linear *linear = &program->linear;
	printf("history: %" PRIu64 " runs%s, %" PRIu64 " kills, %" PRIu64 " steps in %" PRIu64 " parts, %" PRIu64
	       " placed, seed=%" PRIu64 "\n",
	       done, good ? " accepted" : ", the last NOT accepted", program->kills, linear->steps, linear->parts,
	       linear->placed, program->seed);
	return good;
}

static int usage(void)
{
	fprintf(stderr, "usage: history [--bin DIR] [--runs N] [--seed N] [--canary NAME|all|none]\n");
	return 2;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {{"bin", required_argument, NULL, 'b'},
						{"runs", required_argument, NULL, 'n'},
						{"seed", required_argument, NULL, 's'},
						{"canary", required_argument, NULL, 'c'},
						{0}};
	static struct program program;
	const char *bin = "build/release";
	const char *canary = NULL;
	uint64_t runs = 100;
	program.seed = hash_seed_random() % 1000000000;
	for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
		if (option == 'b') {
			bin = optarg;
		} else if (option == 'c') {
			canary = optarg;
		} else if (option == '?' ||
			   !span_number(span_of(optarg), UINT64_MAX, option == 'n' ? &runs : &program.seed)) {
			return usage();
		}
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	bool good = true;
	const bool all = canary == NULL || strcmp(canary, "all") == 0;
	for (enum sham_bug bug = SHAM_SOUND; bug < SHAM_BUGS && good; bug++) {
		if (all || strcmp(canary, sham_bug_names[bug]) == 0) {
			good = bug == SHAM_SOUND ? accept_sound(program.seed) : find_bug(bug, program.seed);
		}
	}
	if (good && (canary == NULL || strcmp(canary, "none") == 0)) {
		good = run_all(&program, bin, runs);
	}
	if (!good) {
		printf("again: history --runs %" PRIu64 " --seed %" PRIu64 "\n", runs, program.seed);
	}
	return !good;
}
