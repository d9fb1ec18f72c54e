/* What is there after a crash, and what must be; see sim_history_parts.h. */
#include <base/check.h>
#include <inttypes.h>
#include <sim/sim_history_parts.h>
#include <sim/sim_read.h>

#define MEMORY       (UINT64_C(16) << 20)
#define HOLD_TOTAL_S 30

/* Does a planted bug lose this record? Never the last one that a snapshot may have or not: with it the redo ends. */
static bool is_lost(const struct sim_history *history, const struct record *record, uint64_t lsn)
{
	const struct snapshot_info *snapshot = &history->rebuild.found.info;
	if (lsn == snapshot->end_lsn) {
		return false;
	}
	switch (history->canary) {
	case CANARY_LOST_CANCEL:
		return record->type == RECORD_CANCEL;
	case CANARY_LOST_STATUS:
		return record->type == RECORD_STATUS;
	case CANARY_LOST_MOVE:
		return record->type == RECORD_MOVE;
	case CANARY_LOST_BUSY:
		return record->type == RECORD_BUSY;
	case CANARY_LOST_PURGE:
		return record->type == RECORD_PURGE;
	case CANARY_LOST_REDO:
		return lsn > snapshot->lsn && lsn < snapshot->end_lsn;
	default:
		return false;
	}
}

static bool on_record(void *context, const struct record *record, uint64_t lsn, struct error *error)
{
	struct sim_history *history = context;
	struct span members = record->members;
	struct record first;
	if (history->canary == CANARY_HALF_GROUP && record_next_member(&members, &first)) {
		return rebuild_record(&history->rebuild, &first, lsn, error);
	}
	return is_lost(history, record, lsn) || rebuild_record(&history->rebuild, record, lsn, error);
}

void sim_begin_model(struct sim_history *history)
{
	model_init(&history->model, false);
	history->model.hold_total_ms = HOLD_TOTAL_S * UINT64_C(1000);
	history->model.holds_per_client = history->holds_per_client;
}

/* What survived of the commands: told ones must be there in full; the model starts again from the recovered ones. */
static void judge(struct sim_history *history, uint64_t recovered_lsn)
{
	model_fini(&history->model);
	sim_begin_model(history);
	memset(history->slot_changed, 0, sizeof history->slot_changed);
	memset(history->slot_session, 0, sizeof history->slot_session);
	memset(history->busy_changed, 0, sizeof history->busy_changed);
	history->purged_lsn = 0;
	history->reclaiming = false;
	uint32_t kept = 0;
	for (uint32_t i = 0; i < history->command_count; i++) {
		struct sim_command *command = &history->commands[i];
		if (command->told && (command->truth > recovered_lsn || command->lsn > recovered_lsn)) {
			sim_violated(history,
				     "the answer to command %" PRIu32 " was told and depends on lsn %" PRIu64
				     ", but the log ends with %" PRIu64,
				     i, command->truth, recovered_lsn);
			return;
		}
		if (command->lsn == 0 || command->lsn > recovered_lsn) {
			continue;
		}
		enum model_outcome outcome;
		CHECK(sim_command_model(command, &history->model, &outcome));
		sim_truth_note(history, command);
		command->told = false; /* judged */
		history->commands[kept++] = *command;
	}
	history->command_count = kept;
}

static void compare_slot(struct sim_history *history, const struct sim_command *at)
{
	uint64_t session;
	uint64_t expected_session;
	uint64_t lsn;
	const bool there = sim_desk_slot(&history->desk, at, &session, &lsn);
	const bool expected_there = sim_model_slot(&history->model, at, &expected_session);
	if (there != expected_there || session != expected_session) {
		sim_violated(history,
			     "after recovery dr-%" PRIu32 ", day %" PRIu32 ", %02u:00 is %s, session %" PRIu64
			     "; the model says %s, session %" PRIu64,
			     at->psychologist, sim_day_of(at), at->minute / 60u, there ? "there" : "none", session,
			     expected_there ? "there" : "none", expected_session);
	}
}

