/*
 * services: what goes on in a server beside the bookings, each on a connection of its own, as fast as the server answers.
 *
 * hours       what the availability service has to do: the weekly hours of one psychologist after the other change (HOURS),
 *             so that it opens and closes days ahead; beside that, a day of many is opened and closed by hand, and now and
 *             then a past day opened and purged
 * sync        what slotd-calsync asks for: one psychologist after the other is busy twice a day for 60 days (BUSY), each time
 *             at other hours than before; lists one of these days, and looks at one of its slots
 * growth      opens slot after slot and closes none, so that the table grows all the time
 * snapshot    asks for one SNAPSHOT after the other
 *
 * An answer that should not be ends the service, and services_stop says so.
 *
 * Threads: start and stop the same thread; each service has its own.
 */
#pragma once

#include <bench/connection.h>
#include <pthread.h>
#include <stdatomic.h>

#define SERVICES_MAX 2

struct service;
typedef bool service_step_f(struct service *service, struct error *error);

struct service {
	struct services *services;
	service_step_f *step;
	pthread_t thread;
	/* owned by the service's thread until it is joined */
	struct connection connection;
	uint64_t steps;
	uint64_t requests;
	uint16_t past_day; /* hours: the one to open and purge next */
	bool failed;
	struct error error;
};

struct services {
	const struct address *address; /* const after services_start, as is timeout_ms */
	uint32_t timeout_ms;
	_Atomic bool stop; /* set by services_stop, looked at between steps */
	uint32_t count;
	struct service service[SERVICES_MAX];
};

/* `names` is one of "services" (hours and sync), "growth" and "snapshot". */
bool services_known(const char *names);
bool services_start(struct services *services, const char *names, const struct address *address, uint32_t timeout_ms,
		    struct error *error);
/* Ends them; *requests is how many they had answered. False if one of them had failed. */
bool services_stop(struct services *services, uint64_t *requests, struct error *error);
