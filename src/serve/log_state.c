/*
 * log_state: see the header.
 */
#include <base/check.h>
#include <inttypes.h>
#include <serve/log_line.h>
#include <serve/log_state.h>

enum log_state log_state(const struct wal *wal)
{
	if (wal == NULL) {
		return LOG_STATE_TAKES;
	}
	const bool stuck = wal_stuck(wal, NULL);
	if (wal_has_room(wal) && !stuck) {
		return LOG_STATE_TAKES;
	}
	if (wal_failed(wal, NULL)) {
		return LOG_STATE_FAILED;
	}
	if (stuck) {
		return LOG_STATE_STUCK;
	}
	return wal_space(wal) == WAL_SPACE_NONE ? LOG_STATE_FULL : LOG_STATE_BUSY;
}

const char *log_state_refusal(enum log_state state)
{
	switch (state) {
	case LOG_STATE_TAKES:
	case LOG_STATE_BUSY:
		return NULL;
	case LOG_STATE_FULL:
		return "MISCONF No space left for the log: nothing can be booked or changed until there is, reading "
		       "goes on";
	case LOG_STATE_STUCK:
		return "MISCONF The disk of the log does not answer: nothing can be booked or changed until it does, "
		       "reading goes on";
	case LOG_STATE_FAILED:
		return "MISCONF The log failed: what became of this request is not known, ask again after the restart";
	}
	WRONG("the log is in one of its states");
}

static void tell_space(struct log_told *told, const struct wal *wal)
{
	const enum wal_space space = wal_space(wal);
	if (space == told->space) {
		return;
	}
	told->space = space;
	if (space == WAL_SPACE_ENOUGH) {
		log_line(LOG_INFO, "there is space for the log again", "");
	} else if (space == WAL_SPACE_LOW) {
		log_line(LOG_WARNING,
			 "no space left for the next segment of the log: make some, before this one is full", "");
	} else {
		log_line(LOG_ERROR, "no space left for the log: what writes is refused until there is", "");
	}
}

static void tell_stuck(struct log_told *told, const struct wal *wal, uint64_t now_ns)
{
	uint64_t since_ns;
	const bool stuck = wal_stuck(wal, &since_ns);
	if (stuck == told->stuck) {
		return;
	}
	told->stuck = stuck;
	if (stuck) {
		told->stuck_since_ns = since_ns;
		log_line(LOG_ERROR, "the disk of the log does not answer: what writes is refused until it does",
			 "ms=%" PRIu64 " appended_lsn=%" PRIu64 " durable_lsn=%" PRIu64, (now_ns - since_ns) / 1000000,
			 wal_appended_lsn(wal), wal_durable_lsn(wal));
	} else if (!wal_failed(wal, NULL)) {
		log_line(LOG_INFO, "the disk of the log answers again", "ms=%" PRIu64,
			 (now_ns - told->stuck_since_ns) / 1000000);
	}
}

void log_state_tell(struct log_told *told, const struct wal *wal, uint64_t now_ns)
{
	tell_space(told, wal);
	tell_stuck(told, wal, now_ns);
}
