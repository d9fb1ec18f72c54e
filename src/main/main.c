/*
 * main: puts the pieces together, starts the threads, waits for the end.
 *
 *   main       configuration, directory lock, listeners, table; then waits for the workers
 *   signals    sigwait: SIGTERM and SIGINT stop the server, a second one ends it at once
 *   loader     loads the snapshot, replays the log, hands it to worker 0
 *   housekeeper  writes snapshots
 *   ready      touches memory before it is needed, once the log is replayed
 *   http       serves calendars, if http-port is set
 *   worker 0.. the loops
 *
 * Exit status: 0 stopped as asked, 1 could not start, 2 bad usage or configuration, 3 the log failed while running,
 * 4 the log was refused (docs/OPERATIONS.md says what to do at each).
 */
#include <base/check.h>
#include <base/hash.h>
#include <base/ready.h>
#include <base/version.h>
#include <http/http.h>
#include <inttypes.h>
#include <io/disk_posix.h>
#include <io/listen.h>
#include <pthread.h>
#include <serve/availability.h>
#include <serve/command.h>
#include <serve/desk.h>
#include <serve/hot.h>
#include <serve/housekeeping.h>
#include <serve/import.h>
#include <serve/loader.h>
#include <serve/log_line.h>
#include <serve/ports.h>
#include <serve/worker.h>
#include <signal.h>
#include <slot/civil.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define EXIT_CANNOT_START 1
#define EXIT_USAGE        2

/* Stripes of the table's indexes: enough that 64 threads seldom meet on one and that growing one is soon over, few enough
 * that an empty table is small. */
#define STRIPES 512

struct server {
	struct config config;
	struct clock clock;
	struct memory memory;
	struct table table;
	struct desk desk;
	struct service service;
	struct disk disk;
	int listeners[2];
	uint32_t listener_count;
	struct worker workers[THREADS_MAX];
	struct hot hots[THREADS_MAX];
	struct loader loader;
	struct housekeeper housekeeper;
	struct availability availability;
	struct import import;
	struct http http;
	pthread_t signals;
	sigset_t stop_signals;
	_Atomic int status; /* of exit; relaxed, read after the threads are joined */
};

/* One server a process: what a signal and a failing loader reach. Zero-initialised, so it costs what is used of it. */
static struct server server;

static void wake_all(struct service *service)
{
	for (uint32_t i = 0; i < service->worker_count; i++) {
		worker_wake(&server.workers[i]);
	}
	housekeeper_wake(&server.housekeeper);
	http_wake(&server.http);
}

static void stop(int status)
{
	atomic_store_explicit(&server.status, status, memory_order_relaxed);
	/* Relaxed: the wake makes every loop look. */
	atomic_store_explicit(&server.service.stopping, true, memory_order_relaxed);
	wake_all(&server.service);
}

static void *wait_for_signals(void *argument)
{
	(void)argument;
	int number;
	while (sigwait(&server.stop_signals, &number) == 0) {
		if (atomic_load_explicit(&server.service.stopping, memory_order_relaxed)) {
			log_line(LOG_WARNING, "second signal, ending at once", "signal=%d", number);
			_exit(EXIT_FAILURE);
		}
		log_line(LOG_INFO, "stopping", "signal=%d", number);
		stop(EXIT_SUCCESS);
	}
	return NULL;
}

/* Signals go to the thread that waits for them and to no other: blocked before any thread starts, waited for once there
 * are workers to stop. */
static void block_signals(void)
{
	sigemptyset(&server.stop_signals);
	sigaddset(&server.stop_signals, SIGTERM);
	sigaddset(&server.stop_signals, SIGINT);
	pthread_sigmask(SIG_BLOCK, &server.stop_signals, NULL);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN); /* a limit of file sizes is an error of the write that meets it, as any other */
}

static bool start_signals(struct error *error)
{
	const int refused = pthread_create(&server.signals, NULL, wait_for_signals, NULL);
	return refused == 0 || error_errno(error, refused, "cannot start the thread that waits for signals");
}

