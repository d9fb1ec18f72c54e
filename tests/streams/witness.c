/*
 * witness: see witness.h. What records do is in witness_records.c, what it would dump in witness_dump.c.
 */
#include <base/check.h>
#include <model/model_busy.h>
#include <stdlib.h>
#include <streams/witness.h>

uint32_t list_add(struct list *list, const void *item, size_t size)
{
	if (list->count == list->capacity) {
		list->capacity = list->capacity != 0 ? 2 * list->capacity : 256;
		list->items = realloc(list->items, list->capacity * size);
		CHECK(list->items != NULL);
	}
	memcpy((uint8_t *)list->items + list->count * size, item, size);
	return (uint32_t)list->count++;
}

void witness_init(struct witness *witness, const struct agenda *agenda, uint16_t near_day)
{
	*witness = (struct witness){.agenda = agenda, .near_day = near_day};
	model_init(&witness->model, false);
	witness->model.holds_per_client = WITNESS_HOLDS_PER_CLIENT;
	for (uint32_t slot = 0; slot < agenda->count; slot++) {
		timeline_init(&witness->slots[slot]);
	}
}

void witness_fini(struct witness *witness)
{
	model_fini(&witness->model);
	for (uint32_t slot = 0; slot < witness->agenda->count; slot++) {
		timeline_fini(&witness->slots[slot]);
	}
	free(witness->turns.items);
	free(witness->stories.items);
	free(witness->holdings.items);
	free(witness->holders.items);
	free(witness->syncs.items);
	free(witness->late_claims.items);
}

bool witness_has_started(const struct witness *witness, uint32_t slot)
{
	return witness->started && witness->agenda->slots[slot].day == witness->near_day;
}

uint32_t witness_story(const struct witness *witness, uint64_t id)
{
	/* Its lock is not const. */
	const size_t number = model_session_number((struct model *)(uintptr_t)&witness->model, id);
	return number != 0 ? (uint32_t)number - 1 : WITNESS_NONE;
}

uint32_t witness_slot(const struct witness *witness, struct span psychologist, uint16_t day, uint16_t minute)
{
	return agenda_find_key(witness->agenda, psychologist, day, minute);
}

uint64_t witness_key(const struct witness *witness, uint32_t index)
{
	const struct agenda_slot *slot = &witness->agenda->slots[index];
	return key_make(slot->psychologist_number, slot->day, slot->minute);
}

static uint32_t slot_of_key(const struct witness *witness, uint64_t key)
{
	uint32_t slot = 0;
	while (witness_key(witness, slot) != key) {
		slot++;
		CHECK(slot < witness->agenda->count);
	}
	return slot;
}

/* -------------------------------------------------------------------------------------------------- what the model says now */

void witness_note_slot(struct witness *witness, uint32_t index, uint64_t lsn)
{
	struct model_slot slot = {0};
	struct model_session session = {0};
	const uint64_t key = witness_key(witness, index);
	const bool there = model_slot(&witness->model, key, &slot);
	if (slot.client != 0) {
		model_session(&witness->model, slot.session, &session);
	}
	timeline_add(&witness->slots[index],
		     &(struct moment){.lsn = lsn,
				      .session = slot.session,
				      .expires_ms = session.expires_ms,
				      .client = slot.client != 0 ? slot.client - 1 : 0,
				      .status = slot.client != 0 ? session.status : SESSION_FREE,
				      .there = there,
				      .busy = there && model_busy(&witness->model, key, slot.minutes)});
}

static struct holder *holder_of(struct witness *witness, uint32_t client)
{
	while (witness->holders.count <= client) {
		list_add(&witness->holders, &(struct holder){WITNESS_NONE, WITNESS_NONE}, sizeof(struct holder));
	}
	return (struct holder *)witness->holders.items + client;
}

static void note_holding(struct witness *witness, uint32_t client, int change, uint64_t lsn)
{
	struct holder *holder = holder_of(witness, client);
	const struct holding *holdings = witness->holdings.items;
	const uint32_t newest = holder->newest_holding;
	const uint32_t count = newest != WITNESS_NONE ? holdings[newest].count : 0;
	holder->newest_holding = list_add(
	    &witness->holdings, &(struct holding){.lsn = lsn, .older = newest, .count = count + (uint32_t)change},
	    sizeof(struct holding));
}

void witness_note_session(struct witness *witness, uint64_t id, const struct record *record, uint64_t lsn)
{
	struct model_session session;
	CHECK(model_session(&witness->model, id, &session));
	const uint32_t number = witness_story(witness, id);
	const uint32_t client = session.client - 1;
	if (number == witness->stories.count) {
		struct holder *holder = holder_of(witness, client);
		const struct story story = {.newest = WITNESS_NONE,
					    .client = client,
					    .before = holder->newest_session,
					    .created_ms = record->at_ms};
		holder->newest_session = list_add(&witness->stories, &story, sizeof story);
	}
	struct story *story = (struct story *)witness->stories.items + number;
	const bool was_held =
	    story->newest != WITNESS_NONE && witness_turn(witness, story->newest)->status == SESSION_HELD;
	const bool is_held = session.status == SESSION_HELD;
	const struct turn turn = {.lsn = lsn,
				  .updated_ms = record->at_ms,
				  .expires_ms = session.expires_ms,
				  .older = story->newest,
				  .version =
				      session.version < SESSION_VERSION_MAX ? session.version : SESSION_VERSION_MAX,
				  .hold_seconds = is_held ? record->hold_seconds : 0,
				  .status = (uint8_t)session.status,
				  .slot = (uint8_t)slot_of_key(witness, session.key)};
	story->newest = list_add(&witness->turns, &turn, sizeof turn);
	if (was_held != is_held) {
		note_holding(witness, client, is_held ? 1 : -1, lsn);
	}
	witness_note_slot(witness, turn.slot, lsn);
}
