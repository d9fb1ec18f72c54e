/*
 * Proves: what two threads make of a log is what one makes of it: the same table, the same accounts of memory; a record that
 * one refuses two refuse, wherever it stands in a batch and whatever follows, and the table can be used again after a clear.
 * Method: made-up records of several batches, of bookings, cancellations and records that go over as they are.
 */
#include <criterion/criterion.h>
#include <log/relay.h>
#include <slot/image.h>
#include <stdio.h>
#include <stdlib.h>

#define MEMORY_LIMIT (UINT64_C(64) << 20)
#define RECORDS      3000 /* some batches */
#define AT_MS        1700000000000

struct run {
	struct memory memory;
	struct table table;
	struct rebuild rebuild;
	struct relay *relay;
	struct error error;
};

static void begin(struct run *run, uint32_t threads)
{
	const struct table_options options = {.stripe_count = 4, .seed = 7};
	*run = (struct run){.error.code = ERROR_NONE};
	memory_init(&run->memory, MEMORY_LIMIT);
	cr_assert(table_init(&run->table, &run->memory, &options, &run->error));
	run->rebuild = (struct rebuild){.table = &run->table, .crew = threads};
	table_rest(&run->table, true);
	run->relay = relay_begin(&run->rebuild, threads, &run->error);
	cr_assert_not_null(run->relay);
}

/* The record of this lsn: of ten, eight book slots nobody opened, one cancels what the first of them booked, and one opens. */
static struct record make(uint64_t lsn, char text[2][TOKEN_SIZE_MAX + 1], uint8_t slot[4])
{
	struct record record = {.at_ms = AT_MS + lsn, .day = (uint16_t)(20000 + lsn / 1000)};
	snprintf(text[0], TOKEN_SIZE_MAX + 1, "dr-%u", (unsigned)(lsn % 7));
	/* Some of them twice in a group, and at first new to it. */
	snprintf(text[1], TOKEN_SIZE_MAX + 1, "client-%u", (unsigned)((lsn % 4 == 3 ? lsn - 1 : lsn) % 901));
	if (lsn % 10 == 9) {
		record.type = RECORD_CANCEL;
		record.session = lsn - 8;
		record.day = (uint16_t)(20000 + (lsn - 8) / 1000);
	} else if (lsn % 10 == 0) {
		store16(slot, (uint16_t)(30000 + lsn));
		store16(slot + 2, 60);
		record.type = RECORD_OPEN;
		record.day = 0;
		record.psychologist = span_of(text[0]);
		record.minutes = 50;
		record.slot_count = 1;
		record.slots = slot;
	} else {
		record.type = RECORD_BOOK;
		record.session = lsn;
		record.psychologist = span_of(text[0]);
		record.client = span_of(text[1]);
		record.minute = (uint16_t)(lsn % 1000);
		record.unlisted = true;
	}
	return record;
}

/* Some next records, all in the same place as those before. */
struct group {
	struct record records[RECORDS_AHEAD_MAX];
	char texts[RECORDS_AHEAD_MAX][2][TOKEN_SIZE_MAX + 1];
	uint8_t slots[RECORDS_AHEAD_MAX][4];
};

/* Replays them in groups of all sizes, of which every third is not announced, the record at `twice` saying the same as another.
 * True: all were accepted. */
static bool replay(struct run *run, uint64_t twice)
{
	static struct group group;
	bool accepted = true;
	size_t count;
	for (uint64_t lsn = 1, groups = 0; accepted && lsn <= RECORDS; lsn += count, groups++) {
		const size_t wanted = 1 + groups % RECORDS_AHEAD_MAX;
		count = RECORDS - lsn + 1 < wanted ? RECORDS - lsn + 1 : wanted;
		for (size_t i = 0; i < count; i++) {
			const uint64_t said = lsn + i == twice ? twice - 10 : lsn + i;
			group.records[i] = make(said, group.texts[i], group.slots[i]);
		}
		if (groups % 3 != 2) {
			relay_ahead(run->relay, group.records, count);
		}
		for (size_t i = 0; accepted && i < count; i++) {
			accepted = relay_record(run->relay, &group.records[i], lsn + i, &run->error);
		}
	}
	return relay_finish(run->relay, &run->error) && accepted;
}

static void end(struct run *run)
{
	relay_end(run->relay);
	table_fini(&run->table);
}

static char *dump(struct run *run)
{
	struct buffer out = {0};
	table_restore_done(&run->table);
	table_check(&run->table);
	table_dump(&run->table, &out);
	buffer_add(&out, "", 1);
	return (char *)out.at;
}

Test(relay, two_threads_make_the_table_of_one)
{
	static struct run one, two;
	begin(&one, 1);
	begin(&two, 2);
	cr_assert(replay(&one, 0), "%s", one.error.text);
	cr_assert(replay(&two, 0), "%s", two.error.text);
	cr_assert_eq(two.rebuild.records, RECORDS);
	cr_assert_eq(two.rebuild.newest_ms, AT_MS + RECORDS);
	cr_assert_eq(one.rebuild.records, RECORDS);
	char *expected = dump(&one);
	char *found = dump(&two);
	cr_assert_str_eq(found, expected);
	cr_assert_eq(atomic_load_explicit(&two.memory.used, memory_order_relaxed),
		     atomic_load_explicit(&one.memory.used, memory_order_relaxed));
	cr_assert_eq(atomic_load_explicit(&two.memory.promised, memory_order_relaxed),
		     atomic_load_explicit(&one.memory.promised, memory_order_relaxed));
	cr_assert_eq(two.table.clients.memory, &two.memory);
	free(expected);
	free(found);
	end(&one);
	end(&two);
}

Test(relay, what_one_refuses_two_refuse_wherever_it_stands)
{
	static struct run one, two;
	/* Behind a booking it books again, a cancellation it cancels again, an opening it opens again. */
	static const uint64_t places[] = {11, 19, 20, 511, 512, 513, 514, 1023, 1025, 2999, RECORDS};
	for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
		begin(&one, 1);
		begin(&two, 2);
		cr_assert_not(replay(&one, places[i]), "lsn %u", (unsigned)places[i]);
		cr_assert_not(replay(&two, places[i]), "lsn %u", (unsigned)places[i]);
		cr_assert_eq(two.error.code, ERROR_DAMAGED);
		cr_assert_str_eq(two.error.text, one.error.text);
		relay_end(two.relay);
		cr_assert(table_clear(&two.table, &two.error));
		cr_assert_eq(atomic_load_explicit(&two.memory.used, memory_order_relaxed), 0);
		table_rest(&two.table, true);
		two.rebuild = (struct rebuild){.table = &two.table, .crew = 1};
		two.relay = relay_begin(&two.rebuild, 1, &two.error);
		cr_assert(replay(&two, 0), "%s", two.error.text);
		end(&one);
		end(&two);
	}
}

Test(relay, may_end_before_all_was_read)
{
	static struct run run;
	begin(&run, 2);
	char text[2][TOKEN_SIZE_MAX + 1];
	uint8_t slot[4];
	const struct record record = make(1, text, slot);
	cr_assert(relay_record(run.relay, &record, 1, &run.error));
	end(&run);
}
