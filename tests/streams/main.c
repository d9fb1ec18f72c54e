/*
 * streams: random commands of every kind for few slots, from 16 connections, with kill -9 every few seconds, held against the
 * model.
 *
 * A log has some lives. In each, clients (history/recorder.h) ask for everything there is to ask for about the same 50 slots,
 * in bursts; after so many answers the server is killed. Then
 *
 *   - slotd-replay --verify finds the log sound, and --dump prints what the model has
 *   - the model does record by record what the log says, and each is allowed (witness.h)
 *   - every record was asked for, and every answer has a place in the log (hearing.h): what was acknowledged is there, and
 *     nobody was told what never was
 *
 * and the server starts again, from the same log. The zone of its civil clock moves on by 26 hours in the middle of a log's
 * lives, so that a fifth of the slots are in the future first, and have started then.
 *
 * usage: streams [--bin DIR] [--ops N] [--seed N] [--keep]
 * What is asked follows from the seed; how the clients interleave, and which sessions they have been told of, does not.
 */
#include <base/check.h>
#include <base/clock.h>
#include <base/hash.h>
#include <drive/server.h>
#include <getopt.h>
#include <inttypes.h>
#include <io/disk_posix.h>
#include <log/reader.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <streams/hearing.h>
#include <sys/wait.h>

#define PSYCHOLOGISTS 5
#define DAYS_AHEAD    30
#define LIVES         6      /* of one log; the civil clock moves in the middle */
#define LIFE_OPS      300000 /* at most, and half of that on average; less if that were too few lives */
#define LIFE_MS       4000   /* and no longer */
#define LOOK_MS       2
#define BURST_MAX     32

#define ZONE_BEFORE "Etc/GMT+12"
#define ZONE_AFTER  "Etc/GMT-14"
#define HOUR_MS     UINT64_C(3600000)

static const struct draw_mix mix = {
    .weights = {[OP_BOOK] = 100,        [OP_CLAIM] = 60,   [OP_HOLD] = 100,    [OP_COMMIT] = 50, [OP_RENEW] = 40,
		[OP_CONFIRM] = 50,      [OP_CANCEL] = 60,  [OP_COMPLETE] = 40, [OP_NOSHOW] = 30, [OP_RESCHEDULE] = 80,
		[OP_BOOKALL] = 40,      [OP_BOOKANY] = 30, [OP_EXEC] = 40,     [OP_SLOT] = 150,  [OP_SLOTS] = 10,
		[OP_ALTERNATIVES] = 20, [OP_SESSION] = 50, [OP_SESSIONS] = 10, [OP_OPEN] = 30,   [OP_CLOSE] = 5,
		[OP_BUSY] = 1},
    .units = 1,
    .seconds_max = 2,
    .client_claims = 100,
    .clients = 20,
    .lone_holds = 100,
    .multi_holds = true,
};

struct program {
	uint64_t seed;
	uint64_t ops; /* to be answered in all */
	uint64_t kills;
	uint64_t records; /* of all logs */
	uint32_t life;    /* of this log */
	uint64_t wall_ms; /* when CLOCK_MONOTONIC was 0 */
	struct server server;
	struct agenda agenda;
	struct recorder recorder;
	struct witness witness;
	struct hearing hearing;
};

/* ------------------------------------------------------------------------------------------------------------------ the log */

static bool on_record(void *context, const struct record *record, uint64_t lsn, struct error *error)
{
	struct program *program = context;
	if (lsn <= program->witness.lsn) {
		return true; /* of a life before */
	}
	if (!witness_record(&program->witness, record, lsn, error)) {
		return false;
	}
	hearing_note(&program->hearing, record, lsn);
	program->records++;
	return true;
}

static bool read_log(struct program *program, struct error *error)
{
	struct disk disk;
	struct reader reader;
	struct reader_block block;
	if (!disk_posix_open(&disk, program->server.dir, DISK_READ_ONLY, error)) {
		return false;
	}
	bool good = reader_open(&reader, &disk, &(struct log_start){0}, error);
	enum reader_step step = READER_END;
	while (good && (step = reader_next(&reader, &block, error)) == READER_BLOCK) {
		good = reader_records(&reader, &block, on_record, program, error);
	}
	reader_close(&reader);
	disk_posix_close(&disk);
	return good && step == READER_END;
}

/* ----------------------------------------------------------------------------------------------------------- slotd-replay */

static bool verify(const struct program *program)
{
	char command[3 * SERVER_PATH_SIZE];
	snprintf(command, sizeof command, "%s/slotd-replay %s --verify --quiet", program->server.bin,
		 program->server.dir);
	const int status = system(command);
	if (status != 0) {
		printf("slotd-replay --verify ends with status %#x\n", (unsigned)status);
	}
	return status == 0;
}

