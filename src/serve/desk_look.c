/*
 * desk_look: reading, without a lock. Every look says which lsn it depends on [I2].
 *
 * The one thing a reader changes is a hold that is over: it says so in the log, and answers from that.
 */
#include "desk_parts.h"

#include <base/check.h>

/* Makes a hold expired if it is over: true, look again. Where the log has no room (a full disk) *over says that it is. */
static bool expired(struct desk *desk, uint64_t session, uint64_t expires_ms, bool *over)
{
	*over = desk_hold_is_over(desk, expires_ms);
	if (!*over || !wal_has_room(desk_wal(desk))) {
		return false;
	}
	desk_expire(desk, session);
	return true;
}

/* As the slot is once somebody says that its hold is over: free, or, if a calendar is busy over it, blocked [I11]. */
static void show_as_over(const struct desk *desk, struct slot_view *view)
{
	const bool blocked = table_is_busy(desk->table, view->key, view->minutes, &view->lsn);
	view->kind = blocked ? CLAIM_BLOCKED : view->kind;
	view->free = !blocked;
	view->status = SESSION_EXPIRED;
	view->expires_ms = 0;
}

bool desk_slot(struct desk *desk, const struct place *place, struct slot_view *view, uint64_t *lsn)
{
	const uint32_t psychologist = intern_find(&desk->table->psychologists, place->psychologist);
	if (psychologist == 0) {
		*lsn = 0; /* never named in any record */
		return false;
	}
	const uint64_t key = key_make(psychologist, place->day, place->minute);
	bool there;
	bool over = false;
	do {
		const uint32_t slot = table_find(desk->table, key);
		there = slot != 0 && table_view(desk->table, slot, key, view);
	} while (there && expired(desk, view->session, view->expires_ms, &over));
	if (there && over) {
		show_as_over(desk, view);
	}
	*lsn = there ? view->lsn : table_removed_lsn(desk->table);
	return there;
}

uint64_t desk_slots(struct desk *desk, struct span psychologist, uint16_t from_day, uint16_t to_day,
		    desk_visit_f *visit, void *context)
{
	const uint32_t number = intern_find(&desk->table->psychologists, psychologist);
	if (number == 0) {
		return 0;
	}
	uint64_t lsn = 0;
	uint32_t slots[TABLE_DAY_SLOTS_MAX];
	for (uint32_t day = from_day; day <= to_day; day++) {
		const size_t count = table_day(desk->table, number, (uint16_t)day, slots);
		for (size_t i = 0; i < count; i++) {
			const struct slot *slot = pool_at(&desk->table->slots, slots[i]);
			/* Relaxed: table_view checks the key against the word. */
			const uint64_t key = atomic_load_explicit(&slot->key, memory_order_relaxed);
			struct slot_view view;
			const bool there = key_psychologist(key) == number && key_day(key) == day &&
					   table_view(desk->table, slots[i], key, &view);
			if (there && desk_hold_is_over(desk, view.expires_ms)) {
				show_as_over(desk, &view);
			}
			if (there) {
				lsn = lsn_later(lsn, view.lsn);
				visit(context, &view);
			}
		}
	}
	/* What is not in the list may be missing because it was taken out: asked after looking (see table_removed_lsn). */
	return lsn_later(lsn, table_removed_lsn(desk->table));
}

bool desk_session(struct desk *desk, uint64_t id, struct session_view *view, uint64_t *lsn)
{
	/* One that is not there was never booked, or purged. */
	bool there;
	bool over = false;
	do {
		there = table_session_view(desk->table, id, view);
	} while (there && expired(desk, id, view->expires_ms, &over));
	if (there && over) {
		view->status = SESSION_EXPIRED;
		view->expires_ms = 0;
	}
	*lsn = there ? view->lsn : table_removed_lsn(desk->table);
	return there;
}
