/*
 * key: (psychologist, date, time) in one 64-bit word.
 *
 *    63    59 58                        27 26            11 10         0
 *   +--------+----------------------------+----------------+------------+
 *   |   0    | psychologist (intern no.)  |      day       |   minute   |
 *   +--------+----------------------------+----------------+------------+
 *
 * Keys of one psychologist sort by date and time. Minute KEY_MINUTE_CARD (2047) is no time of day: it keys the day card
 * (slot/table.h) of that psychologist and day. Key 0 is no key, psychologist numbers start at 1: a record in the pool
 * has it.
 *
 * Threads: any.
 */
#pragma once

#include <stdint.h>

#define KEY_MINUTE_CARD 2047

static inline uint64_t key_make(uint32_t psychologist, uint16_t day, uint16_t minute)
{
	return (uint64_t)psychologist << 27 | (uint64_t)day << 11 | minute;
}

static inline uint32_t key_psychologist(uint64_t key)
{
	return (uint32_t)(key >> 27);
}

static inline uint16_t key_day(uint64_t key)
{
	return (uint16_t)(key >> 11);
}

static inline uint16_t key_minute(uint64_t key)
{
	return (uint16_t)(key & 2047);
}
