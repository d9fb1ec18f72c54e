/*
 * conn: see the header for when a connection executes and when it does not.
 */
#include <base/check.h>
#include <inttypes.h>
#include <io/listen.h>
#include <serve/command.h>
#include <serve/conn.h>
#include <serve/desk.h>
#include <serve/import.h>
#include <serve/worker.h>
#include <stdlib.h>

/* How long a peer that lost its frame may go on sending before it is cut off. */
#define LINGER_S 2

static void attend(struct conn *conn, bool wanted)
{
	struct worker *worker = conn->worker;
	if (wanted == conn->attended) {
		return;
	}
	conn->attended = wanted;
	if (wanted) {
		conn->attention_next = worker->attention;
		conn->attention_previous = NULL;
		if (worker->attention != NULL) {
			worker->attention->attention_previous = conn;
		}
		worker->attention = conn;
		return;
	}
	if (conn->attention_next != NULL) {
		conn->attention_next->attention_previous = conn->attention_previous;
	}
	if (conn->attention_previous != NULL) {
		conn->attention_previous->attention_next = conn->attention_next;
	} else {
		worker->attention = conn->attention_next;
	}
}

static void link_to_worker(struct conn *conn)
{
	struct worker *worker = conn->worker;
	conn->next = worker->conns;
	if (conn->next != NULL) {
		conn->next->previous = conn;
	}
	worker->conns = conn;
	struct client **clients = &worker->service->clients[worker->number];
	conn->client.next = *clients;
	if (*clients != NULL) {
		(*clients)->previous = &conn->client;
	}
	*clients = &conn->client;
}

static void unlink_from_worker(struct conn *conn)
{
	struct worker *worker = conn->worker;
	if (conn->next != NULL) {
		conn->next->previous = conn->previous;
	}
	*(conn->previous != NULL ? &conn->previous->next : &worker->conns) = conn->next;
	struct client *client = &conn->client;
	if (client->next != NULL) {
		client->next->previous = client->previous;
	}
	*(client->previous != NULL ? &client->previous->next : &worker->service->clients[worker->number]) =
	    client->next;
}

struct conn *conn_open(struct worker *worker, int descriptor)
{
	struct service *service = worker->service;
	struct conn *conn = calloc(1, sizeof *conn);
	if (conn == NULL) {
		return NULL;
	}
	conn->worker = worker;
	conn->active_ns = worker->now_ns;
	struct client *client = &conn->client;
	/* Relaxed: the id only has to be unique. */
	client->id = 1 + atomic_fetch_add_explicit(&service->next_client_id, 1, memory_order_relaxed);
	client->protocol = 2;
	client->created_ms = clock_wall_ms(service->clock);
	client->last_ms = client->created_ms;
	net_peer_address(descriptor, client->address, sizeof client->address);
	net_local_address(descriptor, client->local_address, sizeof client->local_address);
	link_to_worker(conn);
	count(&service_counters(service)->connections, 1);
	count(&service_counters(service)->clients, 1);
	worker->net.attach(worker->net.context, &conn->link, descriptor);
	return conn;
}

void conn_free(struct conn *conn)
{
	CHECK(conn->closing);
	count(&service_counters(conn->worker->service)->clients, -1);
	attend(conn, false);
	unlink_from_worker(conn);
	request_fini(&conn->request);
	buffer_fini(&conn->input);
	gate_fini(&conn->gate);
	background_remove(&conn->worker->background, conn);
	if (conn->client.task != NULL && conn->client.task_abandoned != NULL) {
		conn->client.task_abandoned(conn->worker->service, conn->client.task_state);
	}
	free(conn->client.task_state);
	multi_end(&conn->client.multi);
	if (conn->client.imports) {
		import_break(conn->worker->service, "its connection ended");
	}
	free(conn);
}

void conn_close(struct conn *conn)
{
	if (!conn->closing) {
		conn->closing = true;
		attend(conn, false);
		conn->worker->net.close(conn->worker->net.context, &conn->link);
	}
}

/* Must it wait for the log? What is refused instead, the client's state says. Asked once a request, since others take room at
 * the same time [I5]. */
static bool waits_for_log(struct conn *conn)
{
	conn->client.log = log_state(desk_wal(conn->worker->service->desk));
	return conn->client.log == LOG_STATE_BUSY;
}

/* Must it wait before executing another request? See the header for why. */
static bool blocked(struct conn *conn)
{
	const struct service *service = conn->worker->service;
	/* Relaxed: seen a loop later at the latest, and nothing else hangs on it. */
	return conn->client.task != NULL || conn->queued || conn->client.close_asked || conn->broken || conn->closing ||
	       gate_bytes(&conn->gate) > service->config->output_limit || waits_for_log(conn) ||
	       atomic_load_explicit(&service->stopping, memory_order_relaxed);
}

