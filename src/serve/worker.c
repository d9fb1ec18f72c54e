/*
 * worker: see the header for the loop. Keeps I2 together with the gates: replies are released only here and in conn_step,
 * always against wal_durable_lsn; keeps I6: when the log has failed, peers are told that outcomes are not known, and the
 * process ends.
 */
#include <base/check.h>
#include <inttypes.h>
#include <serve/availability.h>
#include <serve/desk.h>
#include <serve/import.h>
#include <serve/last_words.h>
#include <serve/log_line.h>
#include <serve/ports.h>
#include <serve/worker.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SECOND_NS UINT64_C(1000000000)

/* How long SIGTERM waits for peers to take their last replies. */
#define STOP_GRACE_NS (2 * SECOND_NS)

/* Deadlines of connections and the stopping flag are looked at this often at least. Milliseconds. */
#define LOOP_NS_MAX      INT64_C(1000000000)
#define STOPPING_LOOP_NS INT64_C(10000000)

_Thread_local uint32_t service_worker;

static struct conn *conn_of(struct net_link *link)
{
	return (struct conn *)((char *)link - offsetof(struct conn, link));
}

/* Opens the connection, or refuses it with a line. */
static void admit(struct worker *worker, int descriptor, bool refused)
{
	if (!refused && conn_open(worker, descriptor) != NULL) {
		return;
	}
	static const char refusal[] = "-ERR max number of clients reached\r\n";
	count(&service_counters(worker->service)->rejected, 1);
	/* A fresh socket takes these few bytes or is gone; either way it is closed. */
	if (write(descriptor, refusal, sizeof refusal - 1) < 0) {
		log_line(LOG_DEBUG, "a refused connection was gone already", "");
	}
	close(descriptor);
}

/* Relaxed: a guess that may be off by the connections of the same instant. Of a worker that may not have started yet. */
static int64_t clients_of(const struct service *service, const struct worker *workers, uint32_t number)
{
	return atomic_load_explicit(&service->counters[number].clients, memory_order_relaxed) +
	       handoff_waiting(&workers[number].handoff);
}

static void on_accepted(void *context, int descriptor)
{
	struct worker *worker = context;
	const struct service *service = worker->service;
	uint32_t fewest = worker->number;
	int64_t least = clients_of(service, worker->workers, fewest);
	int64_t all = 0;
	for (uint32_t i = 0; i < service->worker_count; i++) {
		const int64_t clients = clients_of(service, worker->workers, i);
		all += clients;
		if (clients < least) {
			least = clients;
			fewest = i;
		}
	}
	const bool refused = all >= (int64_t)service->config->maxclients;
	struct worker *other = &worker->workers[fewest];
	if (!refused && other != worker && handoff_give(&other->handoff, descriptor)) {
		worker_wake(other);
		return;
	}
	admit(worker, descriptor, refused);
}

static void on_received(void *context, struct net_link *link, const uint8_t *bytes, size_t size)
{
	(void)context;
	conn_received(conn_of(link), (struct span){bytes, size});
}

static void on_sent(void *context, struct net_link *link)
{
	(void)context;
	conn_sent(conn_of(link));
}

static void on_broken(void *context, struct net_link *link)
{
	(void)context;
	conn_broken(conn_of(link));
}

static void on_closed(void *context, struct net_link *link)
{
	(void)context;
	conn_free(conn_of(link));
}

/* Worker 0: the log was opened and replayed; from here on it is this loop's. */
static void take_log(struct worker *worker)
{
	/* Acquire; pairs with worker_hand_over. */
	struct wal *wal = atomic_load_explicit(&worker->handover, memory_order_acquire);
	struct service *service = worker->service;
	if (wal == NULL || desk_wal(service->desk) != NULL) {
		return;
	}
	wal_adopt(wal, &worker->disk);
	atomic_store_explicit(&service->desk->wal, wal, memory_order_release); /* pairs with desk_wal */
	atomic_store_explicit(&service->loading, false, memory_order_release); /* pairs with command_execute */
	log_line(LOG_INFO, "ready", "last_lsn=%" PRIu64 " wal_engine=%s", wal_durable_lsn(wal), worker->disk.engine);
}

static void on_woken(void *context)
{
	struct worker *worker = context;
	worker->was_woken = true;
	if (worker->number == 0) {
		take_log(worker);
	}
	int descriptor;
	while (handoff_take(&worker->handoff, &descriptor)) {
		admit(worker, descriptor, false);
	}
}

void worker_advanced(void *context)
{
	struct worker *owner = context;
	struct wal *wal = atomic_load_explicit(&owner->handover, memory_order_relaxed); /* this thread's own by now */
	struct error error;
	if (wal_failed(wal, &error)) {
		/* I6: what was written is uncertain, and so is what was to be answered. Restart and replay are the repair. */
		log_line(LOG_ERROR, "the log failed, nothing more is acknowledged; restart replays what is durable",
			 "error=\"%s\"", error.text);
		for (uint32_t i = 1; i < owner->service->worker_count; i++) {
			worker_wake(&owner->workers[i]);
		}
		return;
	}
	/* The other half of wait_for_commit: durable_lsn was stored, then the flags are read. The fence forbids reading
	 * them first: or a worker could set its flag and read the old lsn, and be woken by nobody. */
	atomic_thread_fence(memory_order_seq_cst);
	for (uint32_t i = 1; i < owner->service->worker_count; i++) {
		struct worker *other = &owner->workers[i];
		/* Relaxed: ordered by the fence. */
		if (atomic_exchange_explicit(&other->waits, false, memory_order_relaxed)) {
			worker_wake(other);
		}
	}
}

