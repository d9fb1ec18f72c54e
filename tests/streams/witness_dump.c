/*
 * witness_dump: what slotd-replay --dump is to print of the same log. See witness.h.
 */
#include <base/check.h>
#include <inttypes.h>
#include <stdlib.h>
#include <streams/witness.h>

static void dump_slots(const struct witness *witness, struct buffer *out)
{
	/* The agenda is in the order of psychologist, date and time. */
	for (uint32_t i = 0; i < witness->agenda->count; i++) {
		const struct agenda_slot *slot = &witness->agenda->slots[i];
		const struct timeline *timeline = &witness->slots[i];
		const struct moment *now = &timeline->moments[timeline->count - 1];
		if (!now->there) {
			continue;
		}
		buffer_format(out, "slot %s %s %s minutes=%d", slot->psychologist, slot->date, slot->time,
			      AGENDA_MINUTES);
		if (now->status != SESSION_FREE) {
			buffer_format(out, " session=%" PRIu64 "\n", now->session);
		} else {
			buffer_format(out, now->busy ? " blocked\n" : " open\n");
		}
	}
}

static int compare_busy(const void *a, const void *b)
{
	const struct model_interval *first = a;
	const struct model_interval *second = b;
	return (first->start > second->start) - (first->start < second->start);
}

static void dump_source(const struct witness *witness, const char *psychologist, uint32_t number, struct buffer *out)
{
	const struct sync *syncs = witness->syncs.items;
	const struct sync *last = NULL;
	for (size_t i = 0; i < witness->syncs.count; i++) {
		last = syncs[i].psychologist == number ? &syncs[i] : last;
	}
	if (last == NULL) {
		return;
	}
	buffer_format(out, "busy %s calendar generation=%" PRIu64 " synced_at=%" PRIu64, psychologist, last->generation,
		      last->at_ms);
	struct model_interval *mine = calloc(witness->model.interval_count + 1, sizeof *mine);
	CHECK(mine != NULL);
	size_t count = 0;
	for (size_t i = 0; i < witness->model.interval_count; i++) {
		if (witness->model.intervals[i].psychologist == number) {
			mine[count++] = witness->model.intervals[i];
		}
	}
	qsort(mine, count, sizeof *mine, compare_busy);
	for (size_t i = 0; i < count; i++) {
		buffer_format(out, " %" PRIu32 "-%" PRIu32, mine[i].start, mine[i].end);
	}
	buffer_format(out, "\n");
	free(mine);
}

static int compare_ids(const void *a, const void *b)
{
	const uint64_t first = *(const uint64_t *)a;
	const uint64_t second = *(const uint64_t *)b;
	/* The number of a session's place, and then how often that was somebody's. */
	const uint64_t left = first << 32 | first >> 32;
	const uint64_t right = second << 32 | second >> 32;
	return (left > right) - (left < right);
}

static void dump_session(const struct witness *witness, uint64_t id, struct buffer *out)
{
	const struct story *story = witness_story_at(witness, witness_story(witness, id));
	const struct turn *turn = witness_turn(witness, story->newest);
	const struct agenda_slot *slot = &witness->agenda->slots[turn->slot];
	buffer_format(out,
		      "session %" PRIu64 " %s %s %s minutes=%d client=client-%" PRIu32 " %s version=%" PRIu32
		      " lsn=%" PRIu64 " created_at=%" PRIu64 " updated_at=%" PRIu64,
		      id, slot->psychologist, slot->date, slot->time, AGENDA_MINUTES, story->client,
		      session_status_name(turn->status), turn->version, turn->lsn, story->created_ms, turn->updated_ms);
	if (turn->hold_seconds != 0) {
		buffer_format(out, " hold_seconds=%u", turn->hold_seconds);
	}
	buffer_format(out, "\n");
}

void witness_dump(const struct witness *witness, struct buffer *out)
{
	buffer_format(out, "purged before day 0, removed by lsn %" PRIu64 "\n", witness->removed_lsn);
	dump_slots(witness, out);
	uint32_t number = 0;
	for (uint32_t i = 0; i < witness->agenda->count; i++) {
		const struct agenda_slot *slot = &witness->agenda->slots[i];
		if (slot->psychologist_number != number) {
			number = slot->psychologist_number;
			dump_source(witness, slot->psychologist, number, out);
		}
	}
	const size_t count = witness->model.session_count;
	uint64_t *ids = calloc(count + 1, sizeof *ids);
	CHECK(ids != NULL);
	for (size_t i = 0; i < count; i++) {
		ids[i] = witness->model.sessions[i].id;
	}
	qsort(ids, count, sizeof *ids, compare_ids);
	for (size_t i = 0; i < count; i++) {
		dump_session(witness, ids[i], out);
	}
	free(ids);
}
