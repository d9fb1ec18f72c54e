/*
 * toy_desk: a desk and a log reduced to what the table needs of them, so that the table can be tested alone.
 *
 * Does what serve/desk.c does, in the same order (find, look, claim, append, settle), one slot a command; the log is an
 * array, whose n-th record has lsn n. Psychologists and clients are small numbers, whose tokens are made of them.
 *
 * Threads: any, for the commands; the rest before and after.
 */
#pragma once

#include <model/model.h>
#include <slot/table.h>

enum toy_type {
	TOY_BOOK,
	TOY_CHANGE,
	TOY_OPEN,
	TOY_CLOSE,
	TOY_PURGE,
	TOY_MOVE,
};

struct toy_record {
	enum toy_type type;
	uint16_t minutes; /* OPEN; BOOK: 0 is unlisted */
	uint16_t day;     /* PURGE */
	uint32_t client;  /* BOOK: a token's number in the table that wrote it, as in the key */
	uint64_t key;
	uint64_t from_key;          /* MOVE */
	uint16_t from_minutes;      /* MOVE */
	uint64_t session;           /* BOOK, CHANGE, MOVE */
	enum session_status status; /* CHANGE */
	uint16_t hold_seconds;      /* BOOK, CHANGE: if held */
	uint64_t at_ms;
};

struct toy_desk {
	struct table *table;
	bool unlisted_slots;
	bool blind;              /* a canary: claims whatever the slot's word has become */
	uint64_t hasty;          /* a canary: this session opens the slot it leaves before it takes the other */
	_Atomic uint64_t now_ms; /* the clock, turned by the test */
	struct lock lock;
	struct toy_record *records;
	uint64_t capacity;
	_Atomic uint64_t count; /* written under lock; release, pairs with toy_lsn */
};

/* `table` is borrowed. The log has room for `capacity` records; more are a bug of the test. */
void toy_init(struct toy_desk *toy, struct table *table, uint64_t capacity);
void toy_fini(struct toy_desk *toy);
uint64_t toy_lsn(const struct toy_desk *toy);

/* The numbers of tokens "p-<n>" and "c-<n>" in a table, added if new. */
uint32_t toy_psychologist(struct table *table, uint32_t n);
uint32_t toy_client(struct table *table, uint32_t n, bool promised);

enum model_outcome toy_open(struct toy_desk *toy, uint64_t key, uint16_t minutes, bool *opened);
enum model_outcome toy_close(struct toy_desk *toy, uint64_t key);
/* A hold of its own is committed. */
enum model_outcome toy_book(struct toy_desk *toy, uint64_t key, uint32_t client_n, uint64_t *session);
/* A hold that is over by the toy's clock is made expired by whoever comes across it with one of these two. */
enum model_outcome toy_hold(struct toy_desk *toy, uint64_t key, uint32_t client_n, uint16_t seconds, uint64_t *session);
/* Whatever the time. */
enum model_outcome toy_renew(struct toy_desk *toy, uint64_t session, uint16_t seconds);
/* From 1. */
uint64_t toy_now_ms(const struct toy_desk *toy);
/* As slot/life.h judges by these facts, and by the toy's clock. */
enum model_outcome toy_change(struct toy_desk *toy, uint64_t session, enum life_command command, unsigned facts);
enum model_outcome toy_cancel(struct toy_desk *toy, uint64_t session);
/* RESCHEDULE to the slot at `key`. */
enum model_outcome toy_move(struct toy_desk *toy, uint64_t session, uint64_t key);
/* Moves the horizon and reclaims, `slice` records at a time. */
void toy_purge(struct toy_desk *toy, uint16_t day, uint32_t slice);

/* What a look at a slot answers. `lsn` as in table_view, or what its absence depends on. */
struct toy_look {
	bool there;
	struct slot_view view;
	uint64_t lsn;
};
struct toy_look toy_look(const struct toy_desk *toy, uint64_t key);

/* Applies the log to an empty table, strictly. */
bool toy_replay(const struct toy_desk *toy, struct table *table, struct error *error);
/* Applies it to a table that has copies made between the two lsn (slot/image.h). */
bool toy_replay_onto(const struct toy_desk *toy, struct table *table, uint64_t begin_lsn, uint64_t end_lsn,
		     struct error *error);
/* The key, of the table that wrote the log, as it is in the other. */
uint64_t toy_key_in(const struct toy_desk *toy, struct table *table, uint64_t key);
