/*
 * ledger: see ledger.h.
 */
#include <base/check.h>
#include <base/hash.h>
#include <bench/ledger.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool ledger_init(struct ledger *ledger, uint32_t capacity, struct error *error)
{
	*ledger = (struct ledger){.capacity = capacity, .entries = calloc(capacity, sizeof *ledger->entries)};
	if (ledger->entries == NULL) {
		return error_set(error, ERROR_NO_MEMORY, "no memory for %u races", capacity);
	}
	snprintf(ledger->tag, sizeof ledger->tag, "%08" PRIx32, (uint32_t)hash_seed_random());
	return true;
}

void ledger_fini(struct ledger *ledger)
{
	free(ledger->entries);
	*ledger = (struct ledger){.capacity = 0};
}

struct ledger_token ledger_psychologist(const struct ledger *ledger, uint32_t number)
{
	struct ledger_token token;
	snprintf(token.text, sizeof token.text, "race-%s-%" PRIu32, ledger->tag, number);
	return token;
}

struct ledger_token ledger_client(uint32_t client)
{
	struct ledger_token token;
	snprintf(token.text, sizeof token.text, "client-%" PRIu32, client);
	return token;
}

bool ledger_race_of(const struct ledger *ledger, const char *psychologist, uint32_t *number)
{
	const char *last = strrchr(psychologist, '-');
	if (last == NULL || sscanf(last, "-%" SCNu32, number) != 1 || *number >= ledger_count(ledger)) {
		return false;
	}
	return strcmp(ledger_psychologist(ledger, *number).text, psychologist) == 0;
}

void ledger_add(struct ledger *ledger, struct ledger_entry entry)
{
	/* Relaxed: only this thread changes it. */
	const uint32_t count = atomic_load_explicit(&ledger->count, memory_order_relaxed);
	CHECK(count < ledger->capacity);
	ledger->entries[count] = entry;
	/* Release: pairs with ledger_count, so that whoever sees the count sees the entry. */
	atomic_store_explicit(&ledger->count, count + 1, memory_order_release);
}

uint32_t ledger_count(const struct ledger *ledger)
{
	return atomic_load_explicit(&ledger->count, memory_order_acquire);
}
