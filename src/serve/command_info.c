/*
 * command_info: INFO: figures about the server, in Redis's layout and with its names where it has the thing.
 *
 * ioredis waits while `loading` is 1 and asks again after loading_eta_seconds; valkey-glide looks for role:master.
 * Counters are sums over workers, each read relaxed: figures of about now, not of one moment.
 */
#include "command_reply.h"
#include <base/version.h>
#include <inttypes.h>
#include <log/wal.h>
#include <serve/availability.h>
#include <serve/desk.h>
#include <serve/housekeeping.h>
#include <stdio.h>
#include <unistd.h>

struct info {
	struct service *service;
	struct buffer text;
};

static int64_t total(const struct service *service, size_t offset)
{
	int64_t sum = 0;
	/* One more than workers: the thread that replays counts too. */
	for (uint32_t i = 0; i <= service->worker_count; i++) {
		const counter *each = (const counter *)((const char *)&service->counters[i] + offset);
		sum += atomic_load_explicit(each, memory_order_relaxed);
	}
	return sum;
}

#define TOTAL(field) total(info->service, offsetof(struct counters, field))

static void add_number(struct info *info, const char *name, int64_t value)
{
	buffer_format(&info->text, "%s:%" PRId64 "\r\n", name, value);
}

static void add_unsigned(struct info *info, const char *name, uint64_t value)
{
	buffer_format(&info->text, "%s:%" PRIu64 "\r\n", name, value);
}

static void add_text(struct info *info, const char *name, const char *value)
{
	buffer_format(&info->text, "%s:%s\r\n", name, value);
}

/* Relaxed: INFO looks at the flag itself only; the log is published by desk_wal. */
static bool loading(const struct info *info)
{
	return atomic_load_explicit(&info->service->loading, memory_order_relaxed);
}

static uint64_t uptime_seconds(const struct info *info)
{
	const struct service *service = info->service;
	return (clock_monotonic_ns(service->clock) - service->started_ns) / UINT64_C(1000000000);
}

static void add_server(struct info *info)
{
	const struct service *service = info->service;
	add_text(info, "redis_version", REDIS_VERSION);
	add_text(info, "slotd_version", SLOTD_VERSION);
	if (!service->config->fsync) {
		add_text(info, "warning", "FSYNC IS OFF, ACKNOWLEDGED BOOKINGS CAN BE LOST; for measuring only");
	}
	add_text(info, "redis_mode", "standalone");
	add_number(info, "arch_bits", 64);
	add_number(info, "process_id", getpid());
	add_text(info, "run_id", service->run_id);
	add_number(info, "tcp_port", service->config->port);
	add_unsigned(info, "server_time_usec", clock_wall_ms(service->clock) * 1000);
	add_unsigned(info, "uptime_in_seconds", uptime_seconds(info));
	add_unsigned(info, "uptime_in_days", uptime_seconds(info) / 86400);
	add_number(info, "threads", service->worker_count);
	add_text(info, "timezone", service->config->timezone);
}

static void add_clients(struct info *info)
{
	add_number(info, "connected_clients", TOTAL(clients));
	add_number(info, "maxclients", info->service->config->maxclients);
	add_number(info, "blocked_clients", 0);
}

