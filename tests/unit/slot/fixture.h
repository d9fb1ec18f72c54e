/*
 * fixture: a table of its own for each test, and the toy desk that works on it.
 */
#pragma once

#include <criterion/criterion.h>
#include <model/toy_desk.h>

#define FIXTURE_DAY 20000

struct fixture {
	struct memory memory;
	struct table table;
	struct toy_desk toy;
	uint32_t lee; /* a psychologist */
};

/* In place: the table's parts point to each other. */
static inline void fixture_init(struct fixture *fixture, uint64_t limit)
{
	struct error error;
	memory_init(&fixture->memory, limit);
	const struct table_options options = {.stripe_count = 8, .seed = 1};
	cr_assert(table_init(&fixture->table, &fixture->memory, &options, &error), "%s", error.text);
	toy_init(&fixture->toy, &fixture->table, 1 << 18);
	fixture->lee = toy_psychologist(&fixture->table, 1);
}

static inline void fixture_fini(struct fixture *fixture)
{
	table_check(&fixture->table);
	toy_fini(&fixture->toy);
	table_fini(&fixture->table);
}

static inline uint64_t fixture_key(const struct fixture *fixture, uint16_t minute)
{
	return key_make(fixture->lee, FIXTURE_DAY, minute);
}

static inline uint64_t fixture_used(const struct fixture *fixture)
{
	return atomic_load_explicit(&fixture->memory.used, memory_order_relaxed);
}

static inline uint64_t fixture_promised(const struct fixture *fixture)
{
	return atomic_load_explicit(&fixture->memory.promised, memory_order_relaxed);
}

/* Opens a slot that was not there. */
static inline void fixture_open(struct fixture *fixture, uint64_t key, uint16_t minutes)
{
	bool opened;
	cr_assert_eq(toy_open(&fixture->toy, key, minutes, &opened), MODEL_DONE);
	cr_assert(opened);
}

static inline uint64_t fixture_book(struct fixture *fixture, uint64_t key, uint32_t client_n)
{
	uint64_t id = 0;
	cr_assert_eq(toy_book(&fixture->toy, key, client_n, &id), MODEL_DONE);
	return id;
}
