/*
 * hash: XXH3 (xxHash 0.8) under our own names.
 *
 * Table hashes are seeded with a secret drawn at start, so that a client cannot choose tokens that collide. Log
 * checksums are seeded with where the bytes belong (log/block.h), so that bytes in the wrong place do not pass.
 *
 * See: https://github.com/Cyan4973/xxHash/blob/v0.8.1/doc/xxhash_spec.md
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

uint64_t hash_bytes(const void *bytes, size_t size, uint64_t seed);
uint64_t hash_u64(uint64_t value, uint64_t seed);

/* A fresh random seed from getrandom(2). */
uint64_t hash_seed_random(void);
