/*
 * Proves: a psychologist's zone is the one that was set last, with the lsn that set it, however many others there are, and also
 * for who asks while the table grows; whoever has none is in the server's.
 *
 * Method: ten thousand psychologists, and threads that ask all the time while they are set.
 */
#include <criterion/criterion.h>
#include <pthread.h>
#include <slot/zone_map.h>

#define PSYCHOLOGISTS 10000

struct fixture {
	struct memory memory;
	struct zone_map map;
	const struct zone *berlin;
	const struct zone *kolkata;
	_Atomic uint32_t set; /* psychologists up to this one are set; release, acquire */
	_Atomic bool failed;
};

static void *ask(void *argument)
{
	struct fixture *fixture = argument;
	uint32_t set = 0;
	for (uint32_t i = 0; set < PSYCHOLOGISTS; i++) {
		set = atomic_load_explicit(&fixture->set, memory_order_acquire);
		const uint32_t psychologist = 1 + i * 7919 % PSYCHOLOGISTS;
		uint64_t lsn = 0;
		const struct zone *zone = zone_map_get(&fixture->map, psychologist, &lsn);
		const bool is_set = zone == fixture->berlin && lsn == psychologist;
		if (!is_set && (psychologist <= set || zone != civil_zone() || lsn != 0)) {
			fixture->failed = true;
		}
	}
	return NULL;
}

Test(zone_map, says_what_was_set_last_to_all_who_ask)
{
	static struct fixture fixture;
	pthread_t threads[2];
	uint64_t lsn = 0;
	memory_init(&fixture.memory, UINT64_C(1) << 30);
	zone_map_init(&fixture.map, &fixture.memory);
	fixture.berlin = zone_find(span_of("Europe/Berlin"));
	fixture.kolkata = zone_find(span_of("Asia/Kolkata"));
	cr_assert(fixture.berlin != NULL && fixture.kolkata != NULL);
	cr_assert_eq(zone_map_get(&fixture.map, 1, &lsn), civil_zone());
	for (size_t i = 0; i < 2; i++) {
		cr_assert_eq(pthread_create(&threads[i], NULL, ask, &fixture), 0);
	}
	for (uint32_t psychologist = 1; psychologist <= PSYCHOLOGISTS; psychologist++) {
		cr_assert(zone_map_reserve(&fixture.map, false));
		zone_map_set(&fixture.map, psychologist, fixture.berlin, psychologist);
		atomic_store_explicit(&fixture.set, psychologist, memory_order_release);
	}
	for (size_t i = 0; i < 2; i++) {
		pthread_join(threads[i], NULL);
	}
	cr_assert_not(fixture.failed);
	zone_map_set(&fixture.map, 7, fixture.kolkata, 20000);
	zone_map_set(&fixture.map, 8, NULL, 20001);
	lsn = 0;
	cr_assert_eq(zone_map_get(&fixture.map, 7, &lsn), fixture.kolkata);
	cr_assert_eq(lsn, 20000);
	cr_assert_eq(zone_map_get(&fixture.map, 8, &lsn), civil_zone());
	cr_assert_eq(lsn, 20001, "that there is none any more depends on who took it back");
	cr_assert_eq(zone_map_get(&fixture.map, 9, &lsn), fixture.berlin);
	cr_assert_eq(lsn, 20001, "raised, never lowered");
	zone_map_fini(&fixture.map);
}

Test(zone_map, without_memory_reserves_nothing)
{
	struct memory memory;
	struct zone_map map;
	memory_init(&memory, 100);
	zone_map_init(&map, &memory);
	cr_assert_not(zone_map_reserve(&map, false));
	cr_assert(zone_map_reserve(&map, true), "the log is obeyed");
	cr_assert(zone_map_reserve(&map, false), "there is room now");
	zone_map_fini(&map);
}
