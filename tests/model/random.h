/*
 * random: numbers for tests that can be had again from their seed (splitmix64).
 *
 * See: https://prng.di.unimi.it/splitmix64.c
 */
#pragma once

#include <stdint.h>
#include <stdlib.h>
#include <time.h>

static inline uint64_t random_next(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

/* 0 .. count - 1 */
static inline uint32_t random_below(uint64_t *state, uint32_t count)
{
	return (uint32_t)((random_next(state) >> 32) * count >> 32);
}

/* The seed of a run: SEED of the environment (0x... or decimal), or a new one. */
static inline uint64_t random_seed(void)
{
	const char *given = getenv("SEED");
	if (given != NULL) {
		return strtoull(given, NULL, 0);
	}
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	uint64_t state = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
	return random_next(&state);
}
