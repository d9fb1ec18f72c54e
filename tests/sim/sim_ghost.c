/*
 * sim_ghost: see the header.
 */
#include <sim/sim_ghost.h>

#include <base/check.h>
#include <log/block.h>
#include <stdlib.h>

void sim_ghost_see(struct sim_ghost *ghost, const struct sim_disk *sim)
{
	for (uint32_t i = 0; i < sim->queued; i++) {
		const struct sim_op *op = &sim->queue[i];
		if (op->bytes == NULL || load32(op->bytes) != BLOCK_MAGIC) {
			continue;
		}
		if (op->size > ghost->capacity) {
			free(ghost->bytes);
			ghost->bytes = malloc(op->size);
			CHECK(ghost->bytes != NULL);
			ghost->capacity = op->size;
		}
		memcpy(ghost->name, sim->files[op->file].name, sizeof ghost->name);
		memcpy(ghost->bytes, op->bytes, op->size);
		ghost->offset = op->offset;
		ghost->size = op->size;
		ghost->there = true;
	}
}

void sim_ghost_fini(struct sim_ghost *ghost)
{
	free(ghost->bytes);
}

/* Is there a whole block at `offset`? */
static bool block_at(struct sim_file *file, uint64_t offset, uint64_t log_id, struct block_header *header)
{
	if (offset + BLOCK_ALIGN > file->size ||
	    block_look(file->cache + offset, file->size - offset, header) != BLOCK_WHOLE) {
		return false;
	}
	const struct block_place place = {log_id, header->segment, offset};
	return block_matches(file->cache + offset, header, place);
}

bool sim_ghost_return(const struct sim_ghost *ghost, struct sim_disk *sim)
{
	struct sim_file *file = ghost->there ? sim_disk_file(sim, ghost->name) : NULL;
	struct segment_header segment;
	if (file == NULL || file->size < SEGMENT_HEADER_SIZE ||
	    segment_header_look(file->cache, &segment) != BLOCK_WHOLE) {
		return false;
	}
	struct block_header now;
	struct block_header behind;
	if (!block_at(file, ghost->offset, segment.log_id, &now) || block_size(now.payload_bytes) != ghost->size ||
	    !block_at(file, ghost->offset + ghost->size, segment.log_id, &behind) ||
	    memcmp(file->cache + ghost->offset, ghost->bytes, ghost->size) == 0) {
		return false;
	}
	sim_file_patch(file, ghost->offset, ghost->bytes, ghost->size);
	return true;
}

static void mend_segment(struct sim_file *file, uint64_t *previous)
{
	struct segment_header segment;
	if (file->size < SEGMENT_HEADER_SIZE || segment_header_look(file->cache, &segment) != BLOCK_WHOLE) {
		return;
	}
	segment.previous = *previous;
	*previous = segment_header_seal(file->cache, &segment);
	sim_file_patched(file, 0, SEGMENT_HEADER_SIZE);
	uint64_t offset = SEGMENT_HEADER_SIZE;
	struct block_header header;
	while (block_at(file, offset, segment.log_id, &header)) {
		const struct block_place place = {segment.log_id, segment.segment, offset};
		header.previous = *previous;
		*previous = block_seal(file->cache + offset, &header, place);
		sim_file_patched(file, offset, (size_t)block_size(header.payload_bytes));
		offset += block_size(header.payload_bytes);
	}
}

void sim_mend_chain(struct sim_disk *sim)
{
	uint64_t previous = 0;
	char name[DISK_NAME_SIZE];
	struct sim_file *file;
	for (uint64_t segment = 1;; segment++) {
		segment_format_name(segment, name);
		file = sim_disk_file(sim, name);
		if (file == NULL) {
			return;
		}
		mend_segment(file, &previous);
	}
}
