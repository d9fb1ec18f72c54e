/*
 * Proves: a backup of a server that runs, made by tools/backup.sh, has all that was acknowledged before the copying began.
 *
 * Method: clients book as fast as they can, while snapshots are written and segments trimmed all the time; copies are made
 * meanwhile, a second server is started on each, and every owner who asks again must get the same id. So that it matters in
 * which order files are copied, a cp that is found before the real one ends, for the segment that is written and the one that
 * is next, only when the log is in another.
 */
#include <criterion/criterion.h>
#include <drive/connection.h>
#include <drive/server.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CLIENTS      2
#define BURST        8
#define BOOKINGS_MAX 200000
#define BACKUPS      3
/* Between two copies: some segments' worth of commits. */
#define BOOKINGS_BETWEEN 4000

#define MINUTES_A_DAY 1440
#define DAYS          28

static struct server server;
static struct server restored;
static struct error error;
static char script[SERVER_PATH_SIZE];

/* A client and what it was told: booking i has session ids[i]. */
static struct booker {
	pthread_t thread;
	int number;
	uint64_t ids[BOOKINGS_MAX];
	_Atomic uint64_t count; /* release, pairs with acknowledged: so many ids are there */
} bookers[CLIENTS];
static _Atomic bool over; /* relaxed: seen a burst later */

static uint64_t acknowledged(struct booker *booker)
{
	return atomic_load_explicit(&booker->count, memory_order_acquire); /* pairs with book */
}

/* Asks for the bookings from `first` on; true if each was answered with an id. */
static bool ask(struct connection *connection, int number, uint64_t first, uint64_t count, uint64_t *ids)
{
	struct buffer bytes = {0};
	for (uint64_t i = first; i < first + count; i++) {
		const uint64_t day = i / MINUTES_A_DAY;
		buffer_format(&bytes,
			      "BOOK dr-%d-%" PRIu64 " 2031-01-%02" PRIu64 " %02" PRIu64 ":%02" PRIu64 " client-%d\r\n",
			      number, day / DAYS, 1 + day % DAYS, i % MINUTES_A_DAY / 60, i % 60, number);
	}
	bool ok = connection_send(connection, (struct span){bytes.at, bytes.size}, NULL);
	buffer_fini(&bytes);
	for (uint64_t i = 0; ok && i < count; i++) {
		struct span line;
		ok = connection_line(connection, &line) == CONNECTION_LINE && line.size > 1 && line.at[0] == ':' &&
		     span_number((struct span){line.at + 1, line.size - 1}, INT64_MAX, &ids[i]);
	}
	return ok;
}

static void *book(void *context)
{
	struct booker *booker = context;
	struct connection connection;
	bool ok = connection_open(&connection, server.port, NULL);
	for (uint64_t i = 0; ok && i + BURST <= BOOKINGS_MAX; i += BURST) {
		if (atomic_load_explicit(&over, memory_order_relaxed)) {
			break;
		}
		ok = ask(&connection, booker->number, i, BURST, booker->ids + i);
		if (ok) {
			atomic_store_explicit(&booker->count, i + BURST,
					      memory_order_release); /* pairs with acknowledged */
		}
	}
	connection_close(&connection);
	return (void *)(uintptr_t)ok;
}

static void set_up(void)
{
	char bin[SERVER_PATH_SIZE] = {0};
	cr_assert_gt(readlink("/proc/self/exe", bin, sizeof bin - 1), 0);
	for (int up = 0; up < 3; up++) {
		*strrchr(bin, '/') = '\0';
	}
	cr_assert(server_init(&server, bin, &error), "%s", error.text);
	cr_assert(server_init(&restored, bin, &error), "%s", error.text);
	snprintf(script, sizeof script, "%.200s/../../tools/backup.sh", bin);
	snprintf(restored.options, sizeof restored.options, "--unlisted-slots yes --batch-size 64kb");
}

static void tear_down(void)
{
	server_fini(&server, false);
	server_fini(&restored, false);
}

TestSuite(backup, .init = set_up, .fini = tear_down, .timeout = 300);

