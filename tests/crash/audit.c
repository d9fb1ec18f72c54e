/*
 * audit: see audit.h. Each of the three questions is sent for all slots at once, so that an audit takes three round trips.
 */
#include "audit.h"
#include "load.h"
#include <drive/connection.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

struct slot_answer {
	int client;  /* or LEDGER_NOBODY */
	uint64_t id; /* 0: nobody has it */
};

/* Reads a map and returns the value of one of its names, "" if it has none. False: no such answer. Values are read as
 * the lines they are framed in: an integer without its ':', the bytes of a bulk string. */
static bool read_field(struct connection *connection, const char *name, char *value, size_t size)
{
	struct span line;
	uint64_t words;
	*value = '\0';
	if (connection_line(connection, &line) != CONNECTION_LINE || line.size < 2 || line.at[0] != '*' ||
	    !span_number((struct span){line.at + 1, line.size - 1}, 64, &words)) {
		return false;
	}
	bool found = false;
	for (uint64_t i = 0; i < words; i++) {
		if (connection_line(connection, &line) != CONNECTION_LINE || line.size == 0) {
			return false;
		}
		if (line.at[0] == '$' && connection_line(connection, &line) != CONNECTION_LINE) {
			return false;
		}
		if (i % 2 == 1 && found) {
			const size_t skip = line.at[0] == ':';
			snprintf(value, size, "%.*s", (int)(line.size - skip), (const char *)line.at + skip);
		}
		found = i % 2 == 0 && span_equal(line, span_of(name));
	}
	return true;
}

static bool send_all(struct connection *connection, struct buffer *bytes)
{
	const bool sent = connection_send(connection, (struct span){bytes->at, bytes->size}, NULL);
	bytes->size = 0;
	return sent;
}

static bool ask_sessions(struct connection *connection, struct buffer *bytes, struct slot_answer *answers)
{
	char text[80];
	for (uint32_t slot = 0; slot < LEDGER_SLOTS; slot++) {
		load_format_slot(slot, text, sizeof text);
		buffer_format(bytes, "SLOT %s\r\n", text);
	}
	bool ok = send_all(connection, bytes);
	for (uint32_t slot = 0; ok && slot < LEDGER_SLOTS; slot++) {
		ok = read_field(connection, "session", text, sizeof text);
		answers[slot] = (struct slot_answer){.client = LEDGER_NOBODY, .id = strtoull(text, NULL, 10)};
	}
	return ok;
}

static bool ask_clients(struct connection *connection, struct buffer *bytes, struct slot_answer *answers)
{
	for (uint32_t slot = 0; slot < LEDGER_SLOTS; slot++) {
		if (answers[slot].id != 0) {
			buffer_format(bytes, "SESSION %" PRIu64 "\r\n", answers[slot].id);
		}
	}
	bool ok = send_all(connection, bytes);
	for (uint32_t slot = 0; ok && slot < LEDGER_SLOTS; slot++) {
		char client[80];
		if (answers[slot].id != 0) {
			ok = read_field(connection, "client", client, sizeof client) &&
			     strncmp(client, "client-", 7) == 0;
			answers[slot].client = ok ? atoi(client + 7) : LEDGER_NOBODY;
		}
	}
	return ok;
}

static bool ask_again(struct connection *connection, struct buffer *bytes, const struct slot_answer *answers)
{
	char text[80];
	for (uint32_t slot = 0; slot < LEDGER_SLOTS; slot++) {
		if (answers[slot].id != 0) {
			load_format_slot(slot, text, sizeof text);
			buffer_format(bytes, "BOOK %s client-%d\r\n", text, answers[slot].client);
		}
	}
	bool ok = send_all(connection, bytes);
	for (uint32_t slot = 0; ok && slot < LEDGER_SLOTS; slot++) {
		struct span line;
		if (answers[slot].id != 0) {
			snprintf(text, sizeof text, ":%" PRIu64, answers[slot].id);
			ok = connection_line(connection, &line) == CONNECTION_LINE && span_equal(line, span_of(text));
		}
	}
	return ok;
}

bool audit(struct ledger *ledger, const struct server *server)
{
	struct connection connection;
	struct buffer bytes = {0};
	struct slot_answer answers[LEDGER_SLOTS];
	const char *failed = NULL;
	if (!connection_open(&connection, server->port, NULL)) {
		failed = "takes no connection";
	} else if (!ask_sessions(&connection, &bytes, answers)) {
		failed = "does not answer SLOT";
	} else if (!ask_clients(&connection, &bytes, answers)) {
		failed = "does not know a session that has a slot";
	} else if (!ask_again(&connection, &bytes, answers)) {
		failed = "does not tell the owner who asks again the same id";
	}
	for (uint32_t slot = 0; failed == NULL && slot < LEDGER_SLOTS; slot++) {
		ledger_verify(ledger, slot, answers[slot].client, answers[slot].id);
	}
	if (failed != NULL) {
		printf("the restarted server %s\n", failed);
	}
	connection_close(&connection);
	buffer_fini(&bytes);
	return failed == NULL;
}

bool audit_engine(const struct server *server, const char *engine)
{
	struct connection connection;
	struct span line;
	char wanted[64];
	snprintf(wanted, sizeof wanted, "wal_engine:%s", engine);
	bool ok = connection_open(&connection, server->port, NULL) &&
		  connection_send(&connection, span_of("INFO\r\nQUIT\r\n"), NULL);
	bool found = false;
	while (ok && !found) {
		ok = connection_line(&connection, &line) == CONNECTION_LINE;
		found = ok && span_equal(line, span_of(wanted));
	}
	if (!found) {
		printf("INFO has no %s\n", wanted);
	}
	connection_close(&connection);
	return found;
}

bool audit_log(const struct server *server)
{
	char command[4 * SERVER_PATH_SIZE];
	snprintf(command, sizeof command, "'%s/slotd-replay' '%s' --verify --quiet >>'%s' 2>&1", server->bin,
		 server->dir, server->output);
	if (system(command) != 0) {
		printf("failed: %s\n", command);
		return false;
	}
	return true;
}