/* The next line that is not about ids that claims took which lost: nobody was told of those, and no record is. */
static ssize_t next_line(FILE *dump, char **line, size_t *size)
{
	ssize_t length;
	do {
		length = getline(line, size, dump);
	} while (length > 0 && strncmp(*line, "used up ", 8) == 0);
	return length;
}

static bool compare_dump(const struct program *program)
{
	char command[3 * SERVER_PATH_SIZE];
	struct buffer expected = {0};
	char *line = NULL;
	size_t size = 0;
	snprintf(command, sizeof command, "%s/slotd-replay %s --dump", program->server.bin, program->server.dir);
	FILE *dump = popen(command, "r");
	CHECK(dump != NULL);
	witness_dump(&program->witness, &expected);
	struct span rest = {expected.at, expected.size};
	bool same = true;
	ssize_t length;
	while (same && (length = next_line(dump, &line, &size)) > 0) {
		same = (size_t)length <= rest.size && memcmp(rest.at, line, (size_t)length) == 0;
		const uint8_t *end = rest.size > 0 ? memchr(rest.at, '\n', rest.size) : NULL;
		const size_t taken = end != NULL ? (size_t)(end - rest.at) + 1 : 0;
		if (!same) {
			printf("the log says    %sthe model says  %.*s\n", line, (int)taken, (const char *)rest.at);
		}
		rest = (struct span){rest.at + taken, rest.size - taken};
	}
	if (same && rest.size > 0) {
		printf("the model says more than the log: %.*s\n", 200, (const char *)rest.at);
		same = false;
	}
	same = pclose(dump) == 0 && same;
	free(line);
	buffer_fini(&expected);
	return same;
}

/* ---------------------------------------------------------------------------------------------------------------- the lives */

/* Slots that are in the future in one zone, and have started in the other; and slots that are in the future in both. */
static void make_agenda(struct program *program)
{
	const struct clock clock = clock_real();
	/* 10:00 is the last that is to start: a day on which it is between an hour from now here, and now there. */
	uint16_t day = (uint16_t)((clock_wall_ms(&clock) + 14 * HOUR_MS) / (24 * HOUR_MS));
	if ((clock_wall_ms(&clock) + 14 * HOUR_MS) % (24 * HOUR_MS) < 11 * HOUR_MS) {
		day--;
	}
	program->agenda.count = 0;
	for (uint32_t i = 1; i <= PSYCHOLOGISTS; i++) {
		char name[AGENDA_WORD_SIZE];
		snprintf(name, sizeof name, "dr-%" PRIu32, i);
		agenda_add(&program->agenda, name, i, day, 2);
		agenda_add(&program->agenda, name, i, (uint16_t)(day + DAYS_AHEAD), 4);
		agenda_add(&program->agenda, name, i, (uint16_t)(day + DAYS_AHEAD + 1), 4);
	}
	witness_init(&program->witness, &program->agenda, day);
}

static bool start(struct program *program)
{
	struct error error;
	const uint64_t dice = hash_u64(program->kills, program->seed);
	program->witness.started = program->life >= LIVES / 2;
	program->hearing.threads = dice % 2 != 0;
	snprintf(program->server.options, sizeof program->server.options,
		 "--threads %u --timezone %s --log-retain 4gb --holds-per-client %d", 1 + program->hearing.threads,
		 program->witness.started ? ZONE_AFTER : ZONE_BEFORE, WITNESS_HOLDS_PER_CLIENT);
	if (!server_start(&program->server, &error)) {
		printf("%s\n", error.text);
		return false;
	}
	return true;
}

/* Until so many are answered, or the time is up. */
static bool load_and_kill(struct program *program, uint64_t ops)
{
	int status;
	struct pollfd ended = {.fd = program->server.process, .events = POLLIN};
	const uint64_t before = atomic_load_explicit(&program->recorder.answered, memory_order_relaxed);
	const uint64_t deadline_ns = recorder_now_ns() + LIFE_MS * UINT64_C(1000000);
	bool alive = true;
	recorder_start(&program->recorder, 2 * LIFE_OPS / RECORDER_CLIENTS);
	while (alive && recorder_now_ns() < deadline_ns &&
	       atomic_load_explicit(&program->recorder.answered, memory_order_relaxed) - before < ops) {
		alive = poll(&ended, 1, LOOK_MS) == 0;
	}
	if (!alive) {
		printf("the server ended by itself\n");
	}
	const bool killed = server_stop(&program->server, SIGKILL, &status, NULL);
	recorder_join(&program->recorder);
	program->kills++;
	return alive && killed;
}