/* Bytes of this process that are in memory; 0 if the kernel does not say. */
static uint64_t resident_bytes(void)
{
	FILE *file = fopen("/proc/self/statm", "re");
	if (file == NULL) {
		return 0;
	}
	uint64_t pages = 0;
	if (fscanf(file, "%*u %" SCNu64, &pages) != 1) {
		pages = 0;
	}
	fclose(file);
	return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static void add_memory(struct info *info)
{
	const struct memory *memory = info->service->desk->memory;
	/* Relaxed: figures; see base/memory.h. */
	add_unsigned(info, "used_memory", atomic_load_explicit(&memory->used, memory_order_relaxed));
	add_unsigned(info, "used_memory_promised", atomic_load_explicit(&memory->promised, memory_order_relaxed));
	add_unsigned(info, "used_memory_rss", resident_bytes());
	add_unsigned(info, "maxmemory", info->service->config->maxmemory);
	add_text(info, "maxmemory_policy", "noeviction");
}

/* How far the replay is. The log is read at an even pace, so the rest takes as long per byte as what was read. */
static void add_loading(struct info *info)
{
	struct service *service = info->service;
	/* Relaxed: progress for a person. */
	const uint64_t loaded = atomic_load_explicit(&service->loaded_bytes, memory_order_relaxed);
	const uint64_t all = atomic_load_explicit(&service->loading_bytes, memory_order_relaxed);
	const uint64_t elapsed = uptime_seconds(info);
	/* A damaged snapshot was read for nothing. */
	const double done = loaded >= all ? all > 0 : (double)loaded / (double)all;
	add_unsigned(info, "loading_start_time", service->started_ms / 1000);
	add_unsigned(info, "loading_total_bytes", all);
	add_unsigned(info, "loading_loaded_bytes", loaded);
	buffer_format(&info->text, "loading_loaded_perc:%.2f\r\n", 100 * done);
	add_unsigned(info, "loading_eta_seconds", 1 + (uint64_t)(done > 0 ? (double)elapsed * (1 - done) / done : 0));
}

static void add_persistence(struct info *info)
{
	add_number(info, "loading", loading(info));
	add_text(info, "fsync", info->service->config->fsync ? "yes" : "no");
	if (loading(info)) {
		add_loading(info);
	}
}

static void add_stats(struct info *info)
{
	add_number(info, "total_connections_received", TOTAL(connections));
	add_number(info, "total_commands_processed", TOTAL(commands));
	add_number(info, "total_error_replies", TOTAL(errors));
	add_number(info, "total_net_input_bytes", TOTAL(input_bytes));
	add_number(info, "total_net_output_bytes", TOTAL(output_bytes));
	add_number(info, "rejected_connections", TOTAL(rejected));
}

static void add_replication(struct info *info)
{
	add_text(info, "role", "master");
	add_number(info, "connected_slaves", 0);
}

static void add_slots(struct info *info)
{
	add_number(info, "slots_open", TOTAL(slots_open));
	add_number(info, "slots_booked", TOTAL(slots_booked));
	add_number(info, "slots_held", TOTAL(slots_held));
	add_number(info, "slots_blocked", TOTAL(slots_blocked));
	/* A table that is being loaded may be thrown away. Relaxed, both: figures. */
	const bool whole = !loading(info);
	const struct busy *busy = &info->service->desk->table->busy;
	add_unsigned(info, "busy_sources", whole ? atomic_load_explicit(&busy->sources, memory_order_relaxed) : 0);
	add_unsigned(info, "busy_intervals", whole ? atomic_load_explicit(&busy->intervals, memory_order_relaxed) : 0);
	add_number(info, "busy_conflicts", TOTAL(busy_conflicts));
	const struct settings *settings = &info->service->desk->table->settings;
	const struct availability *availability = info->service->availability;
	add_unsigned(info, "hours_templates",
		     atomic_load_explicit(&settings->counts[SETTING_HOURS], memory_order_relaxed));
	add_unsigned(
	    info, "hours_last_run",
	    availability != NULL ? atomic_load_explicit(&availability->last_run_ms, memory_order_relaxed) / 1000 : 0);
	add_number(info, "hours_slots_opened", TOTAL(hours_opened));
	add_number(info, "hours_slots_closed", TOTAL(hours_closed));
	add_unsigned(info, "calendars",
		     atomic_load_explicit(&settings->counts[SETTING_CALENDAR], memory_order_relaxed));
	add_number(info, "claims_won", TOTAL(claims_won));
	add_number(info, "holds_expired", TOTAL(holds_expired));
	const int64_t taken = TOTAL(claims_lost_taken);
	const int64_t held = TOTAL(claims_lost_held);
	const int64_t blocked = TOTAL(claims_lost_blocked);
	const int64_t noslot = TOTAL(claims_lost_noslot);
	const int64_t past = TOTAL(claims_lost_past);
	add_number(info, "claims_lost", taken + held + blocked + noslot + past);
	add_number(info, "claims_lost_taken", taken);
	add_number(info, "claims_lost_held", held);
	add_number(info, "claims_lost_blocked", blocked);
	add_number(info, "claims_lost_noslot", noslot);
	add_number(info, "claims_lost_past", past);
}

static const char *const space_names[] = {
    [WAL_SPACE_ENOUGH] = "enough",
    [WAL_SPACE_LOW] = "low",
    [WAL_SPACE_NONE] = "none",
};

static void add_snapshots(struct info *info)
{
	static const struct housekeeper none;
	const struct housekeeper *keeper = info->service->housekeeper != NULL ? info->service->housekeeper : &none;
	/* Relaxed, all: figures. */
	add_unsigned(info, "snapshot_lsn", atomic_load_explicit(&keeper->snapshot_lsn, memory_order_relaxed));
	add_unsigned(info, "snapshots_written", atomic_load_explicit(&keeper->snapshots_written, memory_order_relaxed));
	add_unsigned(info, "snapshots_failed", atomic_load_explicit(&keeper->snapshots_failed, memory_order_relaxed));
	add_number(info, "snapshot_in_progress", atomic_load_explicit(&keeper->writing, memory_order_relaxed));
	add_unsigned(info, "snapshot_last_time",
		     atomic_load_explicit(&keeper->last_at_ms, memory_order_relaxed) / 1000);
	add_unsigned(info, "snapshot_last_ms", atomic_load_explicit(&keeper->last_ms, memory_order_relaxed));
}

/* For how long the device has not answered, once that is longer than commit-timeout. */
static void add_stuck(struct info *info, const struct wal *wal)
{
	uint64_t since_ns = 0;
	const bool stuck = wal != NULL && wal_stuck(wal, &since_ns);
	const uint64_t stuck_ns = stuck ? clock_monotonic_ns(info->service->clock) - since_ns : 0;
	add_number(info, "wal_stuck", stuck);
	add_unsigned(info, "wal_stuck_seconds", stuck_ns / UINT64_C(1000000000));
}

/* While the log is being read there is none to ask yet: its figures are 0. */
static void add_log(struct info *info)
{
	const struct wal *wal = desk_wal(info->service->desk);
	struct wal_stats stats = {.engine = "none"};
	if (wal != NULL) {
		wal_stats(wal, &stats);
	}
	add_text(info, "wal_engine", stats.engine);
	/* durable first: it follows appended, and must not be seen to be ahead of it [I3]. */
	const uint64_t durable_lsn = wal != NULL ? wal_durable_lsn(wal) : 0;
	add_unsigned(info, "wal_appended_lsn", wal != NULL ? wal_appended_lsn(wal) : 0);
	add_unsigned(info, "wal_durable_lsn", durable_lsn);
	add_text(info, "wal_space", space_names[wal != NULL ? wal_space(wal) : WAL_SPACE_ENOUGH]);
	add_stuck(info, wal);
	add_unsigned(info, "wal_segments", stats.segments);
	add_unsigned(info, "wal_bytes", stats.bytes);
	add_unsigned(info, "commits", stats.commits);
	buffer_format(&info->text, "records_per_commit_avg:%.2f\r\n",
		      stats.commits > 0 ? (double)stats.records / (double)stats.commits : 0);
	add_snapshots(info);
}

static const struct section {
	const char *name; /* as the heading has it */
	void (*add)(struct info *info);
} sections[] = {
    {"Server", add_server}, {"Clients", add_clients},         {"Memory", add_memory}, {"Persistence", add_persistence},
    {"Stats", add_stats},   {"Replication", add_replication}, {"Slots", add_slots},   {"Log", add_log},
};

static bool section_wanted(const struct section *section, const struct request *request)
{
	for (uint32_t i = 1; i < request->count; i++) {
		const struct span word = request->words[i];
		if (span_is(word, section->name) || span_is(word, "all") || span_is(word, "everything") ||
		    span_is(word, "default")) {
			return true;
		}
	}
	return request->count == 1;
}

uint64_t command_info(struct service *service, struct client *client, const struct request *request,
		      struct reply *reply)
{
	(void)client;
	struct info info = {.service = service};
	for (size_t i = 0; i < sizeof sections / sizeof sections[0]; i++) {
		if (section_wanted(&sections[i], request)) {
			buffer_format(&info.text, "%s# %s\r\n", info.text.size > 0 ? "\r\n" : "", sections[i].name);
			sections[i].add(&info);
		}
	}
	reply_verbatim(reply, (struct span){info.text.at, info.text.size});
	buffer_fini(&info.text);
	return 0;
}
