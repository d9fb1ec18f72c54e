/*
 * hash: the one place that knows xxHash. See base/hash.h.
 *
 * XXH_INLINE_ALL compiles XXH3 into these two functions, so that the fixed size of hash_u64 is folded in: a few
 * multiplications instead of a walk through the library's dispatch.
 */
#define XXH_INLINE_ALL
#include <base/check.h>
#include <base/hash.h>
#include <sys/random.h>
#include <xxhash.h>

uint64_t hash_bytes(const void *bytes, size_t size, uint64_t seed)
{
	return XXH3_64bits_withSeed(bytes, size, seed);
}

uint64_t hash_u64(uint64_t value, uint64_t seed)
{
	return XXH3_64bits_withSeed(&value, sizeof value, seed);
}

uint64_t hash_seed_random(void)
{
	uint64_t seed;
	/* Up to 256 bytes come whole or not at all, and waiting for the first entropy after boot is not interrupted. */
	CHECK(getrandom(&seed, sizeof seed, 0) == (ssize_t)sizeof seed);
	return seed;
}
