/*
 * busy_feed: see the header. Keeps I2: whatever is looked at gives the lsn it depends on.
 */
#include <base/hash.h>
#include <http/busy_feed.h>
#include <http/calendar.h>
#include <slot/zone.h>

#define MINUTE_MS UINT64_C(60000)

struct writing {
	struct desk *desk;
	const struct feed *feed;
	const struct zone *zone; /* the psychologist's */
	struct buffer *text;
	uint64_t lsn;
	bool torn; /* a session went to another slot meanwhile: it may be missing, or there twice */
};

/* Of the secret path and the session: whoever does not know the path learns nothing from it, two servers never have the same,
 * and a session keeps it when it moves. */
static void make_uid(const struct feed *feed, uint64_t session, uint8_t *uid)
{
	store64(uid, hash_bytes(feed->path, strlen(feed->path), session));
	store64(uid + 8, hash_bytes(feed->path, strlen(feed->path), ~session));
}

static void write_slot(void *context, const struct slot_view *view)
{
	struct writing *writing = context;
	struct session_view session;
	if (view->free || view->kind != CLAIM_SESSION || view->status == SESSION_HELD) {
		return;
	}
	if (!table_session_view(writing->desk->table, view->session, &session) || session.key != view->key) {
		writing->torn = true;
		return;
	}
	const uint64_t starts_ms = zone_instant(writing->zone, key_day(view->key), key_minute(view->key));
	struct calendar_event event = {
	    .sequence = (uint16_t)(session.version - 1),
	    .created_ms = session.created_ms,
	    .updated_ms = session.updated_ms,
	    .starts_ms = starts_ms,
	    .ends_ms = starts_ms + view->minutes * MINUTE_MS,
	};
	make_uid(writing->feed, session.id, event.uid);
	writing->lsn = lsn_later(writing->lsn, session.lsn);
	calendar_event(writing->text, &event);
}

void busy_feed_write(struct desk *desk, const struct feed *feed, struct buffer *text, uint64_t *lsn)
{
	const struct config *config = desk->service->config;
	const uint32_t psychologist = intern_find(&desk->table->psychologists, span_of(feed->psychologist));
	struct writing writing = {.desk = desk, .feed = feed, .text = text};
	writing.zone = zone_map_get(&desk->table->zones, psychologist, &writing.lsn);
	const int64_t today = zone_civil(writing.zone, clock_wall_ms(desk->clock)).day;
	const int64_t from = today - (int64_t)config->feed_days_past;
	const int64_t to = today + (int64_t)config->feed_days_ahead;
	/* Each round that does not end saw somebody else's change succeed. */
	do {
		writing.torn = false;
		text->size = 0;
		calendar_begin(text, span_of(feed->psychologist));
		const uint64_t looked =
		    desk_slots(desk, span_of(feed->psychologist), (uint16_t)(from < 0 ? 0 : from),
			       (uint16_t)(to < DAY_COUNT ? to : DAY_COUNT - 1), write_slot, &writing);
		writing.lsn = lsn_later(writing.lsn, looked);
	} while (writing.torn);
	calendar_end(text);
	*lsn = writing.lsn;
}
