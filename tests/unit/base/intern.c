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
		     INTERN_BYTES_MAX + 4 + INDEX_BYTES_PER_ENTRY);
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

#define TOKENS 20000

struct adder {
	struct intern *intern;
	uint32_t numbers[TOKENS];
};

static void *add_all(void *argument)
{
	struct adder *adder = argument;
	char text[TOKEN_SIZE_MAX + 1];
	for (uint32_t n = 0; n < TOKENS; n++) {
		adder->numbers[n] = intern_add(adder->intern, token_of(text, sizeof text, n), false);
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
	char text[TOKEN_SIZE_MAX + 1];
	for (uint32_t n = 0; n < TOKENS; n++) {
		cr_assert_neq(adders[0].numbers[n], 0);
		cr_assert_eq(adders[0].numbers[n], adders[1].numbers[n]);
		cr_assert_eq(adders[0].numbers[n], adders[2].numbers[n]);
		cr_assert(span_equal(intern_token(&intern, adders[0].numbers[n]), token_of(text, sizeof text, n)));
	}
	cr_assert_eq(intern.count, TOKENS);
	intern_fini(&intern);
}
