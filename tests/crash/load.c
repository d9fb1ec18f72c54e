/*
 * load: see load.h.
 */
#include "load.h"
#include <base/hash.h>
#include <drive/connection.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* The next random number of a client: a function of seed, client and step, so that a seed repeats it. */
static uint64_t client_random(struct load_client *client)
{
	return hash_u64(client->step++, hash_u64((uint64_t)client->number, client->load->seed));
}

void load_format_slot(uint32_t slot, char *text, size_t size)
{
	snprintf(text, size, "dr-crash 2031-01-%02" PRIu32 " %02" PRIu32 ":00", 1 + slot / 24, slot % 24);
}

struct request {
	struct ledger_entry entry;
	bool claims; /* CLAIM instead of BOOK */
};

static void request_write(const struct request *request, struct buffer *bytes)
{
	const struct ledger_entry *entry = &request->entry;
	char place[64];
	if (entry->verb == LEDGER_CANCEL) {
		buffer_format(bytes, "CANCEL %" PRIu64 "\r\n", entry->id);
	} else {
		load_format_slot(entry->slot, place, sizeof place);
		buffer_format(bytes, "%s %s client-%d\r\n", request->claims ? "CLAIM" : "BOOK", place, entry->client);
	}
}

static bool begins(struct span line, const char *text)
{
	return line.size >= strlen(text) && memcmp(line.at, text, strlen(text)) == 0;
}

/* Writes the answer down. False: it is none. */
static bool request_answered(const struct request *request, struct ledger *ledger, struct span line)
{
	const struct ledger_entry *entry = &request->entry;
	uint64_t number;
	const bool is_number = line.size > 0 && line.at[0] == ':' &&
			       span_number((struct span){line.at + 1, line.size - 1}, INT64_MAX, &number);
	if (entry->verb == LEDGER_CANCEL && span_equal(line, span_of("+OK"))) {
		ledger_cancelled(ledger, entry);
	} else if (entry->verb == LEDGER_BOOK && is_number && request->claims && number <= 1) {
		number == 1 ? ledger_won(ledger, entry, 0) : ledger_taken(ledger, entry);
	} else if (entry->verb == LEDGER_BOOK && is_number && !request->claims && number > 0) {
		ledger_won(ledger, entry, number);
	} else if (entry->verb == LEDGER_BOOK && begins(line, "-TAKEN ")) {
		ledger_taken(ledger, entry);
	} else if (begins(line, "-MISCONF The disk of the log does not answer")) {
		ledger_refused(ledger, entry);
	} else {
		return false;
	}
	return true;
}

static void client_complain(struct load_client *client, const struct request *request, struct span line)
{
	struct buffer text = {0};
	request_write(request, &text);
	atomic_fetch_add_explicit(&client->load->broken, 1, memory_order_relaxed);
	printf("to %.*s: %.*s\n", (int)(text.size - 2), (const char *)text.at, (int)line.size, (const char *)line.at);
	buffer_fini(&text);
}

/* A burst for different slots: a client asks nothing new of a slot before it has its answer. */
static uint32_t client_ask(struct load_client *client, struct request *requests, struct buffer *bytes)
{
	const uint64_t dice = client_random(client);
	const uint32_t count = 1 + (uint32_t)(dice >> 40) % LOAD_BURST_MAX;
	const uint32_t stride = (uint32_t)(dice >> 16) | 1; /* odd: comes to each slot once before it repeats */
	bytes->size = 0;
	for (uint32_t i = 0; i < count; i++) {
		const uint64_t way = client_random(client);
		const uint32_t slot = ((uint32_t)dice + i * stride) % LEDGER_SLOTS;
		const bool gives_up = way % 4 != 0;
		requests[i] = (struct request){
		    .entry = ledger_ask(client->load->ledger, slot, client->number, gives_up),
		    .claims = (way >> 8) % 4 == 0,
		};
		request_write(&requests[i], bytes);
	}
	return count;
}

/* Asks a burst of questions and writes the answers down. False: the connection is gone. */
static bool client_burst(struct load_client *client, struct connection *connection, struct buffer *bytes)
{
	struct request requests[LOAD_BURST_MAX];
	const uint32_t count = client_ask(client, requests, bytes);
	if (!connection_send(connection, (struct span){bytes->at, bytes->size}, NULL)) {
		return false;
	}
	bool failed = false;
	for (uint32_t i = 0; i < count; i++) {
		struct span line;
		const enum connection_result result = connection_line(connection, &line);
		if (result == CONNECTION_SILENT) {
			client_complain(client, &requests[i], span_of("no answer in time"));
		}
		if (result != CONNECTION_LINE) {
			return false;
		}
		if (begins(line, "-MISCONF The log failed")) {
			/* Of the rest of the burst it may not be known either, and none of it may be acknowledged [I6]. */
			atomic_fetch_add_explicit(&client->load->unknown, 1, memory_order_relaxed);
			failed = true;
			continue;
		}
		if (failed || !request_answered(&requests[i], client->load->ledger, line)) {
			client_complain(client, &requests[i], line);
			return false;
		}
	}
	return !failed;
}

static void *client_main(void *context)
{
	struct load_client *client = context;
	struct connection connection;
	struct buffer bytes = {0};
	if (connection_open(&connection, client->load->server->port, NULL)) {
		while (client_burst(client, &connection, &bytes)) {
		}
		connection_close(&connection);
	}
	buffer_fini(&bytes);
	return NULL;
}

static void *photographer_main(void *context)
{
	struct load *load = context;
	struct connection connection;
	struct span line;
	bool goes_on = connection_open(&connection, load->server->port, NULL);
	while (goes_on) {
		goes_on = connection_send(&connection, span_of("SNAPSHOT\r\n"), NULL) &&
			  connection_line(&connection, &line) == CONNECTION_LINE && span_equal(line, span_of("+OK"));
		if (goes_on) {
			atomic_fetch_add_explicit(&load->snapshots, 1, memory_order_relaxed);
		}
	}
	connection_close(&connection);
	return NULL;
}

static void start_thread(pthread_t *thread, void *(*main)(void *), void *context)
{
	if (pthread_create(thread, NULL, main, context) != 0) {
		perror("pthread_create");
		exit(1);
	}
}

void load_start(struct load *load, uint64_t seed)
{
	load->seed = seed;
	for (int i = 0; i < LOAD_CLIENTS; i++) {
		struct load_client *client = &load->clients[i];
		*client = (struct load_client){.load = load, .number = i};
		start_thread(&client->thread, client_main, client);
	}
	load->has_photographer = seed / 2 % 2 != 0;
	if (load->has_photographer) {
		start_thread(&load->photographer, photographer_main, load);
	}
}

void load_join(struct load *load)
{
	for (int i = 0; i < LOAD_CLIENTS; i++) {
		pthread_join(load->clients[i].thread, NULL);
	}
	if (load->has_photographer) {
		pthread_join(load->photographer, NULL);
	}
}
