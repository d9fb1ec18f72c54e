/* A life of the server, and several; see sim_history.h. */
#include <inttypes.h>
#include <sim/sim_history_parts.h>
#include <stdarg.h>
#include <stdio.h>

#define RECLAIM_SLICE    3 /* records; small, so that commands come in between */
#define HOLDS_PER_CLIENT 2 /* or fewer */

const char *const sim_canary_names[CANARIES] = {"none",        "eager-gate",   "losers-at-once", "lost-cancel",
						"lost-status", "lost-move",    "lost-busy",      "lost-purge",
						"lost-redo",   "revived-hold", "half-group"};

bool sim_violated(struct sim_history *history, const char *format, ...)
{
	if (history->violation[0] == '\0') {
		va_list arguments;
		va_start(arguments, format);
		vsnprintf(history->violation, sizeof history->violation, format, arguments);
		va_end(arguments);
	}
	return false;
}

static uint64_t sim_wall_ms(void *context)
{
	const struct sim_history *history = context;
	return history->now_ms + (uint64_t)history->skew_ms;
}

static uint64_t sim_monotonic_ns(void *context)
{
	return ((struct sim_history *)context)->now_ms * 1000000;
}

static void release(struct sim_history *history)
{
	const uint64_t durable = history->canary == CANARY_EAGER_GATE ? UINT64_MAX : wal_durable_lsn(history->wal);
	for (uint32_t i = 0; i < SIM_GATES; i++) {
		struct gate *gate = &history->gates[i];
		if (!gate_release(gate, durable)) {
			continue;
		}
		for (size_t at = 0; at < gate->leaving.size; at += sizeof(uint32_t)) {
			history->commands[load32(gate->leaving.at + at)].told = true;
		}
		gate_sent(gate);
	}
}

/* Begins a snapshot, or does its next step; in one of some the power goes in the middle. */
static void snapshot_some(struct sim_history *history)
{
	struct error error = {0};
	if (prng_one_in(&history->prng, 40)) {
		history->disk.power_cut_in = 1 + prng_below(&history->prng, 2);
	}
	if (history->writer == NULL) {
		const struct snapshot_options options = {
		    .disk = &history->disk.port,
		    .clock = &history->clock,
		    .wal = history->wal,
		    .table = &history->table,
		    .piece_size = DISK_ALIGN,
		    .previous_lsn = history->snapshot_lsn,
		};
		history->writer = snapshot_begin(&options, &error);
	} else {
		const enum snapshot_step step = snapshot_step(history->writer, &error);
		if (step == SNAPSHOT_DONE) {
			history->snapshot_lsn = snapshot_writer_info(history->writer)->lsn;
			history->counts.snapshots++;
			snapshot_close(history->writer);
			history->writer = NULL;
		}
	}
	if (!history->disk.powerless) {
		history->disk.power_cut_in = 0;
		if (error.code != ERROR_NONE) {
			sim_violated(history, "a snapshot failed: %s", error.text);
		}
	}
}

/* A moment passes, or some seconds, or up to two hours; never midnight: a purge says when a day is over. */
static void let_time_pass(struct sim_history *history)
{
	const uint64_t last_ms = SIM_DAY_MS - 2 * SIM_MINUTE_MS;
	const uint64_t of_day_ms = history->now_ms % SIM_DAY_MS;
	uint64_t step_ms = prng_one_in(&history->prng, 8) ? prng_below(&history->prng, 15000) : 1;
	if (prng_one_in(&history->prng, 40)) {
		step_ms = prng_below(&history->prng, 120) * SIM_MINUTE_MS;
	}
	if (history->now_ms < SIM_FIRST_DAY * SIM_DAY_MS && prng_one_in(&history->prng, 100)) {
		history->now_ms = SIM_FIRST_DAY * SIM_DAY_MS + SIM_MINUTE_MS;
	} else if (of_day_ms < last_ms) {
		history->now_ms += step_ms < last_ms - of_day_ms ? step_ms : last_ms - of_day_ms;
	}
}

/* Somebody sets the wall clock: back or forth, by less than a minute. The desk looks at it at once; what nobody saw did not
 * happen. */
