/*
 * sim_log: see the header.
 */
#include <sim/sim_log_parts.h>

#include <base/check.h>
#include <base/hash.h>
#include <inttypes.h>
#include <log/block.h>
#include <stdio.h>

#define STEPS_MAX            48
#define HISTORY_RECORDS_MAX  400
#define SEGMENT_BLOCKS_LEAST 5 /* header, and a batch of 4 KiB with one more record of the widest */

const char *const sim_bug_names[SIM_BUGS] = {
    [SIM_BUG_NONE] = "none",
    [SIM_BUG_EARLY_ACK] = "early-ack",
    [SIM_BUG_EARLY_VOUCH] = "early-vouch",
    [SIM_BUG_FORGOTTEN_FLUSH] = "forgotten-flush",
    [SIM_BUG_FORGOTTEN_DIRECTORY] = "forgotten-directory",
    [SIM_BUG_SECOND_TRY] = "second-try",
    [SIM_BUG_NO_CHAIN] = "no-chain",
};

static uint64_t sim_wall_ms(void *context)
{
	return ++((struct sim_log *)context)->now_ms;
}

static uint64_t sim_monotonic_ns(void *context)
{
	return ((struct sim_log *)context)->now_ms * 1000000;
}

/* ----------------------------------------------------------------------------------------------------------- the lives */

static void report(struct sim_log *log, const struct wal *wal, bool failed_before)
{
	const uint64_t durable = wal_durable_lsn(wal);
	const bool eager = log->bug == SIM_BUG_EARLY_ACK;
	if (durable < log->reported && !eager) {
		sim_log_violated(log, "durable_lsn went back from %" PRIu64 " to %" PRIu64, log->reported, durable);
	}
	if (failed_before && durable != log->reported && !eager) {
		sim_log_violated(log, "durable_lsn moved to %" PRIu64 " after the log had failed", durable);
	}
	if (durable > log->records.count) {
		sim_log_violated(log, "durable_lsn %" PRIu64 " is beyond what was appended", durable);
	}
	log->reported = durable > log->reported ? durable : log->reported;
	log->vouched = log->bug == SIM_BUG_EARLY_VOUCH ? durable : wal_vouched_lsn(wal);
}

static void append_one(struct sim_log *log, struct wal *wal)
{
	if (!wal_has_room(wal) || log->records.count >= HISTORY_RECORDS_MAX) {
		return;
	}
	const struct record record = sim_records_add(&log->records, &log->prng);
	const uint64_t lsn = wal_append(wal, &record);
	if (lsn != log->records.count || wal_appended_lsn(wal) != lsn) {
		sim_log_violated(log, "record %" PRIu64 " got lsn %" PRIu64, log->records.count, lsn);
	}
}

/* Time passes, more or less of it; a full disk may have space again. */
static void rest(struct sim_log *log, struct wal *wal)
{
	log->now_ms += prng_below(&log->prng, 120) * (prng_one_in(&log->prng, 4) ? 16 : 1);
	if (prng_one_in(&log->prng, 4)) {
		log->disk.space = UINT64_MAX;
	}
	wal_rest(wal, log->now_ms * 1000000);
}

/* A segment that a snapshot makes unnecessary, as snapshots go on to remove it: the next one begins no later than behind
 * what is covered. NULL if there is none. */
static const struct sim_file *oldest_covered(struct sim_log *log)
{
	char name[DISK_NAME_SIZE];
	struct segment_header header;
	segment_format_name(log->oldest + 1, name);
	struct sim_file *next = sim_disk_file(&log->disk, name);
	if (next == NULL || next->size < SEGMENT_HEADER_SIZE ||
	    segment_header_look(next->cache, &header) != BLOCK_WHOLE ||
	    header.first_lsn > log->options.start.covered_lsn + 1) {
		return NULL;
	}
	segment_format_name(log->oldest, name);
	return sim_disk_file(&log->disk, name);
}

/* There is a new snapshot, and what the one before makes unnecessary goes. That one covers less than is durable by now, and
 * with it the header of every segment that begins no later than behind it: a header on its way must not count. */
static void snapshot(struct sim_log *log, const struct wal *wal)
{
	struct wal_stats stats;
	struct error error;
	struct log_start *start = &log->options.start;
	struct disk *disk = &log->disk.port;
	if (log->reported == start->covered_lsn) {
		return;
	}
	wal_stats(wal, &stats);
	start->covered_lsn += prng_below(&log->prng, (uint32_t)(log->reported - start->covered_lsn));
	start->durable_lsn = log->reported;
	start->log_id = stats.log_id;
	const struct sim_file *covered;
	bool removed = true;
	while (removed && (covered = oldest_covered(log)) != NULL) {
		removed =
		    disk->remove(disk->context, covered->name, &error) && disk->sync_directory(disk->context, &error);
		log->oldest += removed;
		log->counts.trims += removed;
	}
}

static void step(struct sim_log *log, struct wal *wal, bool hangs)
{
	const uint32_t draw = prng_below(&log->prng, 10);
	if (draw < 3) {
		append_one(log, wal);
	} else if (draw >= 8) {
		rest(log, wal);
	} else if (draw < 5) {
		wal_pump(wal);
		if (log->bug == SIM_BUG_EARLY_ACK && !wal_failed(wal, NULL)) {
			log->reported = wal_appended_lsn(wal);
		}
	} else if (hangs) {
		log->counts.hangs += log->disk.queued > 0;
	} else {
		sim_disk_step(&log->disk);
	}
}

