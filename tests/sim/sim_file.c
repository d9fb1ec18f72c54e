/*
 * sim_file: see the header.
 */
#include <sim/sim_file.h>

#include <base/check.h>
#include <stdlib.h>

#define BITS 64

static uint64_t words_of(uint64_t size)
{
	return (size + BITS * SIM_SECTOR_SIZE - 1) / (BITS * SIM_SECTOR_SIZE);
}

static struct sim_sectors *sectors_at(struct sim_file *file, uint64_t offset)
{
	return &file->sectors[offset / (BITS * SIM_SECTOR_SIZE)];
}

static uint64_t bit_at(uint64_t offset)
{
	return UINT64_C(1) << offset / SIM_SECTOR_SIZE % BITS;
}

/* Where the first of the sectors in `bits` is. */
static uint64_t offset_of(uint64_t word, uint64_t bits)
{
	return (word * BITS + (uint64_t)__builtin_ctzll(bits)) * SIM_SECTOR_SIZE;
}

static void copy_sector(uint8_t *to, const uint8_t *from, uint64_t offset)
{
	memcpy(to + offset, from + offset, SIM_SECTOR_SIZE);
}

static bool is_zero(const uint8_t *sector)
{
	return sector[0] == 0 && memcmp(sector, sector + 1, SIM_SECTOR_SIZE - 1) == 0;
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
	file->sectors = grown(file->sectors, words_of(file->capacity) * sizeof *file->sectors,
			      words_of(capacity) * sizeof *file->sectors);
	file->capacity = capacity;
}

/* Makes zeros of what is filled from `from` on. */
static void empty(struct sim_file *file, uint64_t from)
{
	for (uint64_t word = 0; word < words_of(file->capacity); word++) {
		struct sim_sectors *sectors = &file->sectors[word];
		for (uint64_t bits = sectors->filled; bits != 0; bits &= bits - 1) {
			const uint64_t offset = offset_of(word, bits);
			if (offset < from) {
				continue;
			}
			memset(file->cache + offset, 0, SIM_SECTOR_SIZE);
			memset(file->platter + offset, 0, SIM_SECTOR_SIZE);
			sectors->filled &= ~bit_at(offset);
			sectors->changed |= bit_at(offset);
		}
	}
}

void sim_file_clear(struct sim_file *file)
{
	empty(file, 0);
	sim_file_forget(file);
	file->used = false;
	file->name[0] = file->durable_name[0] = '\0';
	file->size = file->durable_size = 0;
}

void sim_file_fini(struct sim_file *file)
{
	free(file->cache);
	free(file->platter);
	free(file->sectors);
}

static void extend(struct sim_file *file, uint64_t end)
{
	reserve(file, end);
	file->size = end > file->size ? end : file->size;
}

/* Puts a sector into one of the two states. */
static void put_sector(struct sim_file *file, uint8_t *state, uint64_t offset, const uint8_t *bytes)
{
	struct sim_sectors *sectors = sectors_at(file, offset);
	const uint64_t bit = bit_at(offset);
	if ((sectors->filled & bit) == 0 && is_zero(bytes)) {
		return; /* as it was: segments are prepared with nothing but zeros */
	}
	memcpy(state + offset, bytes, SIM_SECTOR_SIZE);
	sectors->stale |= bit;
	sectors->filled |= bit;
	sectors->changed |= bit;
}

static void write_sector(struct sim_file *file, uint64_t offset, const uint8_t *bytes)
{
	extend(file, offset + SIM_SECTOR_SIZE);
	put_sector(file, file->cache, offset, bytes);
	sectors_at(file, offset)->dirty |= bit_at(offset);
}