/* A descriptor for every connection, and some for the log and the loops. */
static void raise_descriptor_limit(void)
{
	const rlim_t wanted = server.config.maxclients + 64;
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted) {
		return;
	}
	limit.rlim_cur = wanted < limit.rlim_max ? wanted : limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur < wanted) {
		server.config.maxclients = (uint32_t)limit.rlim_cur - 64;
		log_line(LOG_WARNING, "maxclients lowered to what the limit of open files allows",
			 "maxclients=%" PRIu32, server.config.maxclients);
	}
}

/* After kill -9 the kernel takes a moment to tear down the old process's ring, which until then keeps the listening socket.
 * A restart at once must not fail for that; a port that is really in use is still refused. */
#define LISTEN_PATIENCE_MS 3000
#define LISTEN_PAUSE_MS    10

static bool listen_tcp(int *descriptor, struct error *error)
{
	const struct timespec pause = {.tv_nsec = LISTEN_PAUSE_MS * 1000000L};
	for (int waited_ms = 0;; waited_ms += LISTEN_PAUSE_MS) {
		if (net_listen_tcp(server.config.bind, server.config.port, descriptor, error)) {
			return true;
		}
		if (error->code != ERROR_IN_USE || waited_ms >= LISTEN_PATIENCE_MS) {
			return false;
		}
		nanosleep(&pause, NULL);
	}
}

static bool open_listeners(struct error *error)
{
	const struct config *config = &server.config;
	if (config->port != 0) {
		if (!listen_tcp(&server.listeners[server.listener_count], error)) {
			return false;
		}
		server.listener_count++;
	}
	if (config->unix_path[0] != '\0') {
		if (!net_listen_unix(config->unix_path, &server.listeners[server.listener_count], error)) {
			return false;
		}
		server.listener_count++;
	}
	return server.listener_count > 0 ||
	       error_set(error, ERROR_INVALID, "nothing to listen on: port is 0 and unix is not set");
}

static bool open_table(struct error *error)
{
	memory_init(&server.memory, server.config.maxmemory);
	const struct table_options options = {.stripe_count = STRIPES, .seed = hash_seed_random()};
	return table_init(&server.table, &server.memory, &options, error);
}

/* The counts of lost claims, one table a worker. */
static bool open_hots(struct error *error)
{
	for (uint32_t i = 0; i < server.config.threads; i++) {
		if (!hot_init(&server.hots[i], server.config.hot_entries, error)) {
			return false;
		}
	}
	return true;
}

static void put_together(void)
{
	server.desk = (struct desk){
	    .service = &server.service,
	    .memory = &server.memory,
	    .table = &server.table,
	    .clock = &server.clock,
	    .unlisted_slots = server.config.unlisted_slots,
	};
	struct service *service = &server.service;
	service->config = &server.config;
	service->clock = &server.clock;
	service->desk = &server.desk;
	service->started_ms = clock_wall_ms(&server.clock);
	service->started_ns = clock_monotonic_ns(&server.clock);
	service->worker_count = server.config.threads;
	service->wake_all = wake_all;
	service->housekeeper = &server.housekeeper;
	service->import = &server.import;
	service->hots = server.hots;
	service->availability = &server.availability;
	availability_init(&server.availability, service);
	service->loading = true;
	snprintf(service->run_id, sizeof service->run_id, "%016" PRIx64 "%016" PRIx64 "%08" PRIx32, hash_seed_random(),
		 hash_seed_random(), (uint32_t)hash_seed_random());
}

/* io_uring unless it is denied or another engine was asked for. */
static bool choose_engine(bool *use_io_uring, struct error *error)
{
	*use_io_uring = false;
	if (strcmp(server.config.io, "posix") == 0) {
		return true;
	}
	*use_io_uring = ports_probe(server.config.threads, error);
	if (*use_io_uring || strcmp(server.config.io, "io_uring") == 0) {
		return *use_io_uring;
	}
	log_line(LOG_WARNING, "io_uring is not available, running on epoll and pwrite with the same durability",
		 "reason=\"%s\"", error->text);
	return true;
}

