/*
 * sim_file: see the header.
 */
#include <sim/sim_file.h>

#include <base/check.h>
#include <stdlib.h>

#define BITS 64

static uint64_t dirty_words(uint64_t size)
{
	return (size + BITS * SIM_SECTOR_SIZE - 1) / (BITS * SIM_SECTOR_SIZE);
}

static void *grown(void *old, uint64_t old_size, uint64_t size)
{
	uint8_t *bytes = realloc(old, size);
	CHECK(bytes != NULL);
	memset(bytes + old_size, 0, size - old_size);
	return bytes;
}

static void reserve(struct sim_file *file, uint64_t size)
{
	if (size <= file->capacity) {
		return;
	}
	uint64_t capacity = file->capacity == 0 ? BITS * SIM_SECTOR_SIZE : file->capacity;
	while (capacity < size) {
		capacity *= 2;
	}
	file->cache = grown(file->cache, file->capacity, capacity);
	file->platter = grown(file->platter, file->capacity, capacity);
	file->dirty = grown(file->dirty, dirty_words(file->capacity) * sizeof *file->dirty,
			    dirty_words(capacity) * sizeof *file->dirty);
	file->capacity = capacity;
}

static uint64_t larger_size(const struct sim_file *file)
{
	return file->size > file->durable_size ? file->size : file->durable_size;
}

void sim_file_clear(struct sim_file *file)
{
	const uint64_t size = larger_size(file);
	if (size > 0) {
		memset(file->cache, 0, size);
		memset(file->platter, 0, size);
	}
	sim_file_forget(file);
	file->used = false;
	file->name[0] = file->durable_name[0] = '\0';
	file->size = file->durable_size = 0;
}

void sim_file_fini(struct sim_file *file)
{
	free(file->cache);
	free(file->platter);
	free(file->dirty);
}

static void extend(struct sim_file *file, uint64_t end)
{
	reserve(file, end);
	file->size = end > file->size ? end : file->size;
}

static void write_sector(struct sim_file *file, uint64_t offset, const uint8_t *bytes)
{
	extend(file, offset + SIM_SECTOR_SIZE);
	memcpy(file->cache + offset, bytes, SIM_SECTOR_SIZE);
	const uint64_t sector = offset / SIM_SECTOR_SIZE;
	file->dirty[sector / BITS] |= UINT64_C(1) << sector % BITS;
}

static void burn_sector(struct sim_file *file, uint64_t offset, const uint8_t *bytes)
{
	const uint64_t end = offset + SIM_SECTOR_SIZE;
	extend(file, end);
	memcpy(file->platter + offset, bytes, SIM_SECTOR_SIZE);
	file->durable_size = end > file->durable_size ? end : file->durable_size;
}

static bool arrives(enum sim_fate fate, struct prng *prng)
{
	return fate == SIM_KEPT || (fate == SIM_TORN && prng_one_in(prng, 2));
}

void sim_file_write_some(struct sim_file *file, uint64_t offset, const uint8_t *bytes, size_t size, enum sim_fate fate,
			 struct prng *prng)
{
	for (size_t at = 0; at < size; at += SIM_SECTOR_SIZE) {
		if (arrives(fate, prng)) {
			write_sector(file, offset + at, bytes + at);
		}
	}
}

void sim_file_write(struct sim_file *file, uint64_t offset, const uint8_t *bytes, size_t size)
{
	sim_file_write_some(file, offset, bytes, size, SIM_KEPT, NULL);
}

void sim_file_burn_some(struct sim_file *file, uint64_t offset, const uint8_t *bytes, size_t size, enum sim_fate fate,
			struct prng *prng)
{
	for (size_t at = 0; at < size; at += SIM_SECTOR_SIZE) {
		if (arrives(fate, prng)) {
			burn_sector(file, offset + at, bytes + at);
		}
	}
}

void sim_file_lose_power(struct sim_file *file, enum sim_fate fate, struct prng *prng)
{
	for (uint64_t word = 0; word < dirty_words(file->size); word++) {
		for (uint64_t bits = file->dirty[word]; bits != 0; bits &= bits - 1) {
			const uint64_t offset = (word * BITS + (uint64_t)__builtin_ctzll(bits)) * SIM_SECTOR_SIZE;
			if (arrives(fate, prng)) {
				burn_sector(file, offset, file->cache + offset);
			}
		}
	}
	sim_file_forget(file);
}

void sim_file_flush(struct sim_file *file)
{
	sim_file_lose_power(file, SIM_KEPT, NULL);
	file->durable_size = file->size;
}

void sim_file_forget(struct sim_file *file)
{
	const uint64_t words = dirty_words(larger_size(file));
	if (words > 0) {
		memset(file->dirty, 0, words * sizeof *file->dirty);
	}
}

void sim_file_reload(struct sim_file *file)
{
	const uint64_t size = larger_size(file);
	if (size > 0) {
		memcpy(file->cache, file->platter, size);
	}
	sim_file_forget(file);
	file->size = file->durable_size;
}

void sim_file_patch(struct sim_file *file, uint64_t offset, const void *bytes, size_t size)
{
	CHECK(offset + size <= file->size);
	memcpy(file->cache + offset, bytes, size);
	memcpy(file->platter + offset, bytes, size);
}

void sim_file_resize(struct sim_file *file, uint64_t size)
{
	reserve(file, size);
	if (size < file->size) {
		memset(file->cache + size, 0, file->size - size);
		memset(file->platter + size, 0, file->size - size);
	}
	file->size = file->durable_size = size;
}