/* Queues it for a turn, in the class of its last command. */
static void wait_for_turn(struct conn *conn)
{
	const enum command_class class = conn->client.last_command->class;
	background_add(&conn->worker->background, conn,
		       class == COMMAND_HOURS  ? BACKGROUND_HOURS
		       : class == COMMAND_SYNC ? BACKGROUND_SYNC
					       : BACKGROUND_READ);
}

/* Executes requests from the start of `bytes` until none is whole or the connection must wait. Returns how many bytes are
 * done with. */
static size_t execute(struct conn *conn, struct span bytes)
{
	struct service *service = conn->worker->service;
	struct ahead *ahead = &conn->worker->ahead;
	struct reply reply = {&conn->gate.waiting, conn->client.protocol};
	uint64_t lsn = 0;
	uint32_t replies = 0;
	size_t done = 0;
	clock_stand();
	while (done < bytes.size && !blocked(conn)) {
		const struct request *request;
		size_t used = 0;
		const char *refusal = NULL;
		const struct span rest = {bytes.at + done, bytes.size - done};
		const enum request_result result =
		    ahead_cut(ahead, service, &conn->request, rest, &request, &used, &refusal);
		done += used;
		if (result == REQUEST_INCOMPLETE) {
			break;
		}
		conn->request_since_ns = 0;
		if (result == REQUEST_READY) {
			struct client *client = &conn->client;
			reply.protocol = client->protocol;
			client->postpones = !background_has_turn(conn->worker, conn);
			const uint64_t needs = command_execute(service, client, request, &reply);
			if (client->postponed) {
				done -= used;
				wait_for_turn(conn);
				break;
			}
			lsn = needs > lsn ? needs : lsn;
			replies += client->task == NULL;
			conn->broken = client->cut_asked;
		} else if (result != REQUEST_EMPTY) {
			reply_error(&reply, "%s", refusal);
			conn->client.multi.broken = true; /* as for any request that is refused, if there is a MULTI */
			count(&service_counters(service)->errors, 1);
			replies++;
			conn->broken = result == REQUEST_BROKEN;
		}
	}
	ahead_forget(ahead);
	clock_go_on();
	gate_mark(&conn->gate, lsn, replies);
	background_note(conn->worker, conn, replies);
	return done;
}

/* Goes on with a request that takes several loops. */
static void continue_task(struct conn *conn)
{
	struct reply reply = {&conn->gate.waiting, conn->client.protocol};
	uint64_t lsn = 0;
	if (conn->client.task(conn->worker->service, &conn->client, &reply, &lsn)) {
		CHECK(conn->client.task == NULL);
		gate_mark(&conn->gate, lsn, 1);
		conn->broken |= conn->client.cut_asked;
	}
}

/* I6: what waits for the log will not come, nor what a request that goes on would say. Each gets the error line instead, so
 * that the peer knows which outcomes it does not know. */
static void refuse_what_waits(struct conn *conn, const struct wal *wal)
{
	struct client *client = &conn->client;
	struct buffer line = {0};
	struct reply reply = {&line, client->protocol};
	reply_error(&reply, "%s", log_state_refusal(LOG_STATE_FAILED));
	gate_fail(&conn->gate, wal_durable_lsn(wal), (struct span){line.at, line.size});
	if (client->task != NULL) {
		buffer_add(&conn->gate.waiting, line.at, line.size);
		gate_mark(&conn->gate, 0, 1);
		free(client->task_state);
		client->task = NULL;
		client->task_state = NULL;
		client->task_waits = false;
	}
	buffer_fini(&line);
}

static void execute_input(struct conn *conn)
{
	struct buffer *input = &conn->input;
	const struct span rest = {input->at + conn->input_used, input->size - conn->input_used};
	if (rest.size > 0) {
		conn->input_used += execute(conn, rest);
	}
	if (conn->input_used == input->size) {
		buffer_empty(input);
		conn->input_used = 0;
	} else if (conn->input_used > input->size / 2) {
		buffer_drop(input, conn->input_used);
		conn->input_used = 0;
	}
}

static void release(struct conn *conn)
{
	struct worker *worker = conn->worker;
	const struct wal *wal = desk_wal(worker->service->desk);
	const uint64_t durable_lsn = wal != NULL ? wal_durable_lsn(wal) : 0;
	if (!conn->sending && gate_release(&conn->gate, durable_lsn)) {
		const struct buffer *leaving = &conn->gate.leaving;
		conn->sending = true;
		count(&service_counters(worker->service)->output_bytes, (int64_t)leaving->size);
		worker->net.send(worker->net.context, &conn->link, leaving->at, leaving->size);
	}
}

/* It waits for a turn, which is near: not worth stopping and starting the port for, while little piles up. */
static bool waits_briefly(const struct conn *conn)
{
	return conn->queued && conn->input.size - conn->input_used < WIDE_LINE_SIZE_MAX;
}

static void set_paused(struct conn *conn, bool paused)
{
	if (paused != conn->paused) {
		conn->paused = paused;
		struct net *net = &conn->worker->net;
		(paused ? net->pause : net->resume)(net->context, &conn->link);
	}
}

