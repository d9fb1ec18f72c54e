/*
 * http: the HTTP port. It serves the calendars of `feed-file` and nothing else:
 *
 *   GET /feed/<path>.ics    200 text/calendar with an ETag; 304 if that is the one the client has
 *
 * Off unless `http-port` is set. libmicrohttpd speaks HTTP; its one thread is ours and runs at low priority, so that whoever
 * floods this port takes nothing from a booking [I8]. What a calendar shows is durable before it is shown [I2].
 *
 * There is no TLS: the path is a secret, so bring one in front (docs/OPERATIONS.md) or stay on a network you trust.
 *
 * Threads: start, wake and join from main.
 */
#pragma once

#include <http/feeds.h>
#include <pthread.h>
#include <serve/service.h>

struct http {
	struct service *service;
	struct feeds feeds;
	struct MHD_Daemon *daemon; /* owned by its thread from start to join */
	int wakeup;                /* eventfd(2) */
	pthread_t thread;
	bool runs;
};

/* Starts it, if http-port is not 0. */
bool http_start(struct http *http, struct service *service, struct error *error);
/* It ends soon after service->stopping is set and it is woken. Nothing if it was not started. */
void http_wake(struct http *http);
void http_join(struct http *http);
