/*
 * gate: proves I2 at its last door: no byte leaves before the lsn it was marked with is durable, and order is kept. Proves of
 * I6 that a failure turns what waits into as many refusals, in their places, and nothing else.
 *
 * Method: replies are marked with random lsns and released at random durable positions; what left is compared with what a
 * plain list of (byte, lsn) allows.
 */
#include <criterion/criterion.h>
#include <serve/gate.h>
#include <stdlib.h>

static void answer(struct gate *gate, const char *text, uint64_t lsn)
{
	buffer_add(&gate->waiting, text, strlen(text));
	gate_mark(gate, lsn, 1);
}

static void cr_left(struct gate *gate, const char *expected)
{
	cr_assert_eq(gate->leaving.size, strlen(expected));
	cr_assert_arr_eq(gate->leaving.at, expected, gate->leaving.size);
	gate_sent(gate);
}

Test(gate, a_reply_that_depends_on_nothing_leaves_at_once)
{
	struct gate gate = {0};
	answer(&gate, "+PONG\r\n", 0);
	cr_assert(gate_release(&gate, 0));
	cr_left(&gate, "+PONG\r\n");
	cr_assert(gate_empty(&gate));
	gate_fini(&gate);
}

Test(gate, a_reply_waits_for_its_lsn)
{
	struct gate gate = {0};
	answer(&gate, ":1\r\n", 7);
	cr_assert_not(gate_release(&gate, 6));
	cr_assert_eq(gate.leaving.size, 0);
	cr_assert(gate_release(&gate, 7));
	cr_left(&gate, ":1\r\n");
	gate_fini(&gate);
}

Test(gate, a_free_reply_does_not_overtake_one_that_waits)
{
	struct gate gate = {0};
	answer(&gate, ":1\r\n", 7);
	answer(&gate, "+PONG\r\n", 0);
	cr_assert_not(gate_release(&gate, 6));
	cr_assert(gate_release(&gate, 7));
	cr_left(&gate, ":1\r\n+PONG\r\n");
	gate_fini(&gate);
}

Test(gate, what_is_durable_leaves_and_the_rest_stays)
{
	struct gate gate = {0};
	answer(&gate, "a", 1);
	answer(&gate, "b", 2);
	answer(&gate, "c", 5);
	cr_assert(gate_release(&gate, 4));
	cr_left(&gate, "ab");
	cr_assert_eq(gate_bytes(&gate), 1);
	cr_assert(gate_release(&gate, 5));
	cr_left(&gate, "c");
	gate_fini(&gate);
}

Test(gate, a_mark_without_bytes_changes_nothing)
{
	struct gate gate = {0};
	gate_mark(&gate, 9, 0);
	cr_assert_not(gate_release(&gate, UINT64_MAX));
	answer(&gate, "a", 0);
	gate_mark(&gate, 9, 0);
	cr_assert(gate_release(&gate, 0));
	cr_left(&gate, "a");
	gate_fini(&gate);
}

static const struct span refusal = {(const uint8_t *)"-NO\r\n", 5};

Test(gate, a_failure_refuses_what_waits_and_lets_what_is_durable_leave)
{
	struct gate gate = {0};
	answer(&gate, ":1\r\n", 5);
	answer(&gate, ":2\r\n", 6);
	answer(&gate, "+PONG\r\n", 0);
	gate_fail(&gate, 5, refusal);
	cr_assert(gate_release(&gate, 5));
	cr_left(&gate, ":1\r\n-NO\r\n-NO\r\n");
	cr_assert(gate_empty(&gate));
	gate_fini(&gate);
}

Test(gate, a_failure_refuses_as_many_replies_as_a_mark_stands_for)
{
	struct gate gate = {0};
	buffer_add(&gate.waiting, "*2\r\n:1\r\n:2\r\n", 12);
	buffer_add(&gate.waiting, ":3\r\n", 4);
	gate_mark(&gate, 7, 2);
	answer(&gate, ":4\r\n", 7);
	gate_fail(&gate, 6, refusal);
	cr_assert(gate_release(&gate, 6));
	cr_left(&gate, "-NO\r\n-NO\r\n-NO\r\n");
	gate_fini(&gate);
}

Test(gate, a_failure_leaves_what_is_on_its_way_alone_and_is_final_when_repeated)
{
	struct gate gate = {0};
	answer(&gate, ":1\r\n", 1);
	cr_assert(gate_release(&gate, 1));
	answer(&gate, ":2\r\n", 2);
	gate_fail(&gate, 1, refusal);
	gate_fail(&gate, 1, refusal);
	cr_left(&gate, ":1\r\n");
	cr_assert(gate_release(&gate, 1));
	cr_left(&gate, "-NO\r\n");
	gate_fail(&gate, 1, refusal);
	cr_assert(gate_empty(&gate));
	gate_fini(&gate);
}

Test(gate, more_replies_than_marks_are_counted_when_it_fails)
{
	struct gate gate = {0};
	for (uint32_t i = 0; i < 5 * GATE_MARKS_MAX; i++) {
		answer(&gate, ":1\r\n", i + 1);
	}
	gate_fail(&gate, 3, refusal);
	cr_assert(gate_release(&gate, 3));
	cr_assert_eq(gate.leaving.size, 3 * 4 + (5 * GATE_MARKS_MAX - 3) * refusal.size);
	gate_sent(&gate);
	gate_fini(&gate);
}

Test(gate, random_replies_never_leave_early_or_out_of_order)
{
	enum {
		REPLIES = 20000
	};
	static uint64_t needs[REPLIES];
	struct gate gate = {0};
	uint64_t durable = 0;
	uint32_t pushed = 0;
	uint32_t left = 0;
	srand(5545);
	while (left < REPLIES) {
		for (int burst = rand() % 40; burst > 0 && pushed < REPLIES; burst--) {
			const uint8_t byte = (uint8_t)pushed;
			needs[pushed++] = rand() % 3 == 0 ? 0 : durable + (uint64_t)(rand() % 30);
			buffer_add(&gate.waiting, &byte, 1);
			gate_mark(&gate, needs[pushed - 1], 1);
		}
		durable += (uint64_t)(rand() % 10);
		if (gate.leaving.size == 0 && gate_release(&gate, durable)) {
			for (size_t i = 0; i < gate.leaving.size; i++, left++) {
				cr_assert_eq(gate.leaving.at[i], (uint8_t)left, "out of order at %u", left);
				cr_assert_leq(needs[left], durable, "reply %u left early", left);
			}
			gate_sent(&gate);
		}
	}
	gate_fini(&gate);
}