/* Everything it asked for is answered and sent, and nothing more will come or be executed. */
static bool finished(const struct conn *conn, bool held_back)
{
	if (conn->client.task != NULL || !gate_empty(&conn->gate)) {
		return false;
	}
	/* Relaxed: as in blocked. */
	return conn->client.close_asked || conn->broken || (conn->peer_done && !held_back) ||
	       atomic_load_explicit(&conn->worker->service->stopping, memory_order_relaxed);
}

/* Closes it. Where the stream lost its frame the peer may still be sending, and closing a socket with unread bytes would
 * throw away the error line on its way to the peer: so those are received and dropped for a while. */
static void end(struct conn *conn)
{
	/* Relaxed: as in blocked. */
	const bool stopping = atomic_load_explicit(&conn->worker->service->stopping, memory_order_relaxed);
	if (!conn->broken || conn->peer_done || stopping) {
		conn_close(conn);
		return;
	}
	if (!conn->lingering) {
		conn->lingering = true;
		conn->active_ns = conn->worker->now_ns;
		attend(conn, false);
		conn->worker->net.finish(conn->worker->net.context, &conn->link);
		set_paused(conn, false);
	}
}

void conn_step(struct conn *conn)
{
	if (conn->closing) {
		return;
	}
	if (conn->lingering) {
		end(conn);
		return;
	}
	const struct wal *wal = desk_wal(conn->worker->service->desk);
	if (log_state(wal) == LOG_STATE_FAILED) {
		refuse_what_waits(conn, wal);
	} else if (conn->client.task != NULL && conn->client.task_waits) {
		continue_task(conn);
	}
	execute_input(conn);
	release(conn);
	const bool held_back = blocked(conn);
	if (finished(conn, held_back)) {
		end(conn);
		return;
	}
	if (conn->client.task != NULL && !conn->client.task_waits) {
		wait_for_turn(conn);
	}
	if (!conn->peer_done) {
		set_paused(conn, held_back && !waits_briefly(conn));
	}
	attend(conn, held_back || conn->gate.mark_count > 0);
}

void conn_go_on(struct conn *conn)
{
	/* What is left of the request counts as the slice that was granted. */
	if (!conn->closing && conn->client.task != NULL && background_has_turn(conn->worker, conn) &&
	    log_state(desk_wal(conn->worker->service->desk)) != LOG_STATE_FAILED) {
		continue_task(conn);
	}
	conn_step(conn);
}

/* Half a request has begun, or is still the same, or there is none. */
static void note_half_request(struct conn *conn)
{
	const bool half = conn->input.size > conn->input_used || conn->request.state != REQUEST_AT_START;
	if (!half) {
		conn->request_since_ns = 0;
	} else if (conn->request_since_ns == 0) {
		conn->request_since_ns = conn->worker->now_ns;
	}
}

void conn_received(struct conn *conn, struct span bytes)
{
	if (conn->closing) {
		return;
	}
	if (conn->broken) {
		conn->peer_done |= bytes.size == 0;
		conn_step(conn);
		return;
	}
	count(&service_counters(conn->worker->service)->input_bytes, (int64_t)bytes.size);
	conn->active_ns = conn->worker->now_ns;
	conn->peer_done = bytes.size == 0;
	size_t done = 0;
	if (conn->input.size == 0) {
		done = execute(conn, bytes); /* in place, without a copy */
	}
	if (done < bytes.size) {
		buffer_add(&conn->input, bytes.at + done, bytes.size - done);
	}
	conn_step(conn);
	note_half_request(conn);
}

void conn_sent(struct conn *conn)
{
	conn->sending = false;
	gate_sent(&conn->gate);
	conn_step(conn);
}

void conn_broken(struct conn *conn)
{
	conn_close(conn);
}

void conn_check_deadlines(struct conn *conn)
{
	const struct config *config = conn->worker->service->config;
	const uint64_t now_ns = conn->worker->now_ns;
	const uint64_t second_ns = UINT64_C(1000000000);
	if (conn->closing || conn->paused || conn->queued) {
		return;
	}
	if (conn->lingering) {
		if (now_ns - conn->active_ns > LINGER_S * second_ns) {
			conn_close(conn);
		}
		return;
	}
	if (config->request_timeout > 0 && conn->request_since_ns > 0 &&
	    now_ns - conn->request_since_ns > config->request_timeout * second_ns) {
		struct reply reply = {&conn->gate.waiting, conn->client.protocol};
		reply_error(&reply, "ERR half a request for %" PRIu32 " seconds (request-timeout), closing",
			    config->request_timeout);
		gate_mark(&conn->gate, 0, 1);
		conn->broken = true;
		conn_step(conn);
	} else if (config->timeout > 0 && now_ns - conn->active_ns > config->timeout * second_ns) {
		conn_close(conn);
	}
}
