/*
 * ledger: the races that were run, and who won each by the replies.
 *
 * Every race is for a slot of its own: that of psychologist race-TAG-NUMBER at RACE_TIME on RACE_DATE, one of
 * RACE_SLOTS hours opened for the race. The tag is drawn for each run, so that runs against the same server do not
 * meet.
 *
 * Synchronization: the main thread adds; any thread reads entries below ledger_count.
 */
#pragma once

#include <base/error.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#define RACE_DATE     "2100-01-04"
#define RACE_TIME     "09:00"
#define RACE_SLOTS    6
#define RACE_BUSY_END "09:30"
#define RACE_HOURS    RACE_TIME " 50 COUNT 6 EVERY 60" /* as OPEN takes them */

#define LEDGER_TAG_SIZE   9
#define LEDGER_TOKEN_SIZE 64

struct ledger_entry {
	uint64_t session; /* the id that the winner was answered */
	uint32_t winner;  /* number of the client: client-1, client-2, ... */
	uint32_t level;   /* how many raced */
};

struct ledger {
	/* const after ledger_init */
	char tag[LEDGER_TAG_SIZE];
	uint32_t capacity;
	struct ledger_entry *entries;
	/* shared: main adds, all read; only grows */
	_Atomic uint32_t count;
};

bool ledger_init(struct ledger *ledger, uint32_t capacity, struct error *error);
void ledger_fini(struct ledger *ledger);

/* The psychologist of race `number`, which need not have been run. */
struct ledger_token {
	char text[LEDGER_TOKEN_SIZE];
};
struct ledger_token ledger_psychologist(const struct ledger *ledger, uint32_t number);
struct ledger_token ledger_client(uint32_t client);
/* The number of the race that this psychologist belongs to; false if it is none of this run. */
bool ledger_race_of(const struct ledger *ledger, const char *psychologist, uint32_t *number);

/* Adds the next race: its number is what ledger_count was. Release; pairs with ledger_count. */
void ledger_add(struct ledger *ledger, struct ledger_entry entry);
/* Acquire; pairs with ledger_add. */
uint32_t ledger_count(const struct ledger *ledger);