/* Waits until every client has so many acknowledged. */
static void await(uint64_t count)
{
	for (int i = 0; i < CLIENTS; i++) {
		while (acknowledged(&bookers[i]) < count) {
			sched_yield();
		}
	}
}

static void make_backup(void)
{
	char command[8 * SERVER_PATH_SIZE];
	snprintf(command, sizeof command, "PATH='%s':'%s':$PATH '%s' '%s' '%s' >>'%s'", server.root, server.bin, script,
		 server.dir, restored.dir, server.output);
	cr_assert_eq(system(command), 0);
}

/* Starts on the copy, and asks for each of the first `counts` bookings again. */
static void check_backup(const uint64_t counts[static CLIENTS])
{
	struct connection connection;
	static uint64_t ids[BOOKINGS_MAX];
	cr_assert(server_start(&restored, &error), "%s", error.text);
	cr_assert(connection_open(&connection, restored.port, &error), "%s", error.text);
	for (int i = 0; i < CLIENTS; i++) {
		for (uint64_t at = 0; at < counts[i]; at += BURST) {
			cr_assert(ask(&connection, i, at, BURST, ids + at));
		}
		cr_assert_eq(memcmp(ids, bookers[i].ids, counts[i] * sizeof *ids), 0, "other ids");
	}
	connection_close(&connection);
	int status;
	cr_assert(server_stop(&restored, SIGKILL, &status, &error));
	server_forget(&restored);
}

static void back_up_under_load(const char *options)
{
	snprintf(server.options, sizeof server.options,
		 "--unlisted-slots yes --batch-size 64kb --snapshot-log-size 1mb %s", options);
	cr_assert(server_start(&server, &error), "%s", error.text);
	for (int i = 0; i < CLIENTS; i++) {
		bookers[i].number = i;
		cr_assert_eq(pthread_create(&bookers[i].thread, NULL, book, &bookers[i]), 0);
	}
	for (int i = 1; i <= BACKUPS; i++) {
		uint64_t counts[CLIENTS];
		await((uint64_t)i * BOOKINGS_BETWEEN);
		for (int client = 0; client < CLIENTS; client++) {
			counts[client] = acknowledged(&bookers[client]);
		}
		make_backup();
		check_backup(counts);
	}
	atomic_store_explicit(&over, true, memory_order_relaxed);
	for (int i = 0; i < CLIENTS; i++) {
		void *ok;
		pthread_join(bookers[i].thread, &ok);
		cr_assert_not_null(ok, "a client was not answered");
	}
}

Test(backup, under_load_has_all_that_was_acknowledged_before_it_began)
{
	back_up_under_load("--log-retain 1mb");
}

Test(backup, that_is_slow_has_it_too)
{
	char path[SERVER_PATH_SIZE + 8];
	snprintf(path, sizeof path, "%s/cp", server.root);
	FILE *file = fopen(path, "we");
	cr_assert_not_null(file);
	fprintf(file,
		"#!/bin/bash\n"
		"newest() { ls '%s' | tail -2; }\n"
		"before=$(newest)\n"
		"/bin/cp \"$@\" || exit\n"
		"[[ $before == *${2##*/}* ]] || exit 0\n"
		"until [ \"$(newest)\" != \"$before\" ]; do :; done\n",
		server.dir);
	fclose(file);
	cr_assert_eq(chmod(path, 0700), 0);
	back_up_under_load("--log-retain 1gb");
}

Test(backup, of_a_server_that_is_stopped_is_the_same)
{
	int status;
	snprintf(server.options, sizeof server.options, "--unlisted-slots yes");
	cr_assert(server_start(&server, &error), "%s", error.text);
	struct connection connection;
	cr_assert(connection_open(&connection, server.port, &error), "%s", error.text);
	for (uint64_t i = 0; i < 400; i += BURST) {
		cr_assert(ask(&connection, 0, i, BURST, bookers[0].ids + i));
	}
	connection_close(&connection);
	cr_assert(server_stop(&server, SIGTERM, &status, &error), "%s", error.text);
	make_backup();
	check_backup((uint64_t[CLIENTS]){400, 0});
}
