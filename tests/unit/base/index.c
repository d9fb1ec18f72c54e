/*
 * Proves: the index finds what is in it and nothing else, through growth, removal, and colliding hashes; insert keeps
 * the first, one at a time or many; a reader without a lock never misses an entry that stays, and never sees one that has gone,
 * while others insert, remove and grow. Method: a plain array of keys is what the index is compared with; threads for the last.
 */
#include <base/hash.h>
#include <base/index.h>
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdlib.h>

#define KEYS_MAX 400000

/* Number n has key keys[n]; 0 is no key. */
static _Atomic uint64_t keys[KEYS_MAX + 1];

static bool has_key(const void *context, uint32_t number, const void *key)
{
	(void)context;
	return atomic_load_explicit(&keys[number], memory_order_relaxed) == *(const uint64_t *)key;
}

static struct index new_index(uint32_t stripe_count)
{
	struct index index;
	struct error error;
	cr_assert(index_init(&index, KEYS_MAX, stripe_count, has_key, NULL, &error), "%s", error.text);
	return index;
}

static uint32_t insert(struct index *index, uint64_t key, uint64_t hash, uint32_t number)
{
	atomic_store_explicit(&keys[number], key, memory_order_relaxed);
	return index_insert(index, hash, &key, number);
}

static void count_visit(void *context, uint32_t number)
{
	(void)number;
	++*(uint64_t *)context;
}

static uint64_t count_of(const struct index *index)
{
	uint64_t count = 0;
	index_each(index, count_visit, &count);
	return count;
}

Test(index, finds_every_key_and_no_other_through_growth)
{
	struct index index = new_index(4);
	for (uint32_t number = 1; number <= 100000; number++) {
		const uint64_t key = 3 * (uint64_t)number;
		cr_assert_eq(insert(&index, key, hash_u64(key, 1), number), number);
	}
	uint32_t guessed = 0;
	for (uint64_t key = 1; key <= 300000; key++) {
		const uint32_t expected = key % 3 == 0 ? (uint32_t)(key / 3) : 0;
		index_prefetch(&index, hash_u64(key, 1));
		cr_assert_eq(index_find(&index, hash_u64(key, 1), &key), expected);
		const uint32_t guess = index_guess(&index, hash_u64(key, 1));
		cr_assert(guess != 0 || expected == 0, "what is there has its tag there");
		guessed += guess == expected;
	}
	/* Of 100,000 entries over four stripes, one key in three has a tag of another's. */
	cr_assert_gt(guessed, 200000);
	cr_assert_eq(count_of(&index), 100000);
	index_fini(&index);
}

Test(index, insert_keeps_the_first_and_says_which_it_is)
{
	struct index index = new_index(1);
	const uint64_t hash = hash_u64(7, 1);
	cr_assert_eq(insert(&index, 7, hash, 1), 1);
	cr_assert_eq(insert(&index, 7, hash, 2), 1);
	cr_assert_eq(count_of(&index), 1);
	index_fini(&index);
}

static void put_many(struct index *index, uint32_t from, uint32_t count)
{
	static struct index_entry entries[INDEX_MANY_MAX];
	static uint64_t values[INDEX_MANY_MAX];
	for (uint32_t i = 0; i < count; i++) {
		values[i] = 3 * (uint64_t)(from + i);
		atomic_store_explicit(&keys[from + i], values[i], memory_order_relaxed);
		entries[i] = (struct index_entry){hash_u64(values[i], 1), &values[i], from + i, 0};
	}
	index_insert_many(index, entries, count);
	for (uint32_t i = 0; i < count; i++) {
		cr_assert_eq(entries[i].there, from + i);
	}
}

Test(index, many_at_once_are_as_one_after_the_other)
{
	for (uint32_t expected = 0; expected <= 200000; expected += 100000) {
		struct index index = new_index(4);
		index_expect(&index, expected);
		uint32_t number = 1;
		for (uint32_t count = 0; number <= 100000; number += count, count += 37) {
			count = count <= INDEX_MANY_MAX ? count : 1;
			put_many(&index, number, count);
		}
		for (uint64_t key = 3; key < 3 * (uint64_t)number; key += 3) {
			cr_assert_eq(index_find(&index, hash_u64(key, 1), &key), key / 3);
		}
		cr_assert_eq(count_of(&index), number - 1);
		index_fini(&index);
	}
}

