/*
 * server: slotd, as slotd-calsync talks to it.
 *
 * Every wait is bounded by SERVER_SECONDS. A connection that failed once is only good for closing.
 *
 * Threads: same thread only.
 */
#pragma once

#include <base/error.h>
#include <calsync/options.h>
#include <hiredis/hiredis.h>
#include <slot/busy.h>

#define SERVER_SECONDS 30

/* Source name in BUSY. */
#define SOURCE "calsync"

struct server {
	redisContext *connection;
};

/* `address` is HOST:PORT, [::1]:PORT for IPv6. */
bool server_open(struct server *server, const char *address, struct error *error);
void server_close(struct server *server);

/* Adds what CALENDAR GET answers. *is_known is false where the server has no such command. */
bool server_calendars(struct server *server, struct named_list *calendars, bool *is_known, struct error *error);

/* The zone of a psychologist: what HOURS GET says, else the server's `timezone`. */
bool server_zone(struct server *server, const char *psychologist, char *zone, size_t size, struct error *error);

/* The generation that the server has of us for a psychologist; 0 if none. */
bool server_generation(struct server *server, const char *psychologist, uint64_t *generation, struct error *error);

struct told {
	uint64_t blocked;
	uint64_t unblocked;
	uint64_t conflicts;
};

/* One BUSY: at most BUSY_COUNT_MAX intervals, all in the window. Adds to *told. */
bool server_busy(struct server *server, const char *psychologist, uint64_t generation,
		 const struct busy_interval *window, const struct busy_interval *intervals, uint32_t count,
		 struct told *told, struct error *error);

/* The slots where a session and a busy time meet, "2031-01-05T09:30 2031-01-05T11:00", as many as fit. */
bool server_conflicts(struct server *server, const char *psychologist, char *slots, size_t size, struct error *error);
