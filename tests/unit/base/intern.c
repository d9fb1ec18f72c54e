/*
 * Proves: a token has one number for ever, whoever adds it and how many at the same time; what a token may be; what it
 * costs, and that a spent budget refuses it unless it was promised. Method: examples, and threads that add the same
 * tokens.
 */
#include <base/intern.h>
#include <criterion/criterion.h>
#include <ctype.h>
#include <pthread.h>
#include <stdio.h>

static void new_intern(struct intern *intern, struct memory *memory, uint64_t limit)
{
	struct error error;
	memory_init(memory, limit);
	cr_assert(intern_init(intern, memory, 4, 1, &error), "%s", error.text);
}

static struct span token_of(char *text, size_t size, uint32_t n)
{
	snprintf(text, size, "client-%u", n);
	return span_of(text);
}

Test(intern, a_valid_token_is_1_to_64_of_the_allowed_bytes)
{
	char longest[TOKEN_SIZE_MAX + 2];
	memset(longest, 'a', sizeof longest);
	cr_assert(token_valid((struct span){(uint8_t *)longest, TOKEN_SIZE_MAX}));
	cr_assert_not(token_valid((struct span){(uint8_t *)longest, TOKEN_SIZE_MAX + 1}));
	cr_assert(token_valid(span_of("AZaz09_-.:@")));
	cr_assert_not(token_valid(span_of("")));
	for (unsigned byte = 0; byte < 256; byte++) {
		const uint8_t one = (uint8_t)byte;
		const bool allowed =
		    byte < 128 && (isalnum((int)byte) || (byte != 0 && strchr("_-.:@", (int)byte) != NULL));
		cr_assert_eq(token_valid((struct span){&one, 1}), allowed, "byte %u", byte);
	}
}

Test(intern, a_token_keeps_its_number_and_its_bytes)
{
	struct memory memory;
	struct intern intern;
	new_intern(&intern, &memory, 64 << 20);
	char text[TOKEN_SIZE_MAX + 1];
	uint32_t numbers[5000];
	for (uint32_t n = 0; n < 5000; n++) {
		cr_assert_eq(intern_find(&intern, token_of(text, sizeof text, n)), 0);
		numbers[n] = intern_add(&intern, token_of(text, sizeof text, n), false);
		cr_assert_neq(numbers[n], 0);
	}
	for (uint32_t n = 0; n < 5000; n++) {
		const struct span token = token_of(text, sizeof text, n);
		cr_assert_eq(intern_find(&intern, token), numbers[n]);
		cr_assert_eq(intern_add(&intern, token, false), numbers[n]);
		cr_assert(span_equal(intern_token(&intern, numbers[n]), token));
	}
	cr_assert_eq(intern.count, 5000);
	intern_fini(&intern);
}

Test(intern, no_token_costs_more_than_the_promise_for_one)
{
	struct memory memory;
	struct intern intern;
	new_intern(&intern, &memory, 1 << 20);
	char longest[TOKEN_SIZE_MAX + 1];
	memset(longest, 'x', TOKEN_SIZE_MAX);
	cr_assert_neq(intern_add(&intern, (struct span){(uint8_t *)longest, TOKEN_SIZE_MAX}, false), 0);
	cr_assert_eq(atomic_load_explicit(&memory.used, memory_order_relaxed), INTERN_BYTES_MAX);
	cr_assert_neq(intern_add(&intern, span_of("x"), false), 0);
	cr_assert_eq(atomic_load_explicit(&memory.used, memory_order_relaxed),
		     INTERN_BYTES_MAX + 4 + 1 + INDEX_BYTES_PER_ENTRY);
	intern_fini(&intern);
}

Test(intern, a_spent_budget_refuses_new_tokens_but_promised_ones)
{
	struct memory memory;
	struct intern intern;
	new_intern(&intern, &memory, 1 << 20);
	const uint32_t known = intern_add(&intern, span_of("known"), false);
	memory_force(&memory, 1 << 20);
	cr_assert_eq(intern_add(&intern, span_of("new"), false), 0);
	cr_assert_eq(intern_find(&intern, span_of("new")), 0);
	cr_assert_eq(intern_add(&intern, span_of("known"), false), known);
	cr_assert_neq(intern_add(&intern, span_of("new"), true), 0);
	intern_fini(&intern);
}