static void set_clock(struct sim_history *history)
{
	history->skew_ms = (int64_t)prng_below(&history->prng, 40000) - 20000;
	history->ahead_ms = history->skew_ms > history->ahead_ms ? history->skew_ms : history->ahead_ms;
	desk_now_ms(&history->desk);
}

/* The sweeper comes by, or does not for a long time. */
static void sweep(struct sim_history *history)
{
	if (sim_has_room(history)) {
		struct sim_command now;
		sim_tell_time(history, &now);
		desk_sweep_holds(&history->desk);
		sim_note_expired(history);
	}
}

/* Takes some of what a purge left; the server's counters would follow. */
static void reclaim_some(struct sim_history *history)
{
	const struct purge_cursor before = history->cursor;
	const struct purge_cursor *now = &history->cursor;
	history->reclaiming = table_purge_reclaim(&history->table, &history->cursor, RECLAIM_SLICE);
	history->counted.open -= now->removed_open - before.removed_open;
	history->counted.booked -= now->removed_booked - before.removed_booked;
	history->counted.held -= now->removed_held - before.removed_held;
	history->counted.blocked -= now->removed_blocked - before.removed_blocked;
}

/* Do the counters of INFO say what the table has? */
static void compare_counts(struct sim_history *history)
{
	struct table_counts counts;
	const struct counters *counters = &history->service.counters[0];
	const struct table_counts *from = &history->counted;
	table_count(&history->table, 1, &counts);
	/* Relaxed: one thread. */
	const int64_t open = atomic_load_explicit(&counters->slots_open, memory_order_relaxed);
	const int64_t booked = atomic_load_explicit(&counters->slots_booked, memory_order_relaxed);
	const int64_t held = atomic_load_explicit(&counters->slots_held, memory_order_relaxed);
	const int64_t blocked = atomic_load_explicit(&counters->slots_blocked, memory_order_relaxed);
	if (from->open + (uint64_t)open != counts.open || from->booked + (uint64_t)booked != counts.booked ||
	    from->held + (uint64_t)held != counts.held || from->blocked + (uint64_t)blocked != counts.blocked) {
		sim_violated(history,
			     "the counters say that since the start there are %" PRId64 " slots open, %" PRId64
			     " booked, %" PRId64 " held and %" PRId64 " blocked, which is not what the table has",
			     open, booked, held, blocked);
	}
}

static void live(struct sim_history *history)
{
	const uint32_t steps = prng_below(&history->prng, SIM_STEPS);
	for (uint32_t i = 0; i < steps && history->violation[0] == '\0' && !history->disk.powerless; i++) {
		const uint32_t draw = prng_below(&history->prng, 12);
		let_time_pass(history);
		if (prng_one_in(&history->prng, 30)) {
			set_clock(history);
		}
		if (prng_one_in(&history->prng, 20)) {
			sweep(history);
		}
		if (history->reclaiming && prng_one_in(&history->prng, 4)) {
			reclaim_some(history);
		} else if (draw < 5) {
			sim_execute_one(history);
		} else if (draw < 6) {
			wal_pump(history->wal);
		} else if (draw < 8) {
			sim_disk_step(&history->disk);
		} else {
			snapshot_some(history);
		}
		release(history);
	}
	/* In the middle of a purge there are slots that nobody sees any more. */
	if (history->violation[0] == '\0' && !history->reclaiming) {
		compare_counts(history);
	}
}

bool sim_history_run(struct sim_history *history, uint64_t seed)
{
	history->prng.state = seed;
	history->command_count = 0;
	history->now_ms = UINT64_C(1800000000000); /* 2027 */
	history->skew_ms = history->ahead_ms = 0;
	history->clock = (struct clock){history, sim_wall_ms, sim_monotonic_ns};
	history->violation[0] = '\0';
	sim_disk_reset(&history->disk, prng_next(&history->prng));
	history->holds_per_client = 1 + prng_below(&history->prng, HOLDS_PER_CLIENT);
	sim_begin_model(history);
	for (uint32_t i = 0; i < SIM_LIVES && history->violation[0] == '\0'; i++) {
		if (!sim_open_server(history)) {
			break;
		}
		live(history);
		sim_crash(history);
		history->counts.crashes++;
	}
	model_fini(&history->model);
	return history->violation[0] == '\0';
}
