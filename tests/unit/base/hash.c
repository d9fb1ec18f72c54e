/*
 * Proves: hashes are those of XXH3 and depend on the seed; a random seed is not a constant. Method: examples, one of
 * them from the reference vectors of xxHash.
 */
#include <base/hash.h>
#include <criterion/criterion.h>

Test(hash, is_xxh3)
{
	/* Of no bytes with seed 0. */
	cr_assert_eq(hash_bytes("", 0, 0), UINT64_C(0x2d06800538d394c2));
}

Test(hash, of_a_word_is_that_of_its_bytes_and_depends_on_the_seed)
{
	const uint64_t value = UINT64_C(0x0123456789abcdef);
	cr_assert_eq(hash_u64(value, 42), hash_bytes(&value, sizeof value, 42));
	cr_assert_neq(hash_u64(value, 42), hash_u64(value, 43));
	cr_assert_neq(hash_seed_random(), hash_seed_random());
}
