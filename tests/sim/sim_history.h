/*
 * sim_history: a few lives of one server, its desk, gates and log in one thread, over a disk that loses power.
 *
 * What happens in a history and how it is judged says desk_sim.c. The files: the commands that come (sim_choose.c), each held
 * against the model (sim_step.c), the record its answer depends on (sim_truth.c), what else happens in a life
 * (sim_history.c), and what must be left of it after a crash (sim_recover.c).
 *
 * Threads: one.
 */
#pragma once

#include <log/replay.h>
#include <serve/gate.h>
#include <sim/sim_command.h>
#include <sim/sim_crew.h>
#include <sim/sim_disk.h>

#define SIM_LIVES    5
#define SIM_STEPS    120 /* of a life */
#define SIM_EXPIRIES (SIM_PSYCHOLOGISTS * SIM_DAYS * SIM_TIMES)
#define SIM_COMMANDS (4 * SIM_LIVES * SIM_STEPS)
#define SIM_GATES    3

/* Bugs that can be planted. */
enum sim_canary {
	CANARY_NONE,
	CANARY_EAGER_GATE,
	CANARY_LOSERS_AT_ONCE,
	CANARY_LOST_CANCEL,
	CANARY_LOST_STATUS,
	CANARY_LOST_MOVE,
	CANARY_LOST_BUSY,
	CANARY_LOST_PURGE,
	CANARY_LOST_REDO,
	CANARY_REVIVED_HOLD,
	CANARY_HALF_GROUP,
	CANARIES,
};

extern const char *const sim_canary_names[CANARIES];

/* Of all lives; numbers of 64 bits, added up over processes. */
struct sim_counts {
	uint64_t crashes;
	uint64_t snapshots; /* written */
	uint64_t loaded;
};

struct sim_history {
	struct prng prng;
	struct sim_disk disk;
	struct clock clock;
	uint64_t now_ms;  /* that goes on evenly, also over crashes: the monotonic clock */
	int64_t skew_ms;  /* the wall clock is ahead by, */
	int64_t ahead_ms; /* and the hold clock, by the simulation's own account */
	uint32_t holds_per_client;
	enum sim_canary canary;
	struct sim_command commands[SIM_COMMANDS];
	uint32_t command_count;
	/* of the present life */
	struct config config;
	struct service service;
	struct memory memory;
	struct table table;
	struct desk desk;
	struct wal *wal;
	struct rebuild rebuild;
	struct snapshot_writer *writer; /* NULL: none is being written */
	uint64_t snapshot_lsn;
	struct gate gates[SIM_GATES];
	struct model model;
	uint64_t slot_changed[SIM_PSYCHOLOGISTS + 1][SIM_DAYS][SIM_TIMES];
	uint64_t slot_session[SIM_PSYCHOLOGISTS + 1][SIM_DAYS][SIM_TIMES]; /* the last that booked it */
	uint64_t busy_changed[SIM_PSYCHOLOGISTS + 1][SIM_SOURCES];         /* the last that said something */
	uint64_t purged_lsn;
	bool reclaiming; /* a purge is not over */
	struct purge_cursor cursor;
	struct table_counts counted; /* what INFO would say, but for the desk's counters since then */
	char violation[SIM_VIOLATION_SIZE];
	struct sim_counts counts;
};

/* One history, all of it drawn from the seed; false if it violated something, as told by `violation`. The disk and the canary
 * are the caller's. */
bool sim_history_run(struct sim_history *history, uint64_t seed);
