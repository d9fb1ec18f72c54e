/*
 * ledger: see ledger.h.
 */
#include "ledger.h"
#include <inttypes.h>
#include <stdio.h>

static uint32_t bit(int client)
{
	return UINT32_C(1) << client;
}

static void count(_Atomic uint64_t *counter)
{
	atomic_fetch_add_explicit(counter, 1, memory_order_relaxed); /* see ledger.h */
}

static void accuse(_Atomic uint64_t *counter, const char *what, uint32_t slot, int client, uint64_t id)
{
	count(counter);
	printf("slot %" PRIu32 ", client %d, session %" PRIu64 ": %s\n", slot, client, id, what);
}

/* With the slot's lock, so that its steps are noted in their order. */
static void note(struct ledger *ledger, enum step_kind kind, uint32_t slot, int client, uint64_t id, bool flag)
{
	journal_note(ledger->journal,
		     (struct step){.id = id, .slot = slot, .client = client, .kind = kind, .flag = flag});
}

void ledger_init(struct ledger *ledger)
{
	ledger->journal = NULL;
	for (uint32_t i = 0; i < LEDGER_SLOTS; i++) {
		ledger->slots[i] = (struct ledger_slot){.holder = LEDGER_NOBODY};
		lock_init(&ledger->slots[i].lock);
	}
	atomic_init(&ledger->claims, 0);
	atomic_init(&ledger->won, 0);
	atomic_init(&ledger->cancels, 0);
	atomic_init(&ledger->lost, 0);
	atomic_init(&ledger->doubled, 0);
	atomic_init(&ledger->ghosts, 0);
}

void ledger_fini(struct ledger *ledger)
{
	for (uint32_t i = 0; i < LEDGER_SLOTS; i++) {
		lock_fini(&ledger->slots[i].lock);
	}
}

void ledger_forget(struct ledger *ledger)
{
	for (uint32_t i = 0; i < LEDGER_SLOTS; i++) {
		lock_fini(&ledger->slots[i].lock);
		ledger->slots[i] = (struct ledger_slot){.holder = LEDGER_NOBODY};
		lock_init(&ledger->slots[i].lock);
	}
}

void ledger_copy(struct ledger *ledger, struct ledger *source)
{
	for (uint32_t i = 0; i < LEDGER_SLOTS; i++) {
		lock_fini(&ledger->slots[i].lock);
		ledger->slots[i] = source->slots[i];
		lock_init(&ledger->slots[i].lock);
	}
}

struct ledger_entry ledger_ask(struct ledger *ledger, uint32_t slot, int client, bool give_up)
{
	struct ledger_slot *at = &ledger->slots[slot];
	lock_take(&at->lock);
	note(ledger, STEP_ASKED, slot, client, 0, give_up);
	struct ledger_entry entry = {.slot = slot, .client = client, .mine = at->holder == client};
	if (entry.mine) {
		entry.id = at->id;
	}
	if (entry.mine && give_up && at->id != 0) {
		entry.verb = LEDGER_CANCEL;
		at->cancelling = true;
		at->cancels_sent++;
		at->occupied = false;
		at->told_taken = 0;
	} else {
		entry.verb = LEDGER_BOOK;
		entry.quiet = at->cancels_sent == at->cancels_done;
		entry.cancels_sent = at->cancels_sent;
		at->asking |= bit(client);
	}
	lock_give(&at->lock);
	return entry;
}

void ledger_won(struct ledger *ledger, const struct ledger_entry *entry, uint64_t id)
{
	struct ledger_slot *at = &ledger->slots[entry->slot];
	count(&ledger->claims);
	count(&ledger->won);
	lock_take(&at->lock);
	note(ledger, STEP_WON, entry->slot, entry->client, id, false);
	at->asking &= ~bit(entry->client);
	if (entry->mine) {
		if (id != 0 && entry->id != 0 && id != entry->id) {
			accuse(&ledger->doubled, "asked again and was told another id", entry->slot, entry->client, id);
		}
	} else if (at->holder != LEDGER_NOBODY && !at->cancelling) {
		accuse(&ledger->doubled, "won a slot that another has", entry->slot, entry->client, id);
	} else if (at->occupied && (at->told_taken & bit(entry->client)) != 0) {
		accuse(&ledger->doubled, "won a slot it was told is taken", entry->slot, entry->client, id);
	} else if (id != 0 && id == at->cancelled_id) {
		accuse(&ledger->doubled, "won with the id of a cancelled session", entry->slot, entry->client, id);
	}
	if (!entry->mine) {
		at->holder = entry->client;
		at->cancelling = false;
	}
	at->id = id != 0 ? id : entry->id;
	lock_give(&at->lock);
}

void ledger_taken(struct ledger *ledger, const struct ledger_entry *entry)
{
	struct ledger_slot *at = &ledger->slots[entry->slot];
	count(&ledger->claims);
	lock_take(&at->lock);
	note(ledger, STEP_TAKEN, entry->slot, entry->client, 0, false);
	at->asking &= ~bit(entry->client);
	if (entry->mine) {
		accuse(&ledger->lost, "was told its own slot is taken", entry->slot, entry->client, entry->id);
	} else if (entry->quiet && at->cancels_sent == entry->cancels_sent) {
		at->occupied = true;
		at->told_taken |= bit(entry->client);
	}
	lock_give(&at->lock);
}

void ledger_cancelled(struct ledger *ledger, const struct ledger_entry *entry)
{
	struct ledger_slot *at = &ledger->slots[entry->slot];
	count(&ledger->cancels);
	lock_take(&at->lock);
	note(ledger, STEP_CANCELLED, entry->slot, entry->client, 0, false);
	at->cancels_done++;
	at->cancelled_id = entry->id;
	if (at->holder == entry->client) { /* nobody has won it meanwhile */
		at->holder = LEDGER_NOBODY;
		at->cancelling = false;
		at->id = 0;
	}
	lock_give(&at->lock);
}

void ledger_refused(struct ledger *ledger, const struct ledger_entry *entry)
{
	struct ledger_slot *at = &ledger->slots[entry->slot];
	lock_take(&at->lock);
	if (entry->verb == LEDGER_BOOK) {
		at->asking &= ~bit(entry->client);
	} else {
		at->cancels_done++;
		at->cancelling = at->cancelling && at->holder != entry->client;
	}
	lock_give(&at->lock);
}

void ledger_verify(struct ledger *ledger, uint32_t slot, int client, uint64_t id)
{
	struct ledger_slot *at = &ledger->slots[slot];
	lock_take(&at->lock);
	note(ledger, STEP_VERIFIED, slot, client, id, false);
	const bool as_told = client != LEDGER_NOBODY && client == at->holder && (at->id == 0 || at->id == id);
	if (at->holder != LEDGER_NOBODY && !at->cancelling && !as_told) {
		accuse(&ledger->lost, "its acknowledged booking is gone", slot, at->holder, at->id);
	} else if (at->occupied && client == LEDGER_NOBODY) {
		accuse(&ledger->lost, "the booking others were told of is gone", slot, client, id);
	} else if (at->occupied && (at->told_taken & bit(client)) != 0) {
		accuse(&ledger->doubled, "has a slot it was told is taken", slot, client, id);
	} else if (client != LEDGER_NOBODY && !as_told && (at->asking & bit(client)) == 0) {
		accuse(&ledger->ghosts, "has a booking it did not ask for", slot, client, id);
	}
	at->holder = client;
	at->id = id;
	at->cancelling = false;
	at->cancels_done = at->cancels_sent;
	at->occupied = false;
	at->told_taken = 0;
	at->asking = 0;
	lock_give(&at->lock);
}
