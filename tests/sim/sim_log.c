/*
 * sim_log: see the header.
 */
#include <sim/sim_log.h>

#include <base/check.h>
#include <base/hash.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#define STEPS_MAX            48
#define HISTORY_RECORDS_MAX  400
#define SEGMENT_BLOCKS_LEAST 5  /* header, and a batch of 4 KiB with one more record of the widest */
#define TRIES_MAX            3  /* of a crash, at one state of the disk */
#define RECOVERY_OPERATIONS  16 /* that change something, about as many as a recovery has */

const char *const sim_bug_names[SIM_BUGS] = {
    [SIM_BUG_NONE] = "none",
    [SIM_BUG_EARLY_ACK] = "early-ack",
    [SIM_BUG_EARLY_VOUCH] = "early-vouch",
    [SIM_BUG_FORGOTTEN_FLUSH] = "forgotten-flush",
    [SIM_BUG_FORGOTTEN_DIRECTORY] = "forgotten-directory",
    [SIM_BUG_SECOND_TRY] = "second-try",
    [SIM_BUG_NO_CHAIN] = "no-chain",
};

__attribute__((format(printf, 2, 3))) static bool violated(struct sim_log *log, const char *format, ...)
{
	if (log->violation[0] == '\0') {
		va_list arguments;
		va_start(arguments, format);
		vsnprintf(log->violation, sizeof log->violation, format, arguments);
		va_end(arguments);
	}
	return false;
}

static bool is_violated(const struct sim_log *log)
{
	return log->violation[0] != '\0';
}

static uint64_t sim_wall_ms(void *context)
{
	return ++((struct sim_log *)context)->now_ms;
}

static uint64_t sim_monotonic_ns(void *context)
{
	return ((struct sim_log *)context)->now_ms * 1000000;
}

/* ---------------------------------------------------------------------------------------------------- opening, judging */

/* A log that was opened, or not, and how what it replayed compares with what was appended. Whether a difference matters is
 * known only in the end: a log that is refused may have replayed anything. */
struct opening {
	const struct sim_records *records;
	uint64_t replayed;
	uint64_t different_lsn; /* the first that is not as appended; 0: none */
	struct wal *wal;        /* NULL: refused, for the reason in `error` */
	struct wal_recovery found;
	struct error error;
};

static bool on_replay(void *context, const struct record *record, uint64_t lsn, struct error *error)
{
	(void)error;
	struct opening *opening = context;
	const bool same = lsn == opening->replayed + 1 && sim_records_match(opening->records, lsn, record);
	if (!same && opening->different_lsn == 0) {
		opening->different_lsn = lsn;
	}
	opening->replayed = lsn;
	return true;
}

static void open_on(struct sim_log *log, struct sim_disk *disk, struct opening *opening)
{
	opening->records = &log->records;
	opening->replayed = opening->different_lsn = 0;
	opening->error.code = 0;
	wal_open(&opening->wal, &log->options, &disk->port, &log->clock, on_replay, opening, &opening->found,
		 &opening->error);
}

static void give_up(struct opening *opening)
{
	if (opening->wal != NULL) {
		wal_close(opening->wal);
		opening->wal = NULL;
	}
}

/* An opened log must hold the beginning of what was appended, as far as `least`. */
static void compare(struct sim_log *log, const struct opening *opening, uint64_t least, const char *when)
{
	const struct wal_recovery *found = &opening->found;
	if (opening->different_lsn != 0) {
		violated(log, "%s, lsn %" PRIu64 " is not the record that was appended", when, opening->different_lsn);
	}
	if (found->last_lsn != opening->replayed) {
		violated(log, "%s, %" PRIu64 " records were replayed, but the last lsn is %" PRIu64, when,
			 opening->replayed, found->last_lsn);
	}
	if (found->last_lsn < least) {
		violated(log, "%s, lsn %" PRIu64 " should be there, but the log ends with %" PRIu64, when, least,
			 found->last_lsn);
	}
}

/* Opens a log that no more happened to than crashes, and judges it. False if it was not opened: since the disk failed again
 * meanwhile, or on a violation. */
static bool open_sound(struct sim_log *log, struct sim_disk *disk, struct opening *opening)
{
	const uint64_t failures = disk->failures;
	open_on(log, disk, opening);
	if (opening->wal == NULL) {
		const enum error_code code = opening->error.code;
		const bool excused =
		    (code == ERROR_IO || code == ERROR_NO_SPACE) && (disk->powerless || disk->failures != failures);
		log->counts.recoveries_cut += excused;
		return excused ? false : violated(log, "a sound log was refused: %s", opening->error.text);
	}
	log->counts.points++;
	log->counts.sound++;
	compare(log, opening, log->reported, "after a crash");
	if (wal_durable_lsn(opening->wal) != opening->found.last_lsn) {
		violated(log, "durable_lsn starts at %" PRIu64 " instead of %" PRIu64, wal_durable_lsn(opening->wal),
			 opening->found.last_lsn);
	}
	return !is_violated(log);
}

/* ------------------------------------------------------------------------------------------------ a crash on the twin */

/* The power goes, or the process alone. That one leaves what it wrote in the cache; after a failed flush nobody knows what
 * that is worth, so that case is a matter of not reading it back, which this cache cannot show. */
static void crash_disk(struct sim_log *log, struct sim_disk *disk, uint64_t failures)
{
	const bool killed = failures == 0 && prng_one_in(&log->prng, 4);
	(killed ? sim_disk_kill : sim_disk_crash)(disk);
}

