/*
 * desk_on_log: the desk and the log of a server, on a simulated disk, in one thread.
 *
 * Threads: one.
 */
#pragma once

#include <criterion/criterion.h>
#include <log/replay.h>
#include <serve/desk.h>
#include <sim/sim_disk.h>

struct server {
	uint64_t now_ms; /* of both clocks */
	struct config config;
	struct service service;
	struct clock clock;
	struct memory memory;
	struct table table;
	struct desk desk;
	struct wal *wal;
	struct rebuild rebuild;
};

static uint64_t server_wall_ms(void *context)
{
	return ((struct server *)context)->now_ms;
}

static uint64_t server_monotonic_ns(void *context)
{
	return ((struct server *)context)->now_ms * 1000000;
}

static bool server_on_record(void *context, const struct record *record, uint64_t lsn, struct error *error)
{
	struct server *server = context;
	return rebuild_record(&server->rebuild, record, lsn, error);
}

/* On what the disk has. `record_size`: bytes of the largest record. */
static void server_start(struct server *server, struct sim_disk *disk, uint32_t record_size, uint64_t now_ms)
{
	struct error error = {0};
	struct wal_recovery found;
	const struct table_options table_options = {.stripe_count = 1, .seed = 5};
	*server = (struct server){.now_ms = now_ms, .clock = {server, server_wall_ms, server_monotonic_ns}};
	server->config.holds_max = server->config.holds_per_client = 1000;
	server->config.hold_total_max = 3600;
	server->service = (struct service){.config = &server->config, .clock = &server->clock};
	memory_init(&server->memory, 2 << 20);
	cr_assert(table_init(&server->table, &server->memory, &table_options, &error), "%s", error.text);
	server->desk = (struct desk){
	    .service = &server->service, .memory = &server->memory, .table = &server->table, .clock = &server->clock};
	struct wal_options options = {.segment_size = 64 * DISK_ALIGN,
				      .batch_size = 8 * DISK_ALIGN,
				      .record_size = record_size,
				      .appenders = 1,
				      .flush = true};
	const struct snapshot_target into = {.table = &server->table, .crew = 1};
	cr_assert(rebuild_begin(&server->rebuild, &into, &disk->port, &options.start, &error), "%s", error.text);
	cr_assert(
	    wal_open(&server->wal, &options, &disk->port, &server->clock, server_on_record, server, &found, &error),
	    "%s", error.text);
	table_restore_done(&server->table);
	struct table_counts counts;
	table_count(&server->table, 1, &counts);
	cr_assert(desk_restore_holds(&server->desk, server->rebuild.newest_ms, counts.held, &error), "%s", error.text);
	atomic_store_explicit(&server->desk.wal, server->wal, memory_order_release);
}

/* Until all that was appended is durable. */
static void server_settle(struct server *server, struct sim_disk *disk)
{
	do {
		wal_pump(server->wal);
	} while (sim_disk_step(disk) || !wal_idle(server->wal));
}

static void server_stop(struct server *server)
{
	wal_close(server->wal);
	holds_fini(&server->desk.holds);
	table_fini(&server->table);
}
