/*
 * sim_log_try: what a crash would leave, tried on the twin of the disk, opened and judged. See sim_log.h.
 */
#include <sim/sim_log_parts.h>

#include <base/check.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#define TRIES_MAX           3  /* of a crash, at one state of the disk */
#define RECOVERY_OPERATIONS 16 /* that change something, about as many as a recovery has */

bool sim_log_violated(struct sim_log *log, const char *format, ...)
{
	if (log->violation[0] == '\0') {
		va_list arguments;
		va_start(arguments, format);
		vsnprintf(log->violation, sizeof log->violation, format, arguments);
		va_end(arguments);
	}
	return false;
}

bool sim_log_is_violated(const struct sim_log *log)
{
	return log->violation[0] != '\0';
}

/* ------------------------------------------------------------------------------------------------------------ judging */

/* The first record is that of lsn 1, or behind the segments that a snapshot covers. */
static bool follows(const struct sim_opening *opening, uint64_t lsn)
{
	return opening->replayed == 0 ? lsn >= 1 && lsn <= opening->covered_lsn + 1 : lsn == opening->replayed + 1;
}

static bool on_replay(void *context, const struct record *record, uint64_t lsn, struct error *error)
{
	(void)error;
	struct sim_opening *opening = context;
	const bool same = follows(opening, lsn) && sim_records_match(opening->records, lsn, record);
	if (!same && opening->different_lsn == 0) {
		opening->different_lsn = lsn;
	}
	opening->replayed = lsn;
	return true;
}

static void open_on(struct sim_log *log, struct sim_disk *disk, struct sim_opening *opening)
{
	opening->records = &log->records;
	opening->covered_lsn = log->options.start.covered_lsn;
	opening->replayed = opening->different_lsn = 0;
	opening->error.code = 0;
	wal_open(&opening->wal, &log->options, &disk->port, &log->clock, on_replay, opening, &opening->found,
		 &opening->error);
}

static void give_up(struct sim_opening *opening)
{
	if (opening->wal != NULL) {
		wal_close(opening->wal);
		opening->wal = NULL;
	}
}

/* An opened log must hold the beginning of what was appended, as far as `least`. */
static void compare(struct sim_log *log, const struct sim_opening *opening, uint64_t least, const char *when)
{
	const struct wal_recovery *found = &opening->found;
	if (opening->different_lsn != 0) {
		sim_log_violated(log, "%s, lsn %" PRIu64 " is not the record that was appended", when,
				 opening->different_lsn);
	}
	const bool nothing = opening->replayed == 0 && found->last_lsn <= opening->covered_lsn;
	if (found->last_lsn != opening->replayed && !nothing) {
		sim_log_violated(log, "%s, %" PRIu64 " records were replayed, but the last lsn is %" PRIu64, when,
				 opening->replayed, found->last_lsn);
	}
	if (found->last_lsn < least) {
		sim_log_violated(log, "%s, lsn %" PRIu64 " should be there, but the log ends with %" PRIu64, when,
				 least, found->last_lsn);
	}
}

bool sim_log_open(struct sim_log *log, struct sim_disk *disk, struct sim_opening *opening)
{
	const uint64_t failures = disk->failures;
	open_on(log, disk, opening);
	if (opening->wal == NULL) {
		const enum error_code code = opening->error.code;
		const bool excused =
		    (code == ERROR_IO || code == ERROR_NO_SPACE) && (disk->powerless || disk->failures != failures);
		log->counts.recoveries_cut += excused;
		return excused ? false : sim_log_violated(log, "a sound log was refused: %s", opening->error.text);
	}
	log->counts.points++;
	log->counts.sound++;
	compare(log, opening, log->reported, "after a crash");
	if (wal_durable_lsn(opening->wal) != opening->found.last_lsn) {
		sim_log_violated(log, "durable_lsn starts at %" PRIu64 " instead of %" PRIu64,
				 wal_durable_lsn(opening->wal), opening->found.last_lsn);
	}
	return !sim_log_is_violated(log);
}

/* ------------------------------------------------------------------------------------------------ a crash on the twin */

void sim_log_crash_disk(struct sim_log *log, struct sim_disk *disk, uint64_t failures)
{
	const bool killed = failures == 0 && prng_one_in(&log->prng, 4);
	(killed ? sim_disk_kill : sim_disk_crash)(disk);
}

/* Recovery, during which the power goes again, or the disk fails, once or more. */
static void try_again_and_again(struct sim_log *log)
{
	struct sim_opening opening;
	bool opened = false;
	bool cut = false;
	while (!opened && !sim_log_is_violated(log)) {
		const bool last = prng_one_in(&log->prng, 3);
		uint64_t *fault = prng_one_in(&log->prng, 4) ? &log->twin.fail_in : &log->twin.power_cut_in;
		*fault = last ? 0 : 1 + prng_below(&log->prng, RECOVERY_OPERATIONS);
		opened = sim_log_open(log, &log->twin, &opening);
		if (!opened && !sim_log_is_violated(log)) {
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
	struct sim_opening opening;
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
	struct sim_opening opening;
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
	struct sim_opening opening;
	sim_disk_follow(&log->twin, &log->disk);
	sim_log_crash_disk(log, &log->twin, log->disk.failures);
	const uint32_t draw = prng_below(&log->prng, 8);
	if (draw == 0) {
		try_again_and_again(log);
	} else if (draw == 1 && log->ghost.there) {
		try_ghost(log);
	} else if (draw == 2) {
		try_rot(log);
	} else {
		sim_log_open(log, &log->twin, &opening);
		give_up(&opening);
	}
}

void sim_log_try_crashes(struct sim_log *log)
{
	const uint64_t changes = log->disk.operations + log->disk.submitted;
	if (changes == log->looked_at) {
		return;
	}
	log->looked_at = changes;
	const uint32_t tries = sim_disk_undecided(&log->disk) ? 1 + prng_below(&log->prng, TRIES_MAX) : 1;
	for (uint32_t i = 0; i < tries && !sim_log_is_violated(log); i++) {
		try_crash(log);
	}
}