static void live(struct sim_log *log, struct wal *wal)
{
	struct error error;
	const uint32_t steps = prng_below(&log->prng, STEPS_MAX);
	/* From some moment on the disk may do nothing more; it may come back. */
	const uint32_t hangs_from = prng_one_in(&log->prng, 8) ? prng_below(&log->prng, STEPS_MAX) : steps;
	const uint32_t hangs_until = hangs_from + prng_below(&log->prng, STEPS_MAX);
	report(log, wal, false);
	for (uint32_t i = 0; i < steps && !sim_log_is_violated(log); i++) {
		const bool failed = wal_failed(wal, NULL);
		step(log, wal, i >= hangs_from && i < hangs_until);
		if (!failed && log->bug == SIM_BUG_NONE && prng_one_in(&log->prng, 64)) {
			snapshot(log, wal);
		}
		report(log, wal, failed);
		log->counts.full += wal_space(wal) == WAL_SPACE_NONE;
		if (wal_failed(wal, &error) && error.code == ERROR_NO_SPACE) {
			sim_log_violated(log, "the log failed for lack of space");
		}
		if (!sim_log_is_violated(log)) {
			sim_log_try_crashes(log);
		}
	}
}

static void crash(struct sim_log *log, struct wal *wal)
{
	if (wal != NULL && prng_one_in(&log->prng, 2)) {
		sim_ghost_see(&log->ghost, &log->disk);
	}
	sim_log_crash_disk(log, &log->disk, log->disk.failures);
	if (wal != NULL) {
		log->counts.heartbeats_missed += log->vouched < log->reported;
		wal_close(wal);
	}
}

/* What this life is to be like. */
static void arm(struct sim_log *log)
{
	struct prng *prng = &log->prng;
	struct sim_disk *disk = &log->disk;
	const uint32_t more = prng_below(prng, prng_one_in(prng, 4) ? 8 : 2);
	log->options.segment_size = (SEGMENT_BLOCKS_LEAST + more) * (uint64_t)DISK_ALIGN;
	if (prng_one_in(prng, 4)) {
		disk->power_cut_in = 1 + prng_below(prng, 24);
	} else if (prng_one_in(prng, 8)) {
		disk->fail_in = 1 + prng_below(prng, 32);
	} else if (prng_one_in(prng, 8)) {
		disk->space = prng_below(prng, 32) * (uint64_t)DISK_ALIGN;
	}
	disk->failures = 0;
}

bool sim_log_run(struct sim_log *log, uint64_t seed)
{
	log->prng.state = hash_u64(seed, 0);
	sim_disk_reset(&log->disk, hash_u64(seed, 1));
	sim_disk_reset(&log->twin, hash_u64(seed, 2));
	sim_records_cut(&log->records, 0);
	log->reported = log->vouched = 0;
	log->options.start = (struct log_start){0};
	log->oldest = 1;
	log->ghost.there = false;
	log->violation[0] = '\0';
	/* Mostly a few lives, sometimes many: a long log takes long to read. */
	const uint32_t lives = 1 + prng_below(&log->prng, prng_one_in(&log->prng, 4) ? 12 : 4);
	for (uint32_t life = 0; life < lives; life++) {
		struct sim_opening opening;
		arm(log);
		if (sim_log_open(log, &log->disk, &opening)) {
			sim_records_cut(&log->records, opening.found.last_lsn);
			log->reported = opening.found.last_lsn;
			live(log, opening.wal);
		}
		crash(log, opening.wal);
		if (sim_log_is_violated(log)) {
			return false;
		}
	}
	log->counts.records += log->records.count;
	return true;
}

void sim_log_count(struct sim_log *log)
{
	for (uint32_t i = 0; i < SIM_EVENTS; i++) {
		log->counts.events[i] = log->disk.events[i] + log->twin.events[i];
	}
	log->counts.verdicts = *sim_verdicts_seen();
}

void sim_log_init(struct sim_log *log, enum sim_bug bug)
{
	*log = (struct sim_log){
	    .clock = {.context = log, .wall_ms = sim_wall_ms, .monotonic_ns = sim_monotonic_ns},
	    .options = {.batch_size = DISK_ALIGN, .appenders = 1, .flush = bug != SIM_BUG_FORGOTTEN_FLUSH},
	    .bug = bug,
	};
	sim_disk_init(&log->disk, 0);
	sim_disk_init(&log->twin, 0);
	log->disk.forgets_directory = log->twin.forgets_directory = bug == SIM_BUG_FORGOTTEN_DIRECTORY;
	log->disk.flushes_again = log->twin.flushes_again = bug == SIM_BUG_SECOND_TRY;
	sim_records_init(&log->records);
}

void sim_log_fini(struct sim_log *log)
{
	sim_records_fini(&log->records);
	sim_ghost_fini(&log->ghost);
	sim_disk_fini(&log->twin);
	sim_disk_fini(&log->disk);
}
