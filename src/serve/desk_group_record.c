/*
 * desk_group_record: what the log remembers of a group (desk_group.c): one record, of as many members as there are changes
 * that change something.
 */
#include "desk_parts.h"
#include "desk_round.h"

static struct record record_of_claim(const struct group_round *round, const struct group_effect *effect)
{
	const struct group_change *change = round_change(round, effect);
	const struct place *place = &round->group->places[change->place];
	return (struct record){
	    .type = effect->to == SESSION_HELD ? RECORD_HOLD : RECORD_BOOK,
	    .at_ms = round->now_ms,
	    .session = effect->id,
	    .psychologist = place->psychologist,
	    .client = change->client,
	    .day = place->day,
	    .minute = place->minute,
	    .minutes = effect->slot->view.minutes,
	    .unlisted = !claim_listed(effect->slot->view.word),
	    .hold_seconds = change->hold_seconds,
	};
}

/* False: it changes nothing. */
static bool record_of(const struct group_round *round, const struct group_effect *effect, struct record *record)
{
	const struct group_change *change = round_change(round, effect);
	switch (effect->kind) {
	case EFFECT_CLAIM:
		*record = record_of_claim(round, effect);
		return true;
	case EFFECT_STATUS:
		*record =
		    desk_status_record(&effect->seen, effect->to, change->reason, change->hold_seconds, round->now_ms);
		return true;
	case EFFECT_MOVE:
		*record = desk_move_record(round->desk, &effect->seen, &effect->slot->view,
					   round->group->places[change->place].psychologist, round->now_ms);
		return true;
	case EFFECT_NONE:
	case EFFECT_KEEP:
		break;
	}
	return false;
}

enum outcome_code round_fits(const struct group_round *round)
{
	size_t size = 0;
	uint32_t count = 0;
	for (uint32_t i = 0; i < round->group->change_count; i++) {
		struct record record;
		if (record_of(round, &round->effects[i], &record)) {
			size += record_size(&record);
			count++;
		}
	}
	const size_t all = count < 2 ? size : record_group_size(size);
	if (all > wal_record_size(desk_wal(round->desk))) {
		return OUTCOME_LIMIT;
	}
	return count == 0 || round_has_room(round, all) ? OUTCOME_DONE : OUTCOME_FULL;
}

/* Encodes the members, if there is room for them; returns their size, *last is the last of them. */
static size_t encode_members(const struct group_round *round, uint8_t *bytes, struct record *last, uint16_t *count)
{
	size_t size = 0;
	*count = 0;
	for (uint32_t i = 0; i < round->group->change_count; i++) {
		struct record record;
		if (record_of(round, &round->effects[i], &record)) {
			size += record_encode(&record, bytes + size);
			*last = record;
			++*count;
		}
	}
	return size;
}

uint64_t round_append(const struct group_round *round)
{
	uint8_t members[RECORD_SIZE_MAX];
	struct record last;
	uint16_t count;
	const size_t size = encode_members(round, members, &last, &count);
	const struct record group = {
	    .type = RECORD_GROUP, .at_ms = round->now_ms, .member_count = count, .members = {members, size}};
	return count == 0 ? 0 : wal_append(desk_wal(round->desk), count == 1 ? &last : &group);
}
