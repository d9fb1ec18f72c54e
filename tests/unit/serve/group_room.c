/*
 * Proves: I5 of a series whose slots are held by somebody whose time is over: each of them becomes expired by a record of its
 * own, and if the log has not room for these and the series as well, the series is refused with LIMIT, nothing of it has
 * happened, and sent again, when there is room, it is booked.
 *
 * Method: the open batch is filled to the last record it takes; the series is as long as its expiries are larger than what one
 * request may append.
 */
#include "desk_on_log.h"
#include <serve/group.h>

#define DAY         22286
#define NOW_MS      (UINT64_C(86400000) * 22280)
#define SERIES      200
#define FILLERS     1000
#define RECORD_ROOM 12288 /* enough for the series, and not for what ends its holds as well */

static struct sim_disk disk;
static struct server server;

static struct place place_at(const char *psychologist, uint32_t slot)
{
	return (struct place){span_of(psychologist), (uint16_t)(DAY + slot), 540};
}

static void open_all(const char *psychologist, uint32_t count)
{
	for (uint32_t slot = 0; slot < count; slot++) {
		const struct place place = place_at(psychologist, slot);
		cr_assert_eq(desk_open(&server.desk, &place, 50, 1, 50).code, OUTCOME_DONE);
		if (!wal_has_room(server.wal)) {
			server_settle(&server, &disk);
		}
	}
}

static void hold_all(void)
{
	for (uint32_t slot = 0; slot < SERIES; slot++) {
		const struct place place = place_at("dr-lee", slot);
		cr_assert_eq(desk_hold(&server.desk, &place, span_of("client-1"), 60).code, OUTCOME_DONE);
		server_settle(&server, &disk);
	}
}

/* Books others until so many are, or the log wants a pause; returns how many. */
static uint32_t fill(uint32_t most)
{
	uint32_t count = 0;
	while (count < most && wal_has_room(server.wal)) {
		const struct place place = place_at("dr-kim", count++);
		cr_assert_eq(desk_book(&server.desk, &place, span_of("client-3")).code, OUTCOME_DONE);
	}
	return count;
}

static struct outcome book_series(void)
{
	static struct group group;
	group_init(&group);
	for (uint32_t slot = 0; slot < SERIES; slot++) {
		struct group_change *change = group_add(&group, GROUP_BOOK);
		change->client = span_of("client-2");
		*group_add_place(&group) = place_at("dr-lee", slot);
	}
	return desk_group(&server.desk, &group);
}

static uint32_t booked(void)
{
	uint32_t count = 0;
	for (uint32_t slot = 0; slot < SERIES; slot++) {
		struct slot_view view;
		const struct place place = place_at("dr-lee", slot);
		uint64_t lsn;
		count += desk_slot(&server.desk, &place, &view, &lsn) && !view.free;
	}
	return count;
}

static void begin(void)
{
	sim_disk_init(&disk, 1);
	server_start(&server, &disk, RECORD_ROOM, NOW_MS);
	open_all("dr-lee", SERIES);
	open_all("dr-kim", FILLERS);
	hold_all();
	server_settle(&server, &disk);
	server.now_ms += 61000;
}

static void end(void)
{
	server_settle(&server, &disk);
	server_stop(&server);
	sim_disk_fini(&disk);
}

Test(group_room, for_holds_that_are_over_and_the_series_or_it_is_to_be_sent_again)
{
	begin();
	const uint32_t takes = fill(FILLERS);
	cr_assert_lt(takes, FILLERS);
	end();

	begin();
	cr_assert_eq(fill(takes - 1), takes - 1);
	cr_assert(wal_has_room(server.wal), "or the request would wait");
	const uint64_t before = wal_appended_lsn(server.wal);
	cr_assert_eq(book_series().code, OUTCOME_FULL);
	const uint64_t expired = wal_appended_lsn(server.wal) - before;
	cr_assert_eq(expired, SERIES);
	cr_assert_eq(booked(), 0);
	server_settle(&server, &disk);
	cr_assert_eq(book_series().code, OUTCOME_DONE);
	cr_assert_eq(wal_appended_lsn(server.wal) - before, SERIES + 1);
	cr_assert_eq(booked(), SERIES);
	end();
}
