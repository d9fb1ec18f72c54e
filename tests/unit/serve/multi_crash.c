/*
 * Proves: I1, I4 of every command of several slots (BOOKALL, BOOKANY, EXEC, RESCHEDULE), in the middle of it: whatever of its
 * record is on the device when the power goes, after recovery all of it has happened or nothing.
 *
 * Method: the command is done by the production desk between two bookings, and its batch is on its way to a simulated disk.
 * Then the power goes as often as there are ways for it: with the first n bytes written, for every n (in a batch of many pages
 * every eighth, which is how records and their members are aligned), so at every boundary of a record, at every boundary
 * between the members of a group and in each of them; and with any choice of the last sectors. After each the log is opened,
 * and the table is compared, word for word, with the two it may be. The same again with the command alone in its batch.
 */
#include "desk_on_log.h"
#include <serve/group.h>
#include <slot/image.h>
#include <stdio.h>
#include <stdlib.h>

#define DAY         22286
#define NOW_MS      (UINT64_C(86400000) * 22280)
#define MANY        104 /* slots: two years of weeks */
#define FEW         12
#define SECTORS_MAX 8 /* of which any choice is made */

static char *dump(const struct server *server)
{
	struct buffer out = {0};
	table_check(&server->table);
	table_dump(&server->table, &out);
	buffer_add(&out, "", 1);
	return (char *)out.at;
}

static struct place place_at(uint32_t slot)
{
	return (struct place){span_of("dr-lee-of-a-long-name-which-takes-its-room-in-the-log"), (uint16_t)(DAY + slot),
			      540};
}

static uint64_t book(struct server *server, uint32_t slot, const char *client)
{
	const struct place place = place_at(slot);
	const struct outcome outcome = desk_book(&server->desk, &place, span_of(client));
	cr_assert_eq(outcome.code, OUTCOME_DONE);
	return outcome.value;
}

/* ------------------------------------------------------------------------------------------------------- the commands */

static void add_claim(struct group *group, enum group_verb verb, uint32_t slot)
{
	struct group_change *change = group_add(group, verb);
	change->client = span_of("client-of-a-name-that-is-long-enough");
	change->hold_seconds = verb == GROUP_HOLD ? 300 : 0;
	*group_add_place(group) = place_at(slot);
}

static void add_session(struct group *group, enum group_verb verb, uint64_t session, enum life_command command)
{
	struct group_change *change = group_add(group, verb);
	change->session = session;
	change->command = command;
}

static struct outcome do_group(struct server *server, struct group *group)
{
	return desk_group(&server->desk, group);
}

/* Sessions 1, 2 and 3 are at the slots 0, 1 and 2. */
static struct outcome bookall(struct server *server, uint32_t count)
{
	struct group group;
	group_init(&group);
	for (uint32_t i = 0; i < count; i++) {
		add_claim(&group, GROUP_BOOK, 4 + i);
	}
	return do_group(server, &group);
}

static struct outcome do_bookall(struct server *server)
{
	return bookall(server, 6);
}

static struct outcome do_long_bookall(struct server *server)
{
	return bookall(server, MANY - 4);
}

static struct outcome do_bookany(struct server *server)
{
	struct group group;
	group_init(&group);
	add_claim(&group, GROUP_BOOK, 0);
	*group_add_place(&group) = place_at(5);
	return do_group(server, &group);
}

static struct outcome do_exec(struct server *server)
{
	struct group group;
	group_init(&group);
	add_session(&group, GROUP_MOVE, 1, LIFE_RESCHEDULE);
	*group_add_place(&group) = place_at(4);
	add_session(&group, GROUP_MOVE, 2, LIFE_RESCHEDULE);
	*group_add_place(&group) = place_at(0);
	add_session(&group, GROUP_CHANGE, 3, LIFE_CANCEL);
	add_claim(&group, GROUP_HOLD, 2);
	add_claim(&group, GROUP_BOOK, 1);
	return do_group(server, &group);
}

static struct outcome do_reschedule(struct server *server)
{
	const struct place place = place_at(4);
	return desk_reschedule(&server->desk, 1, &place);
}

/* ------------------------------------------------------------------------------------------------------- all the crashes */

struct hall {
	struct sim_disk disk;
	struct sim_disk twin;
	struct server server;
	const struct sim_op *op; /* the batch on its way */
	size_t used;             /* bytes of it that say something */
	char *before;
	char *after;
	uint64_t lost;
	uint64_t kept;
};