static bool start_workers(struct error *error)
{
	bool use_io_uring;
	if (!choose_engine(&use_io_uring, error)) {
		return false;
	}
	for (uint32_t i = 0; i < server.config.threads; i++) {
		struct worker *worker = &server.workers[i];
		worker->service = &server.service;
		worker->workers = server.workers;
		worker->number = i;
		worker->rings = use_io_uring ? server.config.threads : 0;
		worker->listeners = server.listeners;
		worker->listener_count = server.listener_count;
		worker->lock = disk_posix_lock_descriptor(&server.disk);
		if (!worker_start(worker, error)) {
			return false;
		}
	}
	return true;
}

static enum log_level log_level_of(const char *name)
{
	static const char *const names[] = {"debug", "info", "warning", "error"};
	for (enum log_level level = LOG_DEBUG; level <= LOG_ERROR; level++) {
		if (strcmp(name, names[level]) == 0) {
			return level;
		}
	}
	WRONG("config_parse lets no other level pass");
}

static bool start(struct error *error)
{
	const struct config *config = &server.config;
	log_line_level(log_level_of(config->loglevel));
	server.clock = clock_real();
	if (!civil_set_zone(config->timezone)) {
		return error_set(error, ERROR_INVALID,
				 "timezone %s is not known: use an IANA name such as Europe/Berlin", config->timezone);
	}
	raise_descriptor_limit();
	if (!disk_posix_open(&server.disk, config->dir, DISK_READ_WRITE, error) ||
	    !server.disk.lock(server.disk.context, error) || !open_listeners(error) || !open_table(error) ||
	    !open_hots(error)) {
		return false;
	}
	put_together();
	block_signals();
	/* The housekeeper first: whoever stops the server wakes it. */
	if (!housekeeper_start(&server.housekeeper, &server.service, error) ||
	    !http_start(&server.http, &server.service, error) || !start_workers(error) || !start_signals(error)) {
		return false;
	}
	if (!config->fsync) {
		log_line(LOG_WARNING, "fsync is off: acknowledged bookings are lost when the machine stops", "");
	}
	log_line(LOG_INFO, "listening", "bind=%s port=%" PRIu16 " dir=%s threads=%" PRIu32, config->bind, config->port,
		 config->dir, config->threads);
	server.loader = (struct loader){
	    .desk = &server.desk,
	    .owner = &server.workers[0],
	    .housekeeper = &server.housekeeper,
	    .disk = &server.disk,
	    .failed = stop,
	};
	return loader_start(&server.loader, error);
}

/* Waits until every loop has ended, and lets go of what they used. */
static int wait_for_end(void)
{
	for (uint32_t i = 0; i < server.config.threads; i++) {
		worker_join(&server.workers[i]);
	}
	const int status = atomic_load_explicit(&server.status, memory_order_relaxed);
	if (desk_wal(&server.desk) == NULL) {
		/* Stopped while replaying: nothing was served, so there is nothing to flush or to wait for. */
		_exit(status);
	}
	loader_join(&server.loader);
	housekeeper_join(&server.housekeeper);
	http_join(&server.http);
	disk_posix_close(&server.disk);
	if (server.config.unix_path[0] != '\0') {
		unlink(server.config.unix_path);
	}
	ready_stop();
	table_fini(&server.table);
	for (uint32_t i = 0; i < server.config.threads; i++) {
		hot_fini(&server.hots[i]);
	}
	log_line(LOG_INFO, "stopped", "");
	return status;
}

int main(int argc, char **argv)
{
	struct error error = {0};
	if (argc == 2 && strcmp(argv[1], "--help") == 0) {
		config_help(stdout);
		return EXIT_SUCCESS;
	}
	if (argc == 2 && strcmp(argv[1], "--version") == 0) {
		printf("slotd %s\n", SLOTD_VERSION);
		return EXIT_SUCCESS;
	}
	config_defaults(&server.config);
	if (!config_parse(&server.config, argc, argv, &error)) {
		fprintf(stderr, "slotd: %s\n", error.text);
		return EXIT_USAGE;
	}
	if (!start(&error)) {
		fprintf(stderr, "slotd: %s\n", error.text);
		return error.code == ERROR_INVALID ? EXIT_USAGE : EXIT_CANNOT_START;
	}
	return wait_for_end();
}
