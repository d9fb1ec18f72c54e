/*
 * prng: the random numbers of a simulation, all from one seed (splitmix64).
 *
 * Fast and small, and two runs with one seed draw the same numbers. Not for secrets.
 *
 * Threads: a generator belongs to one.
 * See: Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators (2014).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct prng {
	uint64_t state;
};

static inline uint64_t prng_next(struct prng *prng)
{
	uint64_t z = prng->state += UINT64_C(0x9e3779b97f4a7c15);
	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

/* 0 .. count - 1, all but evenly; count is at least 1. */
static inline uint32_t prng_below(struct prng *prng, uint32_t count)
{
	return (uint32_t)((prng_next(prng) >> 32) * count >> 32);
}

/* True once in `count` times. */
static inline bool prng_one_in(struct prng *prng, uint32_t count)
{
	return prng_below(prng, count) == 0;
}
