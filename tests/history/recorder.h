/*
 * recorder: clients that ask a server at random, each in a thread of its own, and write down every question, every answer,
 * and when.
 *
 * A client sends a burst of requests and reads its answers; then the next burst. It ends after so many, or when the server
 * is gone; then the last burst has operations without an answer. It may go on later, with a new connection.
 *
 * Threads: started and joined by one.
 */
#pragma once

#include <drive/connection.h>
#include <history/draw.h>
#include <pthread.h>

#define RECORDER_CLIENTS 16

struct recorder;

struct recorder_client {
	pthread_t thread;
	struct recorder *recorder;
	uint32_t number;
	struct draw draw;
	struct connection connection;
	struct buffer request;
	/* what was recorded; read by the owner when the thread has ended */
	struct op *ops;
	uint64_t count;
	uint64_t capacity;
	struct buffer replies;
};

/* Asks what the ops say, sets their stamps, and adds the replies to client->replies as reply_read does. False: the server is
 * gone, and the ops that are not `answered` have no answer. */
typedef bool recorder_ask_f(struct recorder_client *client, struct op *ops, uint32_t count);

struct recorder {
	/* the owner's, unchanged while clients run */
	const struct agenda *agenda;
	recorder_ask_f *ask;
	void *context;      /* of `ask` */
	uint64_t second_ns; /* how long a second of a hold is, there */
	uint32_t burst_max;
	uint64_t ops_each; /* of this start */
	struct draw_pool pool;
	/* relaxed: only watched for growing */
	_Atomic uint64_t answered;
	struct recorder_client clients[RECORDER_CLIENTS];
};

/* All but the owner's fields. What clients draw follows from the seed. */
void recorder_init(struct recorder *recorder, const struct draw_mix *mix, uint64_t seed);
void recorder_fini(struct recorder *recorder);
/* Each client asks so many more; or until the server is gone. */
void recorder_start(struct recorder *recorder, uint64_t ops_each);
void recorder_join(struct recorder *recorder);
/* What was recorded is dropped; numbers go on. */
void recorder_forget(struct recorder *recorder);

/* One more op by the first client, while no thread runs. False: no answer. */
bool recorder_ask_one(struct recorder *recorder, const struct op *op);

static inline struct span recorder_reply(const struct recorder_client *client, const struct op *op)
{
	return (struct span){client->replies.at + op->reply_at, op->answered ? op->reply_size : 0};
}

/* `context` is a struct server; over a connection that is opened when there is none. */
bool recorder_ask_server(struct recorder_client *client, struct op *ops, uint32_t count);
uint64_t recorder_now_ns(void);