/* Who looked for it in vain was overtaken by who added it. */
Test(intern, a_token_that_is_not_new_any_more_keeps_its_number_and_costs_nothing)
{
	struct memory memory;
	struct intern intern;
	new_intern(&intern, &memory, 1 << 20);
	const uint32_t number = intern_add_new(&intern, span_of("client-1"), false);
	const uint32_t count = intern.count;
	const uint64_t used = atomic_load_explicit(&memory.used, memory_order_relaxed);
	cr_assert_neq(number, 0);
	cr_assert_eq(intern_add_new(&intern, span_of("client-1"), true), number);
	cr_assert_eq(intern_find(&intern, span_of("client-1")), number);
	cr_assert_eq(intern.count, count);
	cr_assert_eq(atomic_load_explicit(&memory.used, memory_order_relaxed), used);
	cr_assert_neq(intern_add_new(&intern, span_of("client-2"), false), number);
	memory_force(&memory, 1 << 20);
	cr_assert_eq(intern_add_new(&intern, span_of("client-3"), false), 0);
	intern_fini(&intern);
}

/* Lengths that are anything from 1 on. */
static struct span odd_token_of(char *text, uint32_t n)
{
	const uint32_t padding = n * 7 % 40;
	return (struct span){(uint8_t *)text, (size_t)sprintf(text, "%x%.*s", n, (int)padding,
							      "----------------------------------------")};
}

#define ODD 3000

/* Number 0 is none; the walk meets each token once, whole. */
static void check_walk(struct intern *intern, const uint32_t *numbers)
{
	char text[2 * TOKEN_SIZE_MAX];
	uint8_t bytes[TOKEN_SIZE_MAX];
	size_t size;
	uint32_t number = 0;
	for (uint32_t n = 0; n < ODD; n++) {
		const uint32_t next = intern_next(intern, number, bytes, &size);
		cr_assert_gt(next, number);
		cr_assert_eq(next, numbers[n]);
		cr_assert(span_equal((struct span){bytes, size}, odd_token_of(text, n)));
		cr_assert(span_equal(intern_token(intern, next), odd_token_of(text, n)));
		cr_assert_eq(intern_find(intern, odd_token_of(text, n)), next);
		number = next;
	}
	cr_assert_eq(intern_next(intern, number, bytes, &size), 0);
}

Test(intern, tokens_of_any_length_lie_side_by_side)
{
	struct memory memory;
	struct intern intern;
	char text[2 * TOKEN_SIZE_MAX];
	static uint32_t numbers[ODD];
	new_intern(&intern, &memory, 64 << 20);
	uint64_t bytes = 0;
	for (uint32_t n = 0; n < ODD; n++) {
		const struct span token = odd_token_of(text, n);
		numbers[n] = intern_add(&intern, token, false);
		bytes += (token.size + 3) / 4 * 4;
	}
	check_walk(&intern, numbers);
	cr_assert_eq(4 * intern.next, 4 + bytes);
	cr_assert_leq(bytes + ODD * INDEX_BYTES_PER_ENTRY, atomic_load_explicit(&memory.used, memory_order_relaxed));
	intern_fini(&intern);
}

static bool place(struct intern *intern, uint32_t number, struct span token)
{
	return intern_place(intern, &(struct intern_copy){number, token}, 1);
}

/* What a snapshot brings: the same numbers again, also without some that had no name, and those of a slotd that had a length
 * beside each. */
Test(intern, tokens_are_placed_under_the_numbers_they_had)
{
	struct memory memory;
	struct intern intern;
	struct intern copy;
	char text[2 * TOKEN_SIZE_MAX];
	static uint32_t numbers[ODD];
	new_intern(&intern, &memory, 64 << 20);
	new_intern(&copy, &memory, 64 << 20);
	for (uint32_t n = 0; n < 2 * ODD; n++) {
		const uint32_t number = intern_add(&intern, odd_token_of(text, n / 2 + n % 2 * ODD), false);
		if (n % 2 == 0) {
			numbers[n / 2] = number;
			cr_assert(place(&copy, number, odd_token_of(text, n / 2)));
		}
	}
	check_walk(&copy, numbers);
	intern_fini(&copy);
	intern_fini(&intern);
	new_intern(&copy, &memory, 64 << 20);
	uint32_t number = 1;
	for (uint32_t n = 0; n < ODD; n++) {
		numbers[n] = number;
		cr_assert(place(&copy, number, odd_token_of(text, n)));
		number += (uint32_t)(1 + odd_token_of(text, n).size + 3) / 4;
	}
	check_walk(&copy, numbers);
	intern_fini(&copy);
}

