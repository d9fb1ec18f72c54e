/*
 * sham: a booking desk of a few lines that can be given a bug: what a checker of histories must reject.
 *
 * It is the model behind one lock, and answers recorders in the words of the protocol; each client's thread does its own
 * requests. Its seconds last SHAM_SECOND_NS, so that holds end while somebody looks. What is durable is a copy of the model;
 * when it crashes, that is what is left.
 *
 * Threads: any, for sham_ask and sham_crash.
 */
#pragma once

#include <history/recorder.h>
#include <model/model.h>

#define SHAM_SECOND_NS UINT64_C(50000)

enum sham_bug {
	SHAM_SOUND,
	SHAM_DOUBLE_CLAIM, /* BOOK looks at the slot and, a moment later, takes it, whatever it has become */
	SHAM_LOST_CANCEL,  /* CANCEL is answered, now and then without having been done */
	SHAM_REVIVED_HOLD, /* COMMIT of a hold that is over books it, if its slot is free */
	SHAM_HALF_SERIES,  /* a BOOKALL that is refused keeps what it had booked until then */
	SHAM_TORN_SERIES,  /* BOOKALL books one slot after the other, for everybody to see */
	SHAM_TORN_MOVE,    /* RESCHEDULE frees the old slot a moment before it takes the new one */
	SHAM_EARLY_REPLY,  /* changes are answered before they are durable */
	SHAM_STALE_LOOK,   /* SLOT says what was so a while ago, now and then */
	SHAM_BUGS,
};

extern const char *const sham_bug_names[SHAM_BUGS];

struct sham {
	const struct agenda *agenda;
	enum sham_bug bug;
	uint64_t wall_ms; /* when CLOCK_MONOTONIC was 0 */
	struct lock lock; /* guards the rest */
	struct model model;
	struct model durable;
	uint64_t session; /* the newest */
	uint64_t changes;
	uint64_t random;
};

/* All slots of the agenda are open. */
void sham_init(struct sham *sham, const struct agenda *agenda, enum sham_bug bug, uint64_t seed);
void sham_fini(struct sham *sham);
/* For a recorder whose context is the sham. */
bool sham_ask(struct recorder_client *client, struct op *ops, uint32_t count);
/* Goes on from what is durable. */
void sham_crash(struct sham *sham);
