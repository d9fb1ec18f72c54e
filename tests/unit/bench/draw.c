/*
 * Proves: no slot and no client is drawn twice in a run, neighbours in time are no neighbours in the table, and every word is
 * one that the protocol takes.
 */
#include <bench/draw.h>
#include <criterion/criterion.h>
#include <stdlib.h>

#define DRAWS 200000

static const struct draw_tag tag = {"t7Qa"};

static int compare(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct draw));
}

static int compare_clients(const void *a, const void *b)
{
	return memcmp(a, b, DRAW_CLIENT_SIZE);
}

Test(draw, nothing_is_drawn_twice)
{
	struct draw *draws = calloc(DRAWS, sizeof *draws);
	char(*clients)[DRAW_CLIENT_SIZE] = calloc(DRAWS, DRAW_CLIENT_SIZE);
	cr_assert_not_null(draws);
	cr_assert_not_null(clients);
	for (uint64_t i = 0; i < DRAWS; i++) {
		/* Around the end of a block, where the order begins anew. */
		draw_slot(&draws[i], tag, DRAW_BLOCK - DRAWS / 2 + i);
		memcpy(clients[i], draws[i].client, DRAW_CLIENT_SIZE);
		memset(draws[i].client, 0, DRAW_CLIENT_SIZE);
	}
	qsort(draws, DRAWS, sizeof *draws, compare);
	qsort(clients, DRAWS, DRAW_CLIENT_SIZE, compare_clients);
	for (size_t i = 1; i < DRAWS; i++) {
		cr_assert_neq(compare(&draws[i - 1], &draws[i]), 0, "a slot is drawn twice");
		cr_assert_neq(compare_clients(clients[i - 1], clients[i]), 0, "a client is drawn twice");
	}
	free(draws);
	free(clients);
}

Test(draw, the_same_place_in_the_next_block_is_another_slot)
{
	struct draw here;
	struct draw there;
	draw_slot(&here, tag, 12345);
	draw_slot(&there, tag, 12345 + DRAW_BLOCK);
	cr_assert_neq(memcmp(here.psychologist, there.psychologist, sizeof here.psychologist), 0);
}

Test(draw, dates_and_times_are_of_the_calendar)
{
	for (uint64_t i = 0; i < 10000; i++) {
		struct draw draw;
		uint16_t number;
		draw_slot(&draw, tag, i * 977);
		cr_assert(civil_parse_date((struct span){(uint8_t *)draw.date, sizeof draw.date}, &number));
		cr_assert(civil_parse_time((struct span){(uint8_t *)draw.time, sizeof draw.time}, &number));
		cr_assert_arr_eq(draw.psychologist, "t7Qa-", 5);
		cr_assert_arr_eq(draw.client, "ct7Qa", 5);
	}
}

Test(draw, neighbours_are_of_different_psychologists)
{
	struct draw before;
	draw_slot(&before, tag, 0);
	for (uint64_t i = 1; i < 10000; i++) {
		struct draw draw;
		draw_slot(&draw, tag, i);
		cr_assert_neq(memcmp(before.psychologist, draw.psychologist, sizeof draw.psychologist), 0);
		before = draw;
	}
}