Test(intern, restoring_makes_what_adding_makes)
{
	static struct memory memory[2];
	static struct intern interns[2];
	struct error error = {0};
	char text[TOKEN_SIZE_MAX + 16];
	for (int i = 0; i < 2; i++) {
		memory_init(&memory[i], 1 << 20);
		cr_assert(intern_init(&interns[i], &memory[i], 4, 7, &error) && intern_keep_words(&interns[i], &error));
	}
	intern_rest(&interns[1], true);
	/* Of all lengths; of seven one was there, of which nothing must be left where a longer one comes. */
	for (uint32_t i = 0; i < 3000; i++) {
		const uint32_t said = i % 7 == 6 ? i - 4 : i;
		const int size = 1 + (int)(said % TOKEN_SIZE_MAX);
		snprintf(text, sizeof text, "%u%.*s", said, size,
			 "----------------------------------------------------------------");
		const struct span token = {(const uint8_t *)text, (size_t)size};
		const uint64_t hash = intern_hash(&interns[1], token);
		const uint32_t number = i % 2 == 0 ? intern_restore_new(&interns[1], token, hash)
						   : intern_restore_known(&interns[1], token, hash);
		cr_assert_eq(number, intern_add(&interns[0], token, true), "%s", text);
		cr_assert(span_equal(intern_token(&interns[1], number), token));
	}
	intern_rest(&interns[1], false);
	cr_assert_eq(interns[1].count, interns[0].count);
	cr_assert_eq(interns[1].next, interns[0].next);
	cr_assert_eq(atomic_load_explicit(&memory[1].used, memory_order_relaxed),
		     atomic_load_explicit(&memory[0].used, memory_order_relaxed));
	uint32_t numbers[2] = {0};
	do {
		uint8_t bytes[2][TOKEN_SIZE_MAX];
		size_t sizes[2] = {0};
		for (int i = 0; i < 2; i++) {
			numbers[i] = intern_next(&interns[i], numbers[i], bytes[i], &sizes[i]);
		}
		cr_assert(numbers[1] == numbers[0] && sizes[1] == sizes[0] &&
			  memcmp(bytes[1], bytes[0], sizes[0]) == 0);
	} while (numbers[0] != 0);
	intern_fini(&interns[0]);
	intern_fini(&interns[1]);
}

Test(intern, tokens_of_one_hash_are_told_apart)
{
	static struct memory memory;
	static struct intern intern;
	struct error error = {0};
	static const char letters[] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
	uint32_t numbers[TOKEN_SIZE_MAX + 1];
	memory_init(&memory, 1 << 20);
	cr_assert(intern_init(&intern, &memory, 4, 7, &error));
	/* Each begins all that are longer: from the longest on, so that they meet before they are there; then again. */
	for (int again = 0; again < 2; again++) {
		for (uint32_t size = TOKEN_SIZE_MAX; size > 0; size--) {
			const struct span token = {(const uint8_t *)letters, size};
			const uint32_t number = intern_restore_known(&intern, token, 5);
			cr_assert(span_equal(intern_token(&intern, number), token));
			cr_assert(again == 0 || number == numbers[size]);
			numbers[size] = number;
		}
	}
	cr_assert_eq(intern.count, TOKEN_SIZE_MAX);
	intern_fini(&intern);
}

Test(intern, a_number_that_is_taken_or_no_token_is_not_placed)
{
	struct memory memory;
	struct intern intern;
	new_intern(&intern, &memory, 64 << 20);
	cr_assert(place(&intern, 5, span_of("five-and-more")));
	cr_assert_not(place(&intern, 5, span_of("again")));
	cr_assert_not(place(&intern, 8, span_of("inside")));
	cr_assert_not(place(&intern, 100, span_of("no token")));
	cr_assert_not(place(&intern, 0, span_of("none")));
	intern_fini(&intern);
}

