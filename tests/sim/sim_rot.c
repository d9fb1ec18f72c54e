/*
 * sim_rot: see the header.
 */
#include <sim/sim_rot.h>

#include <base/check.h>
#include <log/block.h>

const char *const sim_rot_names[SIM_ROTS] = {
    [SIM_ROT_BIT] = "bit flipped",
    [SIM_ROT_SECTOR] = "sector zeroed",
    [SIM_ROT_MISDIRECTED] = "block written over another",
    [SIM_ROT_GONE] = "segment file gone",
    [SIM_ROT_CUT] = "segment file cut short",
    [SIM_ROT_SWAPPED] = "segment files swapped",
    [SIM_ROT_FOREIGN] = "segment of another log",
};

/* The first file with at least `size` bytes from a random one on; NULL if there is none. */
static struct sim_file *any_file(struct sim_disk *sim, uint64_t size, struct prng *prng)
{
	const uint32_t from = prng_below(prng, sim->file_count + 1);
	for (uint32_t i = 0; i < sim->file_count; i++) {
		struct sim_file *file = &sim->files[(from + i) % sim->file_count];
		if (file->name[0] != '\0' && file->size >= size) {
			return file;
		}
	}
	return NULL;
}

/* A random place of so many bytes in a file. */
static uint64_t any_place(const struct sim_file *file, uint64_t size, struct prng *prng)
{
	return prng_below(prng, (uint32_t)(file->size / size)) * size;
}

static bool flip_bit(struct sim_disk *sim, struct prng *prng)
{
	struct sim_file *file = any_file(sim, BLOCK_ALIGN, prng);
	if (file == NULL) {
		return false;
	}
	uint64_t at = any_place(file, 1, prng);
	if (prng_one_in(prng, 2)) {
		at = any_place(file, BLOCK_ALIGN, prng) + prng_below(prng, BLOCK_HEADER_SIZE);
	}
	const uint8_t flipped = file->cache[at] ^ (uint8_t)(1u << prng_below(prng, 8));
	sim_file_patch(file, at, &flipped, 1);
	return true;
}

static bool zero_sector(struct sim_disk *sim, struct prng *prng)
{
	static const uint8_t zeros[SIM_SECTOR_SIZE];
	/* Most of a small log is zeros already. */
	for (uint32_t draws = 0; draws < 16; draws++) {
		struct sim_file *file = any_file(sim, SIM_SECTOR_SIZE, prng);
		const uint64_t at = file != NULL ? any_place(file, SIM_SECTOR_SIZE, prng) : 0;
		if (file != NULL && memcmp(file->cache + at, zeros, sizeof zeros) != 0) {
			sim_file_patch(file, at, zeros, sizeof zeros);
			return true;
		}
	}
	return false;
}

static bool misdirect(struct sim_disk *sim, struct prng *prng)
{
	const struct sim_file *from = any_file(sim, BLOCK_ALIGN, prng);
	struct sim_file *to = any_file(sim, BLOCK_ALIGN, prng);
	if (from == NULL) {
		return false;
	}
	uint8_t block[BLOCK_ALIGN];
	memcpy(block, from->cache + any_place(from, BLOCK_ALIGN, prng), sizeof block);
	sim_file_patch(to, any_place(to, BLOCK_ALIGN, prng), block, sizeof block);
	return true;
}

/* The file of the segment behind that in `file`; NULL if `file` is of none, or of the last. */
static struct sim_file *file_behind(struct sim_disk *sim, const struct sim_file *file)
{
	uint64_t segment;
	char name[DISK_NAME_SIZE];
	if (!segment_parse_name(file->name, &segment)) {
		return NULL;
	}
	segment_format_name(segment + 1, name);
	return sim_disk_file(sim, name);
}

static bool damage_file(struct sim_disk *sim, enum sim_rot kind, struct prng *prng)
{
	struct sim_file *file = any_file(sim, BLOCK_ALIGN, prng);
	struct sim_file *behind = file != NULL ? file_behind(sim, file) : NULL;
	if (behind == NULL) {
		return false;
	}
	char name[DISK_NAME_SIZE];
	switch (kind) {
	case SIM_ROT_GONE:
		file->name[0] = '\0';
		return true;
	case SIM_ROT_CUT:
		sim_file_resize(file, prng_below(prng, (uint32_t)file->size));
		return true;
	default:
		memcpy(name, file->name, sizeof name);
		memcpy(file->name, behind->name, sizeof name);
		memcpy(behind->name, name, sizeof name);
		return true;
	}
}

static bool make_foreign(struct sim_disk *sim, struct prng *prng)
{
	struct sim_file *file = any_file(sim, SEGMENT_HEADER_SIZE, prng);
	struct segment_header header;
	if (file == NULL || segment_header_look(file->cache, &header) != BLOCK_WHOLE || header.segment == 1) {
		return false;
	}
	header.log_id = ~header.log_id;
	segment_header_seal(file->cache, &header);
	sim_file_patched(file, 0, SEGMENT_HEADER_SIZE);
	return true;
}

bool sim_rot(struct sim_disk *sim, enum sim_rot kind, struct prng *prng)
{
	switch (kind) {
	case SIM_ROT_BIT:
		return flip_bit(sim, prng);
	case SIM_ROT_SECTOR:
		return zero_sector(sim, prng);
	case SIM_ROT_MISDIRECTED:
		return misdirect(sim, prng);
	case SIM_ROT_FOREIGN:
		return make_foreign(sim, prng);
	default:
		return damage_file(sim, kind, prng);
	}
}
