/*
 * draw: see draw.h.
 */
#include <base/check.h>
#include <base/clock.h>
#include <bench/draw.h>
#include <string.h>

/* 32 half hours from 06:00, 64 days from 2031-01-01. */
#define TIME_BITS    5
#define DAY_BITS     6
#define FIRST_DAY    22280
#define FIRST_MINUTE 360
#define MINUTES      30
/* Odd, and its bits are those of the golden ratio (Knuth, TAOCP 6.4): neighbours land far apart. */
#define SCATTER UINT64_C(0x9e3779b97f4a7c15)

static void write_hex(char *text, uint32_t digits, uint64_t value)
{
	for (uint32_t i = 0; i < digits; i++) {
		text[i] = "0123456789abcdef"[value >> 4 * (digits - 1 - i) & 15];
	}
}

struct draw_tag draw_tag_now(void)
{
	static const char letters[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
	const struct clock clock = clock_real();
	uint64_t moment = clock_wall_ms(&clock) / 10; /* 62^4 of them are 41 hours */
	struct draw_tag tag;
	for (uint32_t i = DRAW_TAG_SIZE; i-- > 0; moment /= sizeof letters - 1) {
		tag.text[i] = letters[moment % (sizeof letters - 1)];
	}
	return tag;
}

void draw_slot(struct draw *draw, struct draw_tag tag, uint64_t number)
{
	CHECK(number < DRAW_LIMIT);
	const uint64_t block = number & ~(DRAW_BLOCK - 1);
	const uint64_t place = block | (number * SCATTER & (DRAW_BLOCK - 1));
	const uint64_t time = place & ((1u << TIME_BITS) - 1);
	const uint64_t day = place >> TIME_BITS & ((1u << DAY_BITS) - 1);
	memcpy(draw->psychologist, tag.text, DRAW_TAG_SIZE);
	draw->psychologist[DRAW_TAG_SIZE] = '-';
	write_hex(draw->psychologist + DRAW_TAG_SIZE + 1, 6, place >> (TIME_BITS + DAY_BITS));
	civil_format_date((uint16_t)(FIRST_DAY + day), draw->date);
	civil_format_time((uint16_t)(FIRST_MINUTE + MINUTES * time), draw->time);
	draw->client[0] = 'c';
	memcpy(draw->client + 1, tag.text, DRAW_TAG_SIZE);
	write_hex(draw->client + 1 + DRAW_TAG_SIZE, DRAW_CLIENT_SIZE - 1 - DRAW_TAG_SIZE, number);
}