void worker_appended(void *context)
{
	const struct worker *owner = context;
	if (service_worker != owner->number) {
		worker_wake(&owner->workers[owner->number]);
	}
}

/* Lets connections go on that waited for the log. */
static void attend_all(struct worker *worker)
{
	const struct wal *wal = desk_wal(worker->service->desk);
	const uint64_t durable_lsn = wal != NULL ? wal_durable_lsn(wal) : 0;
	const enum log_state state = log_state(wal);
	if (durable_lsn == worker->released_lsn && state == worker->log && !worker->was_woken) {
		return;
	}
	worker->released_lsn = durable_lsn;
	worker->log = state;
	worker->was_woken = false;
	for (struct conn *conn = worker->attention; conn != NULL;) {
		struct conn *next = conn->attention_next;
		conn_step(conn); /* may take conn, and only conn, off the list */
		conn = next;
	}
}

static void check_deadlines(struct worker *worker)
{
	if (worker->now_ns - worker->swept_ns < SECOND_NS) {
		return;
	}
	worker->swept_ns = worker->now_ns;
	for (struct conn *conn = worker->conns; conn != NULL; conn = conn->next) {
		conn_check_deadlines(conn); /* frees nothing: that is for a later on_closed */
	}
}

/* Stops listening, lets every connection finish what it waits for, then closes what is left. True when none is. */
static bool stop_connections(struct worker *worker)
{
	if (worker->stopping_ns == 0) {
		worker->stopping_ns = worker->now_ns;
		worker->net.stop_listening(worker->net.context);
	}
	const bool grace = worker->now_ns - worker->stopping_ns < STOP_GRACE_NS;
	for (struct conn *conn = worker->conns; conn != NULL; conn = conn->next) {
		if (grace) {
			conn_step(conn);
		} else {
			conn_close(conn);
		}
	}
	return worker->conns == NULL;
}

/* May worker 0 end? Only when no other worker appends any more, nobody reads the log beside them, and everything appended is
 * durable. */
static bool log_is_flushed(const struct worker *worker)
{
	for (uint32_t i = 1; i < worker->service->worker_count; i++) {
		/* Acquire; pairs with the release at the end of run. */
		if (!atomic_load_explicit(&worker->workers[i].ended, memory_order_acquire)) {
			return false;
		}
	}
	/* Acquire; pairs with service_stopped_reading. */
	if (atomic_load_explicit(&worker->service->log_readers, memory_order_acquire) > 0) {
		return false;
	}
	struct wal *wal = desk_wal(worker->service->desk);
	return wal == NULL || wal_finish(wal);
}

/* How long the loop may wait; with other workers, also the half of the handshake with worker_advanced that makes sure a
 * commit is not missed: the flag is set, then durable_lsn is read. */
static int64_t wait_for_commit(struct worker *worker)
{
	if (worker->has_tasks) {
		return 0;
	}
	if (worker->number != 0 && worker->attention != NULL) {
		/* Relaxed: ordered by the fence. */
		atomic_store_explicit(&worker->waits, true, memory_order_relaxed);
		atomic_thread_fence(memory_order_seq_cst);
		const struct wal *wal = desk_wal(worker->service->desk);
		if (wal != NULL && (wal_durable_lsn(wal) != worker->released_lsn || log_state(wal) != worker->log)) {
			return 0;
		}
	}
	if (worker->stopping_ns != 0 || worker->failed_ns != 0) {
		return STOPPING_LOOP_NS;
	}
	const uint64_t log_ns = worker->rest_ns > worker->now_ns ? worker->rest_ns - worker->now_ns : 0;
	const uint64_t due_ns = background_due(&worker->background, worker->now_ns);
	const uint64_t rest_ns = log_ns < due_ns ? log_ns : due_ns;
	return rest_ns < LOOP_NS_MAX ? (int64_t)rest_ns : LOOP_NS_MAX;
}

/* What the owner of the log does for it once a loop. */
static void tend_log(struct worker *worker)
{
	struct wal *wal = desk_wal(worker->service->desk);
	if (worker->number != 0 || wal == NULL) {
		return;
	}
	wal_pump(wal);
	worker->rest_ns = wal_rest(wal, worker->now_ns);
	log_state_tell(&worker->told, wal, worker->now_ns);
}

/* Worker 0: may it do something of its own accord? Not while the log is read, nor during an import. */
static bool serves(const struct worker *worker)
{
	/* Acquire; pairs with take_log and the end of an import. */
	return worker->number == 0 && worker->stopping_ns == 0 &&
	       !atomic_load_explicit(&worker->service->loading, memory_order_acquire);
}

