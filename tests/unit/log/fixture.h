/*
 * fixture: a log over a simulated disk, with records to compare it with.
 *
 * Nothing happens between the calls: a commit is over when the test has stepped the disk.
 */
#pragma once

#include <base/check.h>
#include <criterion/criterion.h>
#include <inttypes.h>
#include <log/block.h>
#include <log/wal.h>
#include <sim/sim_disk.h>
#include <sim/sim_records.h>

/* The smallest a segment may be: its header, and a batch of 4 KiB with one more record of the widest. */
#define FIXTURE_SEGMENT_SIZE (5 * DISK_ALIGN)

struct fixture {
	struct sim_disk disk;
	struct prng prng;
	struct sim_records records; /* all that were appended */
	uint64_t now_ms;
	struct clock clock;
	struct wal_options options;
	/* of the last fixture_open */
	struct wal *wal;
	struct wal_recovery found;
	struct error error;
	uint64_t replayed; /* records that were as appended, in order */
	uint64_t different;
	/* how often the log called */
	uint32_t advanced;
	uint32_t appended;
};

static inline uint64_t fixture_wall_ms(void *context)
{
	return ++((struct fixture *)context)->now_ms;
}

static inline uint64_t fixture_monotonic_ns(void *context)
{
	return ((struct fixture *)context)->now_ms * 1000000;
}

static inline void fixture_advanced(void *context)
{
	((struct fixture *)context)->advanced++;
}

static inline void fixture_appended(void *context)
{
	((struct fixture *)context)->appended++;
}

static inline void fixture_init(struct fixture *fixture)
{
	*fixture = (struct fixture){
	    .prng.state = 42,
	    .clock = {fixture, fixture_wall_ms, fixture_monotonic_ns},
	    .options = {.segment_size = FIXTURE_SEGMENT_SIZE,
			.batch_size = DISK_ALIGN,
			.appenders = 1,
			.flush = true,
			.advanced = fixture_advanced,
			.appended = fixture_appended,
			.context = fixture},
	};
	sim_disk_init(&fixture->disk, 42);
	sim_records_init(&fixture->records);
}

static inline void fixture_fini(struct fixture *fixture)
{
	if (fixture->wal != NULL) {
		sim_disk_settle(&fixture->disk);
		wal_close(fixture->wal);
	}
	sim_records_fini(&fixture->records);
	sim_disk_fini(&fixture->disk);
}

static inline bool fixture_on_record(void *context, const struct record *record, uint64_t lsn, struct error *error)
{
	(void)error;
	struct fixture *fixture = context;
	if (lsn == fixture->replayed + 1 && sim_records_match(&fixture->records, lsn, record)) {
		fixture->replayed++;
	} else {
		fixture->different++;
	}
	return true;
}

static inline bool fixture_open(struct fixture *fixture)
{
	fixture->replayed = fixture->different = 0;
	return wal_open(&fixture->wal, &fixture->options, &fixture->disk.port, &fixture->clock, fixture_on_record,
			fixture, &fixture->found, &fixture->error);
}

static inline void fixture_close(struct fixture *fixture)
{
	sim_disk_settle(&fixture->disk);
	wal_close(fixture->wal);
	fixture->wal = NULL;
}

/* In segments as small as these, a record may have to wait until the next one is prepared. */
static inline uint64_t fixture_append(struct fixture *fixture)
{
	while (!wal_has_room(fixture->wal)) {
		wal_pump(fixture->wal);
		CHECK(sim_disk_step(&fixture->disk));
	}
	const struct record record = sim_records_add(&fixture->records, &fixture->prng);
	return wal_append(fixture->wal, &record);
}

/* Appends `count` records, each in a batch of its own, and waits until they are durable. */
static inline void fixture_commit(struct fixture *fixture, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		fixture_append(fixture);
		wal_pump(fixture->wal);
		sim_disk_settle(&fixture->disk);
	}
}

/* The file of a segment. */
static inline struct sim_file *fixture_segment_of(struct sim_disk *disk, uint64_t number)
{
	char name[DISK_NAME_SIZE];
	segment_format_name(number, name);
	return sim_disk_file(disk, name);
}

static inline struct sim_file *fixture_segment(struct fixture *fixture, uint64_t number)
{
	return fixture_segment_of(&fixture->disk, number);
}
