/*
 * busy_feed: what the calendar of a feed says: the psychologist's sessions that are booked, held ones left out, of the days
 * around today that `feed-days-past` and `feed-days-ahead` say.
 *
 * Threads: any.
 */
#pragma once

#include <http/feeds.h>
#include <serve/desk.h>

/* Writes the calendar. *lsn is what it depends on: it may leave once that is durable [I2]. */
void busy_feed_write(struct desk *desk, const struct feed *feed, struct buffer *text, uint64_t *lsn);