/* Worker 0: once a second the holds that are over, in slices between the requests. */
static void tend_holds(struct worker *worker)
{
	struct desk *desk = worker->service->desk;
	worker->has_tasks = false;
	if (!serves(worker) || worker->now_ns - worker->holds_ns < SECOND_NS) {
		return;
	}
	worker->has_tasks = desk_sweep_holds(desk); /* there may be more */
	if (!worker->has_tasks) {
		worker->holds_ns = worker->now_ns;
	}
}

/* Worker 0: are weekly hours to be carried out? They have their turns with what else can wait. */
static void tend_hours(struct worker *worker)
{
	const struct service *service = worker->service;
	struct background *background = &worker->background;
	background->hours = serves(worker) && service->availability != NULL &&
			    availability_has_work(service->availability, worker->now_ns);
}

static void loop(struct worker *worker)
{
	const struct service *service = worker->service;
	bool connections_done = false;
	while (!connections_done || (worker->number == 0 && !log_is_flushed(worker))) {
		import_look(worker->service);
		worker->net.wait(worker->net.context, wait_for_commit(worker));
		worker->now_ns = clock_monotonic_ns(service->clock);
		attend_all(worker);
		tend_hours(worker);
		background_run(worker);
		tend_holds(worker);
		tend_log(worker);
		last_words(worker);
		check_deadlines(worker);
		/* Relaxed: the wake that follows the store makes the loop turn. */
		if (atomic_load_explicit(&service->stopping, memory_order_relaxed)) {
			connections_done = stop_connections(worker);
		}
	}
}

/* How a thread tells the one that starts it. */
struct worker_start {
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	bool done;
	bool ok;
	struct error *error;
};

static void report_start(struct worker *worker, bool ok)
{
	struct worker_start *start = worker->start;
	worker->start = NULL;
	pthread_mutex_lock(&start->mutex);
	start->done = true;
	start->ok = ok;
	pthread_cond_signal(&start->changed);
	pthread_mutex_unlock(&start->mutex);
}

/* The ports are closed by the thread that opened them, as a ring must be; nobody wakes this loop from then on. */
static void end(struct worker *worker)
{
	struct wal *wal = desk_wal(worker->service->desk);
	if (worker->number == 0 && wal != NULL) {
		wal_close(wal); /* no other worker is left: log_is_flushed */
	}
	handoff_close(&worker->handoff);
	lock_take(&worker->wake_lock);
	worker->wakeable = false;
	lock_give(&worker->wake_lock);
	ports_close(worker->ports);
	worker->ports = NULL;
	ahead_fini(&worker->ahead);
}

static void *run(void *argument)
{
	struct worker *worker = argument;
	service_worker = worker->number;
	worker->now_ns = clock_monotonic_ns(worker->service->clock);
	worker->swept_ns = worker->now_ns;
	worker->rest_ns = WAL_NEVER;
	const struct net_events events = {
	    .context = worker,
	    .accepted = on_accepted,
	    .received = on_received,
	    .sent = on_sent,
	    .broken = on_broken,
	    .closed = on_closed,
	    .woken = on_woken,
	};
	worker->ports = ports_open(worker->rings, worker->number == 0 ? worker->service->config->dir : NULL,
				   worker->lock, &events, &worker->net, &worker->disk, worker->start->error);
	if (worker->ports == NULL) {
		report_start(worker, false);
		return NULL;
	}
	for (uint32_t i = 0; i < worker->listener_count; i++) {
		worker->net.listen(worker->net.context, worker->listeners[i]);
	}
	lock_take(&worker->wake_lock);
	worker->wakeable = true;
	lock_give(&worker->wake_lock);
	handoff_open(&worker->handoff);
	report_start(worker, true);
	loop(worker);
	atomic_store_explicit(&worker->ended, true, memory_order_release); /* pairs with log_is_flushed */
	if (worker->number != 0) {
		worker_wake(&worker->workers[0]);
	}
	end(worker);
	return NULL;
}

bool worker_start(struct worker *worker, struct error *error)
{
	struct worker_start start = {
	    .mutex = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER, .error = error};
	worker->start = &start;
	lock_init(&worker->wake_lock);
	const int refused = pthread_create(&worker->thread, NULL, run, worker);
	if (refused != 0) {
		return error_errno(error, refused, "cannot start worker %" PRIu32, worker->number);
	}
	pthread_mutex_lock(&start.mutex);
	while (!start.done) {
		pthread_cond_wait(&start.changed, &start.mutex);
	}
	pthread_mutex_unlock(&start.mutex);
	return start.ok;
}

void worker_join(struct worker *worker)
{
	pthread_join(worker->thread, NULL);
}

void worker_wake(struct worker *worker)
{
	lock_take(&worker->wake_lock);
	if (worker->wakeable) {
		worker->net.wake(worker->net.context);
	}
	lock_give(&worker->wake_lock);
}

void worker_hand_over(struct worker *worker, struct wal *wal)
{
	CHECK(worker->number == 0);
	atomic_store_explicit(&worker->handover, wal, memory_order_release); /* pairs with take_log */
	worker_wake(worker);
}