/* Recovers from what the twin has now; all of the batch must be there, or nothing. */
static void recover(struct hall *hall, bool whole, const char *how, size_t n)
{
	struct server server;
	hall->twin.queued = 0;
	server_start(&server, &hall->twin, RECORD_SIZE_MAX, NOW_MS);
	char *found = dump(&server);
	cr_assert_str_eq(found, whole ? hall->after : hall->before, "%s %zu", how, n);
	hall->kept += whole;
	hall->lost += !whole;
	free(found);
	server_stop(&server);
}

static struct sim_file *follow(struct hall *hall)
{
	sim_disk_follow(&hall->twin, &hall->disk);
	return &hall->twin.files[hall->op->file];
}

static void cut_at_each_byte(struct hall *hall)
{
	const size_t step = hall->used > DISK_ALIGN ? 8 : 1;
	for (size_t n = 0; n < hall->used; n += step) {
		sim_file_patch(follow(hall), hall->op->offset, hall->op->bytes, n);
		recover(hall, false, "bytes", n);
	}
}

/* Of the last sectors any choice, the others being there. */
static void lose_any_sectors(struct hall *hall)
{
	const size_t sectors = (hall->used + SIM_SECTOR_SIZE - 1) / SIM_SECTOR_SIZE;
	const size_t first = sectors > SECTORS_MAX ? sectors - SECTORS_MAX : 0;
	const size_t choices = (size_t)1 << (sectors - first);
	for (size_t choice = 0; choice < choices; choice++) {
		struct sim_file *file = follow(hall);
		for (size_t sector = 0; sector < sectors; sector++) {
			if (sector < first || (choice >> (sector - first) & 1) != 0) {
				const size_t at = sector * SIM_SECTOR_SIZE;
				sim_file_patch(file, hall->op->offset + at, hall->op->bytes + at, SIM_SECTOR_SIZE);
			}
		}
		recover(hall, choice == choices - 1, "sectors", choice);
	}
}

/* Sends what was appended, and finds it among what waits. */
static void send(struct hall *hall)
{
	wal_pump(hall->server.wal);
	hall->op = NULL;
	for (uint32_t i = 0; i < hall->disk.queued; i++) {
		const struct sim_op *op = &hall->disk.queue[i];
		hall->op = op->flush && op->bytes != NULL ? op : hall->op;
	}
	cr_assert_not_null(hall->op);
	hall->used = hall->op->size;
	while (hall->op->bytes[hall->used - 1] == 0) {
		hall->used--;
	}
}

static void crash_in(struct outcome (*command)(struct server *server), bool alone, uint32_t slots)
{
	static struct hall hall;
	sim_disk_init(&hall.disk, 1);
	sim_disk_init(&hall.twin, 2);
	server_start(&hall.server, &hall.disk, RECORD_SIZE_MAX, NOW_MS);
	for (uint32_t slot = 0; slot < slots; slot++) {
		const struct place place = place_at(slot);
		cr_assert_eq(desk_open(&hall.server.desk, &place, 50, 1, 50).code, OUTCOME_DONE);
	}
	for (uint32_t slot = 0; slot < 3; slot++) {
		cr_assert_eq(book(&hall.server, slot, "client-1"), slot + 1);
	}
	server_settle(&hall.server, &hall.disk);
	hall.before = dump(&hall.server);
	if (!alone) {
		book(&hall.server, 3, "client-2");
	}
	cr_assert_eq(command(&hall.server).code, OUTCOME_DONE);
	if (!alone) {
		book(&hall.server, slots - 1, "client-2");
	}
	hall.after = dump(&hall.server);
	send(&hall);
	hall.lost = hall.kept = 0;
	cut_at_each_byte(&hall);
	lose_any_sectors(&hall);
	cr_assert_eq(hall.kept, 1);
	cr_assert_gt(hall.lost, 100);
	free(hall.before);
	free(hall.after);
	server_settle(&hall.server, &hall.disk);
	server_stop(&hall.server);
	sim_disk_fini(&hall.twin);
	sim_disk_fini(&hall.disk);
}

Test(multi_crash, of_a_bookall)
{
	crash_in(do_bookall, true, FEW);
	crash_in(do_bookall, false, FEW);
}

Test(multi_crash, of_two_years_of_weeks)
{
	crash_in(do_long_bookall, true, MANY);
}

Test(multi_crash, of_a_bookany)
{
	crash_in(do_bookany, true, FEW);
	crash_in(do_bookany, false, FEW);
}

Test(multi_crash, of_a_multi)
{
	crash_in(do_exec, true, FEW);
	crash_in(do_exec, false, FEW);
}

Test(multi_crash, of_a_reschedule)
{
	crash_in(do_reschedule, true, FEW);
	crash_in(do_reschedule, false, FEW);
}
