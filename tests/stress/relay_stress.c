/*
 * relay_stress: a log is replayed by two threads, which make numbers of tokens that nobody has had yet: the one of bookings,
 * the other of what goes over as it is. Under ThreadSanitizer it shows a token of the one that is not kept from the other.
 *
 * Each log is made up from a seed: of ten records seven book slots nobody opened, for clients of whom half are new, the others
 * open days of psychologists of whom half are; in groups that are announced or not. It must make the same table, and take as
 * much memory, as by one thread.
 *
 *   relay_stress [seconds], SEED= repeats
 */
#include <base/check.h>
#include <inttypes.h>
#include <log/relay.h>
#include <model/random.h>
#include <slot/image.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define MEMORY_LIMIT (UINT64_C(64) << 20)
#define RECORDS      20000
#define AT_MS        UINT64_C(1700000000000)
#define NAME_SIZE    24

struct replica {
	struct memory memory;
	struct table table;
	struct rebuild rebuild;
	struct relay *relay;
};

struct made {
	struct record records[RECORDS_AHEAD_MAX];
	char names[RECORDS_AHEAD_MAX][2][NAME_SIZE];
	uint8_t slots[RECORDS_AHEAD_MAX][4];
};

static void begin(struct replica *replica, uint32_t threads)
{
	const struct table_options options = {.stripe_count = 4, .seed = 7};
	struct error error = {0};
	memory_init(&replica->memory, MEMORY_LIMIT);
	CHECK(table_init(&replica->table, &replica->memory, &options, &error));
	replica->rebuild = (struct rebuild){.table = &replica->table, .crew = threads};
	table_rest(&replica->table, true);
	replica->relay = relay_begin(&replica->rebuild, threads, &error);
	CHECK(replica->relay != NULL);
}

/* A name that was said before, or, as often, a new one. */
static struct span name(char text[static NAME_SIZE], const char *kind, uint64_t lsn, uint64_t *random)
{
	const uint64_t said = random_below(random, 2) == 0 ? lsn : random_below(random, (uint32_t)lsn);
	snprintf(text, NAME_SIZE, "%s-%" PRIu64, kind, said);
	return span_of(text);
}

static void make(struct made *made, size_t i, uint64_t lsn, uint64_t *random)
{
	struct record *record = &made->records[i];
	const uint16_t day = (uint16_t)(10000 + lsn % 50000);
	*record = (struct record){.at_ms = AT_MS + lsn};
	record->psychologist = name(made->names[i][0], "dr", lsn, random);
	if (random_below(random, 10) < 7) {
		record->type = RECORD_BOOK;
		record->session = lsn;
		record->client = name(made->names[i][1], "client", lsn, random);
		record->day = day;
		record->minute = 540;
		record->unlisted = true;
	} else {
		store16(made->slots[i], day);
		store16(made->slots[i] + 2, 60);
		record->type = RECORD_OPEN;
		record->minutes = 50;
		record->slot_count = 1;
		record->slots = made->slots[i];
	}
}

static void replay(struct replica *replica, uint64_t seed)
{
	static struct made made;
	struct error error = {0};
	uint64_t random = seed;
	size_t count;
	for (uint64_t lsn = 1; lsn <= RECORDS; lsn += count) {
		const size_t wanted = 1 + random_below(&random, RECORDS_AHEAD_MAX);
		count = RECORDS - lsn + 1 < wanted ? (size_t)(RECORDS - lsn + 1) : wanted;
		for (size_t i = 0; i < count; i++) {
			make(&made, i, lsn + i, &random);
		}
		if (random_below(&random, 4) != 0) {
			relay_ahead(replica->relay, made.records, count);
		}
		for (size_t i = 0; i < count; i++) {
			if (!relay_record(replica->relay, &made.records[i], lsn + i, &error)) {
				printf("violation: refused: %s\n", error.text);
				exit(EXIT_FAILURE);
			}
		}
	}
	CHECK(relay_finish(replica->relay, &error));
}

/* What it came to; ends the replica. */
static char *end(struct replica *replica, uint64_t *used)
{
	struct buffer out = {0};
	relay_end(replica->relay);
	table_restore_done(&replica->table);
	table_check(&replica->table);
	table_dump(&replica->table, &out);
	buffer_add(&out, "", 1);
	*used = atomic_load_explicit(&replica->memory.used, memory_order_relaxed);
	table_fini(&replica->table);
	return (char *)out.at;
}

static char *made_by(uint32_t threads, uint64_t seed, uint64_t *used)
{
	static struct replica replica;
	begin(&replica, threads);
	replay(&replica, seed);
	return end(&replica, used);
}

int main(int argc, char **argv)
{
	const uint64_t seconds = argc > 1 ? strtoull(argv[1], NULL, 10) : 2;
	if (seconds == 0 || argc > 2) {
		fprintf(stderr, "usage: %s [seconds]\n", argv[0]);
		return 2;
	}
	const uint64_t seed = random_seed();
	const time_t until = time(NULL) + (time_t)seconds;
	uint64_t logs = 0;
	do {
		uint64_t used[2];
		char *one = made_by(1, seed + logs, &used[0]);
		char *two = made_by(2, seed + logs, &used[1]);
		if (strcmp(one, two) != 0 || used[0] != used[1]) {
			printf("violation: two threads make another table than one; again: relay_stress 0 %" PRIu64
			       "\n",
			       seed + logs);
			return EXIT_FAILURE;
		}
		free(one);
		free(two);
		logs++;
	} while (time(NULL) < until);
	printf("%" PRIu64 " logs of %d records, the same by two threads as by one, SEED=0x%" PRIx64 "\n", logs, RECORDS,
	       seed);
	return EXIT_SUCCESS;
}