#define TOKENS 20000

struct adder {
	struct intern *intern;
	uint32_t numbers[TOKENS];
};

static void *add_all(void *argument)
{
	struct adder *adder = argument;
	char text[2 * TOKEN_SIZE_MAX];
	for (uint32_t n = 0; n < TOKENS; n++) {
		adder->numbers[n] = intern_add(adder->intern, odd_token_of(text, n), false);
	}
	return NULL;
}

Test(intern, threads_that_add_the_same_tokens_get_the_same_numbers)
{
	struct memory memory;
	static struct intern intern;
	static struct adder adders[3];
	new_intern(&intern, &memory, 64 << 20);
	pthread_t threads[3];
	for (int i = 0; i < 3; i++) {
		adders[i].intern = &intern;
		cr_assert_eq(pthread_create(&threads[i], NULL, add_all, &adders[i]), 0);
	}
	for (int i = 0; i < 3; i++) {
		pthread_join(threads[i], NULL);
	}
	char text[2 * TOKEN_SIZE_MAX];
	for (uint32_t n = 0; n < TOKENS; n++) {
		cr_assert_neq(adders[0].numbers[n], 0);
		cr_assert_eq(adders[0].numbers[n], adders[1].numbers[n]);
		cr_assert_eq(adders[0].numbers[n], adders[2].numbers[n]);
		cr_assert(span_equal(intern_token(&intern, adders[0].numbers[n]), odd_token_of(text, n)));
	}
	cr_assert_eq(intern.count, TOKENS);
	intern_fini(&intern);
}

Test(intern, many_tokens_are_placed_at_once)
{
	struct memory memory;
	struct error error;
	struct intern intern;
	memory_init(&memory, 1 << 20);
	cr_assert(intern_init(&intern, &memory, 4, 7, &error));
	const struct intern_copy copies[] = {{1, span_of("a")}, {2, span_of("of-5-steps-ABCDEFG")}, {9, span_of("b")}};
	cr_assert(intern_place(&intern, copies, 3));
	cr_assert_eq(intern_find(&intern, span_of("a")), 1);
	cr_assert_eq(intern_find(&intern, span_of("of-5-steps-ABCDEFG")), 2);
	cr_assert_eq(intern_find(&intern, span_of("b")), 9);
	cr_assert_eq(intern_end(&copies[1]), 7);
	/* Behind all of them, whoever came last: others restore at the same time. */
	cr_assert(place(&intern, 8, span_of("c")));
	cr_assert_eq(intern_add(&intern, span_of("new"), false), 10);
	cr_assert_eq(intern.count, 5);
	/* As much as when they were added. */
	const uint64_t used = atomic_load_explicit(&memory.used, memory_order_relaxed);
	struct intern added;
	memory_init(&memory, 1 << 20);
	cr_assert(intern_init(&added, &memory, 4, 7, &error));
	static const char *const tokens[] = {"a", "of-5-steps-ABCDEFG", "b", "c", "new"};
	for (size_t i = 0; i < sizeof tokens / sizeof tokens[0]; i++) {
		intern_add(&added, span_of(tokens[i]), false);
	}
	cr_assert_eq(atomic_load_explicit(&memory.used, memory_order_relaxed), used);
	intern_fini(&added);
	intern_fini(&intern);
}

Test(intern, what_cannot_be_a_token_is_not_placed)
{
	struct memory memory;
	struct error error;
	struct intern intern;
	memory_init(&memory, 1 << 20);
	cr_assert(intern_init(&intern, &memory, 4, 7, &error));
	cr_assert_not(place(&intern, 0, span_of("a")));
	cr_assert_not(place(&intern, 1, span_of("no token")));
	cr_assert_not(place(&intern, UINT32_MAX, span_of("far")));
	const struct intern_copy over[] = {{1, span_of("of-5-steps-ABCDEFG")}, {5, span_of("a")}};
	cr_assert_not(intern_place(&intern, over, 2));
	const struct intern_copy twice[] = {{1, span_of("a")}, {2, span_of("a")}};
	cr_assert_not(intern_place(&intern, twice, 2));
	intern_fini(&intern);
}