static bool judge(struct program *program)
{
	struct error error;
	if (!read_log(program, &error)) {
		printf("the log: %s\n", error.text);
		return false;
	}
	const bool good = hearing_hold(&program->hearing);
	recorder_forget(&program->recorder);
	return good && compare_dump(program) && verify(program);
}

static void begin_log(struct program *program)
{
	server_forget(&program->server);
	witness_fini(&program->witness);
	make_agenda(program);
	memset(&program->recorder.pool, 0, sizeof program->recorder.pool);
	program->life = 0;
	program->hearing.first_lsn = 1;
}

static bool live(struct program *program)
{
	const uint64_t dice = hash_u64(program->kills, ~program->seed);
	const uint64_t most = program->ops / LIVES < LIFE_OPS ? program->ops / LIVES + 1 : LIFE_OPS;
	return start(program) && load_and_kill(program, 1 + dice % most) && judge(program);
}

static uint64_t answered(const struct program *program)
{
	return atomic_load_explicit(&program->recorder.answered, memory_order_relaxed);
}

static bool run(struct program *program)
{
	bool good = true;
	while (good && answered(program) < program->ops) {
		if (program->life == LIVES) {
			begin_log(program);
		}
		good = live(program);
		program->life++;
		if (program->life == LIVES) {
			printf("... %" PRIu64 " of %" PRIu64 " operations, %" PRIu64 " kills\n", answered(program),
			       program->ops, program->kills);
		}
	}
	return good;
}

static bool init(struct program *program, const char *bin)
{
	struct error error;
	const struct clock clock = clock_real();
	if (!server_init(&program->server, bin, &error)) {
		printf("%s\n", error.text);
		return false;
	}
	program->wall_ms = clock_wall_ms(&clock) - clock_monotonic_ns(&clock) / 1000000;
	make_agenda(program);
	program->recorder.agenda = &program->agenda;
	program->recorder.ask = recorder_ask_server;
	program->recorder.context = &program->server;
	program->recorder.burst_max = BURST_MAX;
	recorder_init(&program->recorder, &mix, program->seed);
	program->hearing = (struct hearing){
	    .witness = &program->witness, .recorder = &program->recorder, .wall_ms = program->wall_ms, .first_lsn = 1};
	return true;
}

/* How often each command was answered what: what never happens is not tested. */
static void print_answers(const struct program *program)
{
	for (enum op_verb verb = 0; verb < OP_VERBS; verb++) {
		printf("%-12s", op_name(verb));
		for (enum answer_code code = 0; code < ANSWER_BROKEN; code++) {
			const uint64_t count = program->hearing.answers[verb][code];
			if (count != 0) {
				printf(" %s %" PRIu64, answer_name(code), count);
			}
		}
		printf("\n");
	}
}

static int usage(void)
{
	fprintf(stderr, "usage: streams [--bin DIR] [--ops N] [--seed N] [--keep]\n");
	return 2;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {{"bin", required_argument, NULL, 'b'},
						{"ops", required_argument, NULL, 'n'},
						{"seed", required_argument, NULL, 's'},
						{"keep", no_argument, NULL, 'k'},
						{0}};
	static struct program program;
	const char *bin = "build/release";
	bool keep = false;
	program.ops = 100000;
	program.seed = hash_seed_random() % 1000000000;
	for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
		if (option == 'b') {
			bin = optarg;
		} else if (option == 'k') {
			keep = true;
		} else if (option == '?' ||
			   !span_number(span_of(optarg), UINT64_MAX, option == 'n' ? &program.ops : &program.seed)) {
			return usage();
		}
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	/* A server that ThreadSanitizer watches says what it found when it ends, and kill -9 leaves no time for that. */
	setenv("TSAN_OPTIONS", "halt_on_error=1", 0);
	if (!init(&program, bin)) {
		return 1;
	}
	const bool good = run(&program);
	print_answers(&program);
	printf("streams: %" PRIu64 " operations answered, %" PRIu64 " kills, %" PRIu64 " records%s, seed=%" PRIu64 "\n",
	       answered(&program), program.kills, program.records, good ? ", model and server equal" : ", NOT equal",
	       program.seed);
	if (!good) {
		printf("again: streams --ops %" PRIu64 " --seed %" PRIu64 "\n", program.ops, program.seed);
		printf(keep ? "kept: %s\n" : "", program.server.root);
	}
	server_fini(&program.server, !good && keep);
	recorder_fini(&program.recorder);
	hearing_fini(&program.hearing);
	witness_fini(&program.witness);
	return !good;
}