/* Recovery, during which the power goes again, or the disk fails, once or more. */
static void try_again_and_again(struct sim_log *log)
{
	struct opening opening;
	bool opened = false;
	bool cut = false;
	while (!opened && !is_violated(log)) {
		const bool last = prng_one_in(&log->prng, 3);
		uint64_t *fault = prng_one_in(&log->prng, 4) ? &log->twin.fail_in : &log->twin.power_cut_in;
		*fault = last ? 0 : 1 + prng_below(&log->prng, RECOVERY_OPERATIONS);
		opened = open_sound(log, &log->twin, &opening);
		if (!opened && !is_violated(log)) {
			sim_disk_crash(&log->twin);
			cut = true;
		}
	}
	log->counts.again += cut;
	give_up(&opening);
}

static void try_ghost(struct sim_log *log)
{
	if (!sim_ghost_return(&log->ghost, &log->twin)) {
		return;
	}
	if (log->bug == SIM_BUG_NO_CHAIN) {
		sim_mend_chain(&log->twin);
	}
	struct opening opening;
	open_on(log, &log->twin, &opening);
	log->counts.points++;
	log->counts.ghosts++;
	if (opening.wal != NULL) {
		compare(log, &opening, log->reported, "with a returned block");
	}
	give_up(&opening);
}

static void try_rot(struct sim_log *log)
{
	/* Whole files less often: there is less to it. */
	const enum sim_rot kind = (enum sim_rot)prng_below(
	    &log->prng, prng_one_in(&log->prng, 4) ? (uint32_t)SIM_ROTS : (uint32_t)SIM_ROT_GONE);
	if (!sim_rot(&log->twin, kind, &log->prng)) {
		return;
	}
	struct opening opening;
	open_on(log, &log->twin, &opening);
	log->counts.points++;
	log->counts.rots[kind]++;
	log->counts.refused[kind] += opening.wal == NULL;
	if (opening.wal != NULL) {
		compare(log, &opening, log->vouched, sim_rot_names[kind]);
	}
	give_up(&opening);
}

static void try_crash(struct sim_log *log)
{
	struct opening opening;
	sim_disk_follow(&log->twin, &log->disk);
	crash_disk(log, &log->twin, log->disk.failures);
	const uint32_t draw = prng_below(&log->prng, 8);
	if (draw == 0) {
		try_again_and_again(log);
	} else if (draw == 1 && log->ghost.there) {
		try_ghost(log);
	} else if (draw == 2) {
		try_rot(log);
	} else {
		open_sound(log, &log->twin, &opening);
		give_up(&opening);
	}
}

/* Crashes at this moment of a life, unless they would leave what they left before. */
static void try_crashes(struct sim_log *log)
{
	const uint64_t changes = log->disk.operations + log->disk.submitted;
	if (changes == log->looked_at) {
		return;
	}
	log->looked_at = changes;
	const uint32_t tries = sim_disk_undecided(&log->disk) ? 1 + prng_below(&log->prng, TRIES_MAX) : 1;
	for (uint32_t i = 0; i < tries && !is_violated(log); i++) {
		try_crash(log);
	}
}

/* ----------------------------------------------------------------------------------------------------------- the lives */

static void report(struct sim_log *log, const struct wal *wal, bool failed_before)
{
	const uint64_t durable = wal_durable_lsn(wal);
	const bool eager = log->bug == SIM_BUG_EARLY_ACK;
	if (durable < log->reported && !eager) {
		violated(log, "durable_lsn went back from %" PRIu64 " to %" PRIu64, log->reported, durable);
	}
	if (failed_before && durable != log->reported && !eager) {
		violated(log, "durable_lsn moved to %" PRIu64 " after the log had failed", durable);
	}
	if (durable > log->records.count) {
		violated(log, "durable_lsn %" PRIu64 " is beyond what was appended", durable);
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
		violated(log, "record %" PRIu64 " got lsn %" PRIu64, log->records.count, lsn);
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
	for (uint32_t i = 0; i < steps && !is_violated(log); i++) {
		const bool failed = wal_failed(wal, NULL);
		step(log, wal, i >= hangs_from && i < hangs_until);
		report(log, wal, failed);
		log->counts.full += wal_space(wal) == WAL_SPACE_NONE;
		if (wal_failed(wal, &error) && error.code == ERROR_NO_SPACE) {
			violated(log, "the log failed for lack of space");
		}
		if (!is_violated(log)) {
			try_crashes(log);
		}
	}
}

static void crash(struct sim_log *log, struct wal *wal)
{
	if (wal != NULL && prng_one_in(&log->prng, 2)) {
		sim_ghost_see(&log->ghost, &log->disk);
	}
	crash_disk(log, &log->disk, log->disk.failures);
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
	log->ghost.there = false;
	log->violation[0] = '\0';
	/* Mostly a few lives, sometimes many: a long log takes long to read. */
	const uint32_t lives = 1 + prng_below(&log->prng, prng_one_in(&log->prng, 4) ? 12 : 4);
	for (uint32_t life = 0; life < lives; life++) {
		struct opening opening;
		arm(log);
		if (open_sound(log, &log->disk, &opening)) {
			sim_records_cut(&log->records, opening.found.last_lsn);
			log->reported = opening.found.last_lsn;
			live(log, opening.wal);
		}
		crash(log, opening.wal);
		if (is_violated(log)) {
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