/* The table after recovery is the model after the same commands. */
static void compare(struct sim_history *history)
{
	struct sim_command now;
	sim_tell_time(history, &now);
	struct sim_command at = {0};
	for (at.psychologist = 1; at.psychologist <= SIM_PSYCHOLOGISTS; at.psychologist++) {
		for (uint32_t i = 0; i < SIM_DAYS * SIM_TIMES; i++) {
			at.day = (uint16_t)(SIM_FIRST_DAY + i / SIM_TIMES);
			at.minute = (uint16_t)(540 + 60 * (i % SIM_TIMES));
			compare_slot(history, &at);
		}
	}
	sim_note_expired(history);
	holds_check(&history->desk.holds);
	for (size_t i = 0; i < history->model.session_count; i++) {
		const uint64_t id = history->model.sessions[i].id;
		uint64_t lsn;
		if (!sim_same_session(&history->desk, &history->model, id, &lsn)) {
			sim_violated(history, "after recovery session %" PRIu64 " is not as the model has it", id);
		}
	}
	table_check(&history->table);
}

/* The hold clock goes on from the newest moment that was recovered. */
static void follow_clock(struct sim_history *history)
{
	const uint64_t now_ms = desk_now_ms(&history->desk);
	for (size_t i = 0; i < history->model.session_count && history->canary == CANARY_NONE; i++) {
		const struct model_session *session = &history->model.sessions[i];
		if (session->status == SESSION_HELD && session->created_ms > now_ms) {
			sim_violated(history, "the hold clock went back before the hold of session %" PRIu64,
				     session->id);
		}
	}
	history->ahead_ms = (int64_t)(now_ms - history->now_ms);
}

bool sim_open_server(struct sim_history *history)
{
	memset(&history->service, 0, sizeof history->service);
	memory_init(&history->memory, MEMORY);
	struct error error = {0};
	const struct table_options table_options = {.stripe_count = 1, .seed = prng_next(&history->prng)};
	CHECK(table_init(&history->table, &history->memory, &table_options, &error));
	history->service.clock = &history->clock;
	config_defaults(&history->config);
	history->config.hold_total_max = HOLD_TOTAL_S;
	history->config.holds_per_client = history->holds_per_client;
	history->service.config = &history->config;
	history->desk = (struct desk){.service = &history->service,
				      .memory = &history->memory,
				      .table = &history->table,
				      .clock = &history->clock};
	/* Segments small enough that a life crosses some of their ends. */
	struct wal_options options = {
	    .segment_size = 12 * DISK_ALIGN, .batch_size = DISK_ALIGN, .appenders = 1, .flush = true};
	struct wal_recovery found;
	const struct snapshot_target into = {.table = &history->table, .crew = 1};
	if (!rebuild_begin(&history->rebuild, &into, &history->disk.port, &options.start, &error) ||
	    !wal_open(&history->wal, &options, &history->disk.port, &history->clock, on_record, history, &found,
		      &error)) {
		table_fini(&history->table);
		return sim_violated(history, "a sound log was refused: %s", error.text);
	}
	table_restore_done(&history->table);
	table_count(&history->table, 1, &history->counted);
	CHECK(desk_restore_holds(&history->desk, history->rebuild.newest_ms, history->counted.held, &error));
	history->snapshot_lsn = history->rebuild.found.info.lsn;
	history->counts.loaded += history->snapshot_lsn != 0;
	if (history->rebuild.found.damaged > 0) {
		sim_violated(history, "a snapshot that was named is damaged: %s", history->rebuild.found.damage.text);
	}
	atomic_store_explicit(&history->desk.wal, history->wal, memory_order_release);
	judge(history, found.last_lsn);
	follow_clock(history);
	if (history->violation[0] == '\0') {
		compare(history);
	}
	return true;
}

void sim_crash(struct sim_history *history)
{
	if (history->writer != NULL) {
		/* Its end must not tidy up: nobody does that in a crash. */
		history->disk.powerless = true;
		snapshot_close(history->writer);
		history->writer = NULL;
	}
	if (prng_one_in(&history->prng, 3)) {
		sim_disk_kill(&history->disk);
	} else {
		sim_disk_crash(&history->disk);
	}
	wal_close(history->wal);
	holds_fini(&history->desk.holds);
	table_fini(&history->table);
	for (uint32_t i = 0; i < SIM_GATES; i++) {
		gate_fini(&history->gates[i]);
		history->gates[i] = (struct gate){0};
	}
}
