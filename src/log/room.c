/*
 * room: see the header.
 */
#include <base/check.h>
#include <log/room.h>

void room_pass(struct room_position *position, uint64_t payload_bytes)
{
	const uint64_t size = block_size(payload_bytes);
	if (position->offset + size > position->size) {
		CHECK(position->spare_size >= SEGMENT_HEADER_SIZE + size);
		*position = (struct room_position){.offset = SEGMENT_HEADER_SIZE, .size = position->spare_size};
	}
	position->offset += size;
}

/* Bytes of blocks that find their places one behind the other, however they are cut: what does not fit where the segment
 * ends has all of the spare. */
static uint64_t secured(const struct room_position *position)
{
	const uint64_t rest = position->size - position->offset;
	const uint64_t spare = position->spare_size != 0 ? position->spare_size - SEGMENT_HEADER_SIZE : 0;
	return rest > spare ? rest : spare;
}

static uint64_t late_size(uint32_t appenders, uint32_t record_size)
{
	return (appenders - 1) * block_size(record_size);
}

uint64_t room_of_batch(const struct room_position *position, uint32_t batch_size, uint32_t appenders,
		       uint32_t record_size)
{
	const uint64_t taken =
	    late_size(appenders, record_size) + block_size(0) + BLOCK_HEADER_SIZE + (uint64_t)appenders * record_size;
	const uint64_t there = secured(position);
	const uint64_t room = there > taken ? there - taken : 0;
	return room < batch_size ? room : batch_size;
}

bool room_takes_heartbeat(const struct room_position *position, uint32_t appenders, uint32_t record_size)
{
	return secured(position) >= block_size(0) + late_size(appenders, record_size);
}

uint64_t room_payload_max(uint32_t batch_size, uint32_t appenders, uint32_t record_size)
{
	return batch_size + (uint64_t)appenders * record_size;
}

uint64_t room_segment_least(uint32_t batch_size, uint32_t appenders, uint32_t record_size)
{
	return SEGMENT_HEADER_SIZE + block_size(room_payload_max(batch_size, appenders, record_size)) +
	       late_size(appenders, record_size);
}