static void burn_sector(struct sim_file *file, uint64_t offset, const uint8_t *bytes)
{
	const uint64_t end = offset + SIM_SECTOR_SIZE;
	extend(file, end);
	put_sector(file, file->platter, offset, bytes);
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
	for (uint64_t word = 0; word < words_of(file->capacity); word++) {
		for (uint64_t bits = file->sectors[word].dirty; bits != 0; bits &= bits - 1) {
			const uint64_t offset = offset_of(word, bits);
			if (arrives(fate, prng)) {
				burn_sector(file, offset, file->cache + offset);
			}
		}
	}
	sim_file_forget(file);
}

void sim_file_flush(struct sim_file *file)
{
	for (uint64_t word = 0; word < words_of(file->capacity); word++) {
		struct sim_sectors *sectors = &file->sectors[word];
		for (uint64_t bits = sectors->dirty & sectors->stale; bits != 0; bits &= bits - 1) {
			copy_sector(file->platter, file->cache, offset_of(word, bits));
		}
		sectors->changed |= sectors->dirty & sectors->stale;
		sectors->stale &= ~sectors->dirty;
		sectors->dirty = 0;
	}
	file->durable_size = file->size;
}

void sim_file_forget(struct sim_file *file)
{
	for (uint64_t word = 0; word < words_of(file->capacity); word++) {
		file->sectors[word].dirty = 0;
	}
}

bool sim_file_is_dirty(const struct sim_file *file)
{
	uint64_t dirty = 0;
	for (uint64_t word = 0; word < words_of(file->capacity); word++) {
		dirty |= file->sectors[word].dirty;
	}
	return dirty != 0;
}

void sim_file_reload(struct sim_file *file)
{
	for (uint64_t word = 0; word < words_of(file->capacity); word++) {
		struct sim_sectors *sectors = &file->sectors[word];
		for (uint64_t bits = sectors->stale; bits != 0; bits &= bits - 1) {
			copy_sector(file->cache, file->platter, offset_of(word, bits));
		}
		sectors->changed |= sectors->stale;
		sectors->stale = 0;
		sectors->dirty = 0;
	}
	file->size = file->durable_size;
}

void sim_file_follow(struct sim_file *twin, struct sim_file *file)
{
	reserve(twin, file->capacity);
	reserve(file, twin->capacity);
	for (uint64_t word = 0; word < words_of(file->capacity); word++) {
		struct sim_sectors *sectors = &file->sectors[word];
		for (uint64_t bits = sectors->changed | twin->sectors[word].changed; bits != 0; bits &= bits - 1) {
			const uint64_t offset = offset_of(word, bits);
			copy_sector(twin->cache, file->cache, offset);
			copy_sector(twin->platter, file->platter, offset);
		}
		sectors->changed = 0;
		twin->sectors[word] = *sectors;
	}
	twin->used = file->used;
	memcpy(twin->name, file->name, sizeof twin->name);
	memcpy(twin->durable_name, file->durable_name, sizeof twin->durable_name);
	twin->size = file->size;
	twin->durable_size = file->durable_size;
}

void sim_file_patched(struct sim_file *file, uint64_t offset, size_t size)
{
	CHECK(offset + size <= file->size);
	memcpy(file->platter + offset, file->cache + offset, size);
	for (uint64_t at = offset / SIM_SECTOR_SIZE * SIM_SECTOR_SIZE; at < offset + size; at += SIM_SECTOR_SIZE) {
		sectors_at(file, at)->filled |= bit_at(at);
		sectors_at(file, at)->changed |= bit_at(at);
	}
}

void sim_file_patch(struct sim_file *file, uint64_t offset, const void *bytes, size_t size)
{
	CHECK(offset + size <= file->size);
	memcpy(file->cache + offset, bytes, size);
	sim_file_patched(file, offset, size);
}

void sim_file_resize(struct sim_file *file, uint64_t size)
{
	reserve(file, size);
	if (size < file->size) {
		memset(file->cache + size, 0, file->size - size);
		memset(file->platter + size, 0, file->size - size);
		sectors_at(file, size)->changed |= bit_at(size);
		empty(file, size);
	}
	file->size = file->durable_size = size;
}