Test(index, many_keep_the_first_and_say_which_it_is)
{
	struct index index = new_index(2);
	const uint64_t key = 7;
	const uint64_t other = 8;
	struct index_entry entries[] = {
	    {hash_u64(key, 1), &key, 2, 0},
	    {hash_u64(other, 1), &other, 3, 0},
	    {hash_u64(key, 1), &key, 4, 0},
	};
	insert(&index, key, hash_u64(key, 1), 1);
	atomic_store_explicit(&keys[3], other, memory_order_relaxed);
	index_insert_many(&index, entries, 3);
	cr_assert_eq(entries[0].there, 1);
	cr_assert_eq(entries[1].there, 3);
	cr_assert_eq(entries[2].there, 1);
	index_insert_many(&index, entries, 0);
	cr_assert_eq(count_of(&index), 2);
	index_fini(&index);
}

Test(index, what_was_removed_is_gone_and_the_rest_is_found)
{
	struct index index = new_index(2);
	for (uint32_t number = 1; number <= 20000; number++) {
		insert(&index, number, hash_u64(number, 9), number);
	}
	for (uint32_t number = 1; number <= 20000; number += 2) {
		index_remove(&index, hash_u64(number, 9), number);
	}
	for (uint64_t key = 1; key <= 20000; key++) {
		cr_assert_eq(index_find(&index, hash_u64(key, 9), &key), key % 2 == 0 ? key : 0);
	}
	cr_assert_eq(count_of(&index), 10000);
	for (uint32_t number = 1; number <= 20000; number += 2) {
		cr_assert_eq(insert(&index, number, hash_u64(number, 9), number), number);
	}
	cr_assert_eq(count_of(&index), 20000);
	index_fini(&index);
}

Test(index, equal_hashes_are_told_apart_by_their_records)
{
	struct index index = new_index(1);
	/* The first home, the last one, and one in the middle: each fills several lines. */
	const uint64_t hashes[] = {0, UINT64_MAX, UINT64_C(0x8000000000000000)};
	uint32_t number = 0;
	for (uint32_t i = 0; i < 100; i++) {
		for (size_t h = 0; h < 3; h++) {
			number++;
			if (h != 1 || i < 40) {
				cr_assert_eq(insert(&index, number, hashes[h], number), number);
			}
		}
	}
	for (uint64_t key = 1; key <= number; key++) {
		const size_t h = (key - 1) % 3;
		const bool in = h != 1 || (key - 1) / 3 < 40;
		cr_assert_eq(index_find(&index, hashes[h], &key), in ? key : 0);
	}
	for (uint32_t n = 1; n <= number; n++) {
		if ((n - 1) % 3 == 0) {
			index_remove(&index, hashes[0], n);
		}
	}
	cr_assert_eq(count_of(&index), 140);
	for (uint64_t key = 3; key <= number; key += 3) {
		cr_assert_eq(index_find(&index, hashes[2], &key), key);
	}
	index_fini(&index);
}

Test(index, behind_the_last_line_comes_the_first)
{
	struct index index = new_index(1);
	/* The last thousandth of the tags: their home is the last line. */
	for (uint32_t number = 1; number <= 200; number++) {
		const uint64_t hash = (uint64_t)(UINT32_MAX - number * 20000) << 32;
		cr_assert_eq(insert(&index, number, hash, number), number);
	}
	for (uint64_t key = 1; key <= 200; key++) {
		const uint64_t hash = (uint64_t)(UINT32_MAX - (uint32_t)key * 20000) << 32;
		cr_assert_eq(index_find(&index, hash, &key), key);
	}
	cr_assert_eq(count_of(&index), 200);
	index_fini(&index);
}

/* Numbers 1 .. STAYING are in all the time; those up to COMING are inserted (growing the stripes), or come and go. */
#define STAYING 1000
#define COMING  200000

