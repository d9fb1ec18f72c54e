/*
 * sim_command: one command for a few slots of a few days, executed by the desk and by the model, which must agree.
 *
 * Threads: one.
 */
#pragma once

#include <model/model.h>
#include <serve/desk.h>
#include <sim/prng.h>

#define SIM_PSYCHOLOGISTS 2
#define SIM_CLIENTS       3
#define SIM_TIMES         4
#define SIM_DAYS          3
#define SIM_FIRST_DAY     22286 /* 2031-01-07 */

/* Nobody's. */
#define SIM_NO_SESSION 4000000
/* In place of a slot's session: a calendar is busy over it. */
#define SIM_BLOCKED UINT64_MAX

enum sim_verb {
	SIM_BOOK,
	SIM_CHANGE,
	SIM_HOLD,
	SIM_RENEW,
	SIM_OPEN,
	SIM_CLOSE,
	SIM_SLOT,
	SIM_SESSION,
	SIM_SLOTS,
	SIM_ALTERNATIVES,
	SIM_SESSIONS,
	SIM_PURGE,
	SIM_BUSY,
	SIM_GROUP,  /* BOOKALL, BOOKANY, EXEC: sim_group.h */
	SIM_MOVE,   /* RESCHEDULE to the command's place */
	SIM_EXPIRE, /* nobody's: somebody came across a hold that is over */
};

#define SIM_MEMBERS 5 /* of a group, at most */
#define SIM_CHOICES 3 /* places of a BOOKANY, at most */

struct sim_at {
	uint32_t psychologist;
	uint16_t day;
	uint16_t minute;
};

/* One change of a group. */
struct sim_member {
	enum sim_verb verb;            /* BOOK, HOLD, CHANGE, RENEW, MOVE */
	enum life_command command;     /* CHANGE */
	uint32_t client;               /* BOOK, HOLD */
	struct sim_at at[SIM_CHOICES]; /* BOOK, HOLD, MOVE: the first of them that is free; else the session's slot */
	uint32_t count;
	uint16_t seconds;       /* HOLD, RENEW */
	uint64_t session;       /* BOOK, HOLD: answered; else: asked for */
	struct sim_at from;     /* MOVE: where the session was, if it moved */
	struct outcome outcome; /* the desk's */
	bool changed;           /* the model says: it changed the slot `place` */
	uint32_t place;
};

#define SIM_SOURCES   2 /* of a psychologist */
#define SIM_INTERVALS 2 /* of an update, at most */

struct sim_busy {
	uint32_t source; /* from 0 */
	uint64_t generation;
	struct busy_interval window;
	struct busy_interval intervals[SIM_INTERVALS];
	uint32_t count;
	struct busy_walk walk; /* the desk's */
	/* the model's: slots blocked, unblocked and in conflict; and which are blocked or unblocked by it, a bit for each */
	uint64_t expected[3];
	uint32_t changed;
};

struct sim_command {
	enum sim_verb verb;
	enum life_command command; /* CHANGE */
	uint32_t psychologist;     /* from 1 */
	uint32_t client;           /* from 1 */
	uint16_t day;              /* PURGE: before it */
	uint16_t days;             /* SLOTS, SESSIONS: so many from `day` on */
	uint32_t count;            /* ALTERNATIVES; */
	uint32_t reach;            /* its answer is about all slots so many minutes around */
	uint16_t minute;
	uint16_t seconds;   /* HOLD, RENEW */
	uint16_t minutes;   /* OPEN */
	uint64_t session;   /* CHANGE, RENEW, EXPIRE, SESSION, MOVE: asked for; BOOK, HOLD: answered */
	struct sim_at from; /* MOVE: where the session was, if it moved */
	uint64_t now_ms;    /* wall clock */
	uint64_t hold_ms;   /* hold clock, by the simulation's own account */
	uint64_t lsn;       /* of the record it appended; 0: none */
	uint64_t truth;     /* the record its answer depends on, by the simulation's own account */
	bool told;          /* the reply has left its gate */
	struct sim_member members[SIM_MEMBERS]; /* GROUP */
	uint32_t member_count;
	enum model_outcome expected[SIM_MEMBERS]; /* the model's, of each */
	struct sim_busy busy;                     /* BUSY */
};

static inline bool sim_verb_claims(enum sim_verb verb)
{
	return verb == SIM_BOOK || verb == SIM_HOLD;
}

static inline bool sim_command_claims(const struct sim_command *command)
{
	return sim_verb_claims(command->verb);
}

static inline uint32_t sim_day_of(const struct sim_command *command)
{
	return command->day - (uint32_t)SIM_FIRST_DAY;
}

static inline uint32_t sim_time_of(const struct sim_command *command)
{
	return command->minute / 60u - 9;
}

/* A slot, mostly of the first of the days that is not purged. */
struct sim_at sim_at_random(struct prng *prng, uint16_t first_day);

/* Its place, with a name in `name`. */
struct place sim_place(const struct sim_command *command, char name[8]);

/* Where the session is; zeros: nowhere. */
struct sim_at sim_session_at(struct model *model, uint64_t id);

/* Which of CHANGE's commands: mostly CANCEL, since slots that are never free are no test. */
enum life_command sim_life_random(struct prng *prng);

/* Makes one up, mostly for the first of the days that is not purged. Of CHANGE, RENEW, SESSION and MOVE, also in a group,
 * the session is left to the caller; of BUSY the generation; of
 * PURGE the day is the next, at most the last. */
struct sim_command sim_command_random(struct prng *prng, uint16_t first_day);

/* Lets the desk execute it; what a reader sees is compared with the model, and *agrees says so. */
struct outcome sim_command_desk(struct sim_command *command, struct desk *desk, struct model *model, bool *agrees);

/* Lets the model execute what the desk has (BOOK, HOLD: answered with command->session). Returns whether it changes
 * anything. */
bool sim_command_model(struct sim_command *command, struct model *model, enum model_outcome *outcome);

/* Is the desk's answer the model's? */
bool sim_command_agrees(const struct sim_command *command, const struct outcome *outcome, enum model_outcome expected);
