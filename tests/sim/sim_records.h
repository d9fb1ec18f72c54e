/*
 * sim_records: random records, kept in the order they were appended, to compare a log with.
 *
 * Threads: one.
 */
#pragma once

#include <log/record.h>
#include <sim/prng.h>

struct sim_records {
	uint8_t *bytes;  /* encoded, back to back */
	size_t *offsets; /* offsets[n]: where the record of lsn n + 1 starts; one more than there are records */
	size_t capacity; /* of bytes */
	uint64_t count;
	uint64_t count_max;
};

void sim_records_init(struct sim_records *records);
void sim_records_fini(struct sim_records *records);

/* Makes up a record of any type, and keeps it. The record's spans are good until the next one. */
struct record sim_records_add(struct sim_records *records, struct prng *prng);
/* Keeps a record of the caller's. Returns its encoded size. */
size_t sim_records_keep(struct sim_records *records, const struct record *record);
/* Is this the record of that lsn, byte for byte? */
bool sim_records_match(const struct sim_records *records, uint64_t lsn, const struct record *record);
/* Forgets the records behind the first `count`. */
void sim_records_cut(struct sim_records *records, uint64_t count);
