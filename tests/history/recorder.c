/*
 * recorder: see recorder.h.
 */
#include <base/check.h>
#include <base/clock.h>
#include <base/hash.h>
#include <drive/server.h>
#include <history/answer.h>
#include <history/recorder.h>
#include <history/reply.h>
#include <model/random.h>
#include <stdio.h>
#include <stdlib.h>

uint64_t recorder_now_ns(void)
{
	const struct clock clock = clock_real();
	return clock_monotonic_ns(&clock);
}

void recorder_init(struct recorder *recorder, const struct draw_mix *mix, uint64_t seed)
{
	memset(&recorder->pool, 0, sizeof recorder->pool);
	for (uint32_t i = 0; i < RECORDER_CLIENTS; i++) {
		recorder->clients[i] = (struct recorder_client){
		    .recorder = recorder,
		    .number = i,
		    .connection.fd = -1,
		    .draw =
			{
			    .mix = mix,
			    .agenda = recorder->agenda,
			    .pool = &recorder->pool,
			    .random = hash_u64(i, seed),
			    .number = 1 + i,
			    .number_step = RECORDER_CLIENTS,
			},
		};
	}
}

void recorder_fini(struct recorder *recorder)
{
	for (uint32_t i = 0; i < RECORDER_CLIENTS; i++) {
		connection_close(&recorder->clients[i].connection);
		buffer_fini(&recorder->clients[i].request);
		buffer_fini(&recorder->clients[i].replies);
		free(recorder->clients[i].ops);
	}
}

void recorder_forget(struct recorder *recorder)
{
	for (uint32_t i = 0; i < RECORDER_CLIENTS; i++) {
		recorder->clients[i].count = 0;
		recorder->clients[i].replies.size = 0;
	}
}

bool recorder_ask_server(struct recorder_client *client, struct op *ops, uint32_t count)
{
	const struct server *server = client->recorder->context;
	struct connection *connection = &client->connection;
	client->request.size = 0;
	for (uint32_t i = 0; i < count; i++) {
		op_write(&ops[i], client->recorder->agenda, &client->request);
	}
	const uint64_t now_ns = recorder_now_ns();
	for (uint32_t i = 0; i < count; i++) {
		ops[i].invoked_ns = now_ns;
	}
	bool good = connection->fd >= 0 || connection_open(connection, server->port, NULL);
	good = good && connection_send(connection, (struct span){client->request.at, client->request.size}, NULL);
	for (uint32_t i = 0; i < count && good; i++) {
		ops[i].reply_at = client->replies.size;
		for (uint32_t left = op_replies(&ops[i]); left > 0 && good; left--) {
			good = reply_read(connection, &client->replies);
		}
		ops[i].reply_size = client->replies.size - ops[i].reply_at;
		ops[i].returned_ns = recorder_now_ns();
		ops[i].answered = good;
	}
	if (!good) {
		connection_close(connection);
	}
	return good;
}

/* A reader was told of a session. */
static void note_look(struct recorder_client *client, const struct op *op)
{
	struct answer_slot slot;
	if (op->verb == OP_SLOT && answer_slot(recorder_reply(client, op), &slot) &&
	    (slot.status == ANSWER_SLOT_BOOKED ||
	     (slot.status == ANSWER_SLOT_HELD && !draw_is_lone(op->parts[0].slot)))) {
		draw_told(&client->draw, op, slot.session);
	}
}

/* What it was told goes to the others, but for lone holds. */
static void note_sessions(struct recorder_client *client, const struct op *op)
{
	if (!op->answered || op->client < DRAW_LONE_CLIENTS) {
		return;
	}
	if (op->verb > OP_EXEC) {
		note_look(client, op);
		return;
	}
	const struct answer answer = answer_read(op, client->recorder->agenda, recorder_reply(client, op));
	const bool done = answer.code == ANSWER_DONE;
	if ((answer.code == ANSWER_EXPIRED || (op->verb == OP_CANCEL && done)) && op->verb != OP_EXEC) {
		draw_ended(&client->draw, op);
	}
	if ((op->verb == OP_COMPLETE || op->verb == OP_NOSHOW) && done) {
		draw_told(&client->draw, op, op->parts[0].session);
	}
	for (uint32_t i = 0; i < op->part_count && done; i++) {
		if (answer.sessions[i] != 0) {
			draw_told(&client->draw, op, answer.sessions[i]);
		}
	}
}

static void reserve(struct recorder_client *client, uint64_t count)
{
	if (client->count + count > client->capacity) {
		client->capacity = client->count + count;
		client->ops = realloc(client->ops, client->capacity * sizeof *client->ops);
		CHECK(client->ops != NULL);
	}
}

static bool ask_some(struct recorder_client *client, uint32_t count)
{
	struct op *ops = &client->ops[client->count];
	client->count += count;
	const bool good = client->recorder->ask(client, ops, count);
	uint32_t answered = 0;
	for (uint32_t i = 0; i < count; i++) {
		note_sessions(client, &ops[i]);
		answered += ops[i].answered;
	}
	atomic_fetch_add_explicit(&client->recorder->answered, answered, memory_order_relaxed);
	return good;
}

bool recorder_ask_one(struct recorder *recorder, const struct op *op)
{
	struct recorder_client *client = &recorder->clients[0];
	reserve(client, 1);
	client->ops[client->count] = *op;
	client->ops[client->count].number = client->draw.number;
	client->draw.number += client->draw.number_step;
	return ask_some(client, 1);
}

static void *client_main(void *context)
{
	struct recorder_client *client = context;
	uint64_t left = client->recorder->ops_each;
	bool good = true;
	while (left > 0 && good) {
		uint32_t count = 1 + (uint32_t)(random_next(&client->draw.random) % client->recorder->burst_max);
		count = count < left ? count : (uint32_t)left;
		for (uint32_t i = 0; i < count; i++) {
			client->ops[client->count + i] = draw_op(&client->draw);
		}
		good = ask_some(client, count);
		left -= count;
	}
	return NULL;
}

void recorder_start(struct recorder *recorder, uint64_t ops_each)
{
	recorder->ops_each = ops_each;
	for (uint32_t i = 0; i < RECORDER_CLIENTS; i++) {
		struct recorder_client *client = &recorder->clients[i];
		reserve(client, ops_each);
		if (pthread_create(&client->thread, NULL, client_main, client) != 0) {
			perror("pthread_create");
			exit(1);
		}
	}
}

void recorder_join(struct recorder *recorder)
{
	for (uint32_t i = 0; i < RECORDER_CLIENTS; i++) {
		pthread_join(recorder->clients[i].thread, NULL);
		connection_close(&recorder->clients[i].connection);
	}
}