struct race {
	struct index index;
	_Atomic bool over;
	_Atomic uint64_t missed;
	_Atomic uint64_t ghosts;
};

static void *read_all(void *argument)
{
	struct race *race = argument;
	while (!atomic_load_explicit(&race->over, memory_order_acquire)) {
		for (uint64_t key = 1; key <= STAYING; key++) {
			const uint64_t never = KEYS_MAX + key;
			if (index_find(&race->index, hash_u64(key, 5), &key) != key) {
				atomic_fetch_add_explicit(&race->missed, 1, memory_order_relaxed);
			}
			if (index_find(&race->index, hash_u64(never, 5), &never) != 0) {
				atomic_fetch_add_explicit(&race->ghosts, 1, memory_order_relaxed);
			}
		}
	}
	return NULL;
}

static void *come_and_go(void *argument)
{
	struct race *race = argument;
	for (uint32_t number = STAYING + 1; number <= COMING; number++) {
		insert(&race->index, number, hash_u64(number, 5), number);
		/* Two of three go again, a little later: entries move both ways, and the array grows all the while. */
		if (number > STAYING + 100 && number % 3 != 0) {
			index_remove(&race->index, hash_u64(number - 99, 5), number - 99);
		}
	}
	return NULL;
}

Test(index, readers_miss_nothing_that_stays_while_others_come_and_go)
{
	struct race race = {.over = false};
	race.index = new_index(2);
	for (uint32_t number = 1; number <= STAYING; number++) {
		insert(&race.index, number, hash_u64(number, 5), number);
	}
	pthread_t readers[2], writer;
	for (int i = 0; i < 2; i++) {
		cr_assert_eq(pthread_create(&readers[i], NULL, read_all, &race), 0);
	}
	cr_assert_eq(pthread_create(&writer, NULL, come_and_go, &race), 0);
	pthread_join(writer, NULL);
	atomic_store_explicit(&race.over, true, memory_order_release);
	for (int i = 0; i < 2; i++) {
		pthread_join(readers[i], NULL);
	}
	cr_assert_eq(atomic_load_explicit(&race.missed, memory_order_relaxed), 0);
	cr_assert_eq(atomic_load_explicit(&race.ghosts, memory_order_relaxed), 0);
	count_of(&race.index);
	index_fini(&race.index);
}

/* Each round: thread A inserts a key that B looks for as soon as it is told; B must find it, and miss it once removed.
 * */
struct baton {
	struct index index;
	_Atomic uint64_t turn; /* even: A's */
	uint64_t wrong;
};

#define ROUNDS 20000

static void *follow(void *argument)
{
	struct baton *baton = argument;
	for (uint64_t round = 1; round < 2 * ROUNDS; round += 2) {
		while (atomic_load_explicit(&baton->turn, memory_order_acquire) != round) {
			sched_yield();
		}
		const uint64_t key = round / 4 + 1;
		const bool in = round % 4 == 1;
		baton->wrong += index_find(&baton->index, hash_u64(key, 3), &key) != (in ? key : 0);
		atomic_store_explicit(&baton->turn, round + 1, memory_order_release);
	}
	return NULL;
}

Test(index, what_another_thread_finished_before_is_seen)
{
	struct baton baton = {.turn = 0};
	baton.index = new_index(1);
	pthread_t follower;
	cr_assert_eq(pthread_create(&follower, NULL, follow, &baton), 0);
	for (uint64_t round = 0; round < 2 * ROUNDS; round += 2) {
		const uint32_t number = (uint32_t)(round / 4 + 1);
		if (round % 4 == 0) {
			insert(&baton.index, number, hash_u64(number, 3), number);
		} else {
			index_remove(&baton.index, hash_u64(number, 3), number);
		}
		atomic_store_explicit(&baton.turn, round + 1, memory_order_release);
		while (atomic_load_explicit(&baton.turn, memory_order_acquire) != round + 2) {
			sched_yield();
		}
	}
	pthread_join(follower, NULL);
	cr_assert_eq(baton.wrong, 0);
	index_fini(&baton.index);
}
