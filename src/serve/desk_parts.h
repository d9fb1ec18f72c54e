/*
 * desk_parts: what the files of the desk share.
 *
 * Threads: any.
 */
#pragma once

#include <serve/desk.h>

/* Has the slot with this key started, on the civil clock of its psychologist, or is its day purged? *lsn is raised to what that
 * depends on. */
bool desk_has_started(const struct desk *desk, uint64_t key, uint64_t now_ms, uint64_t *lsn);

/* Is a hold of this expiry over? Not if it is 0: then it is none. */
static inline bool desk_hold_is_over(struct desk *desk, uint64_t expires_ms)
{
	return expires_ms != 0 && desk_now_ms(desk) >= expires_ms;
}

/* Makes the session expired, with a record, if it is a hold that is over; by now somebody else may have. The log has room. */
void desk_expire(struct desk *desk, uint64_t session);
#define DESK_EXPIRE_SIZE 32 /* bytes of that record */

/* The limits of holds, asked before the claim [I5]: an entry for it, or the outcome that refuses it. `ending` as in
 * holds_reserve. Of all holds, one that is over may be made expired: the log has room for that. */
bool desk_reserve_hold(struct desk *desk, uint32_t client, uint32_t ending, uint32_t *hold, struct outcome *outcome);

/* The list of holds follows what became of the session that was seen: `status`, and held until expires_ms if that is held.
 * Before it is settled, that is before anybody else can change it. */
void desk_note_hold(struct desk *desk, const struct session_view *seen, enum session_status status,
		    uint64_t expires_ms);

/* What life_judge asks of a session that was seen; `hold_seconds`: RENEW, else 0. On the hold clock it is now_ms. *lsn is
 * raised to what that depends on. */
unsigned desk_facts(struct desk *desk, const struct session_view *seen, uint16_t hold_seconds, uint64_t now_ms,
		    uint64_t *lsn);
/* What a verdict of slot/life.h is to who asked. */
enum outcome_code desk_outcome_of(enum life_verdict verdict);

/* What the log is to remember: the session that was seen is `status` from now on (`reason`: CANCEL; `hold_seconds`: held); */
struct record desk_status_record(const struct session_view *seen, enum session_status status, struct span reason,
				 uint16_t hold_seconds, uint64_t now_ms);
/* it has gone to the slot that was seen, at the psychologist of this token (empty: the same as before). */
struct record desk_move_record(const struct desk *desk, const struct session_view *seen, const struct slot_view *to,
			       struct span psychologist, uint64_t now_ms);

/* Why a slot that is not free is refused. */
enum outcome_code desk_refusal(const struct slot_view *view);
/* The psychologist's number, added where unlisted slots may be claimed. 0: there is none, *outcome says so. */
uint32_t desk_psychologist(struct desk *desk, struct span psychologist, struct outcome *outcome);

/* The slot at `key`, made on the spot where unlisted slots may be claimed. 0: there is none, *outcome says so. */
uint32_t desk_slot_to_claim(struct desk *desk, uint64_t key, struct outcome *outcome);

/* Sets what is set for a psychologist, with its record; value: 1 if it was not set like this. `promised` as in settings_set. */
struct outcome desk_set(struct desk *desk, enum setting_kind kind, uint32_t psychologist, struct span text,
			bool promised);

/* The counters of INFO, for a claim of the slot that was seen and for what became of the session that was seen. */
void desk_count_claim(struct desk *desk, const struct slot_view *seen, bool held);
void desk_count_change(struct desk *desk, const struct session_view *seen, enum session_status status);
/* A session went from its slot, which is open now (no more, if it was unlisted), to the other, which was seen free. */
void desk_count_move(struct desk *desk, const struct session_view *seen, const struct slot_view *to);
/* So many slots that were counted as open are blocked (by > 0), or the other way round. */
void desk_count_blocked(struct desk *desk, int64_t by);
