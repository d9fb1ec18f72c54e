/*
 * command_import: IMPORT: the records of another server's log (serve/import.h).
 *
 *   IMPORT BEGIN
 *   IMPORT RECORDS lsn hash bytes [bytes ...]      the bytes are one piece, cut into words
 *   IMPORT END lsn
 *
 * Whatever is refused here ends the connection, behind the reply: what follows was meant to build on it, and a program that
 * sends without reading (redis-cli --pipe) would get a refusal for each.
 */
#include "command_reply.h"
#include <base/hash.h>
#include <inttypes.h>
#include <serve/arguments.h>
#include <serve/import.h>

/* Words before the first bytes: IMPORT RECORDS lsn hash. */
#define WORDS_BEFORE 4
#define HASH_DIGITS  16

static void refuse(struct service *service, struct client *client, struct reply *reply, const struct error *error)
{
	if (client->imports) {
		import_break(service, "a command was refused");
		client->imports = false;
	}
	reply_error(reply, "%s the import ends here: %s", error->code == ERROR_NO_MEMORY ? "OOM" : "ERR", error->text);
	client->cut_asked = true;
}

static void end_task(struct client *client)
{
	client->task = NULL;
	client->task_waits = false;
}

/* ---- BEGIN ---- */

static bool go_on_beginning(struct service *service, struct client *client, struct reply *reply, uint64_t *lsn)
{
	struct error error = {0};
	*lsn = 0;
	if (!import_is_quiet(service)) {
		return false;
	}
	if (import_take_table(service, &error)) {
		reply_status(reply, "OK");
	} else {
		refuse(service, client, reply, &error);
	}
	end_task(client);
	return true;
}

static void begin(struct service *service, struct client *client, struct reply *reply)
{
	struct error error = {0};
	if (!import_begin(service, &error)) {
		refuse(service, client, reply, &error);
		return;
	}
	client->imports = true;
	client->task = go_on_beginning;
	client->task_waits = true;
}

/* ---- RECORDS ---- */

static bool read_hash(struct span word, uint64_t *hash)
{
	*hash = 0;
	for (size_t i = 0; i < word.size; i++) {
		const uint8_t byte = word.at[i];
		const bool digit = byte >= '0' && byte <= '9';
		if (!digit && (byte < 'a' || byte > 'f')) {
			return false;
		}
		*hash = *hash << 4 | (uint64_t)(digit ? byte - '0' : byte - 'a' + 10);
	}
	return word.size == HASH_DIGITS;
}

/* Puts the words behind the hash together. False: that is too much for any record. */
static bool join(const struct request *request, uint8_t *bytes, size_t *size)
{
	*size = 0;
	for (uint32_t i = WORDS_BEFORE; i < request->count; i++) {
		const struct span word = request->words[i];
		if (*size + word.size > RECORD_SIZE_MAX) {
			return false;
		}
		memcpy(bytes + *size, word.at, word.size);
		*size += word.size;
	}
	return true;
}

static uint64_t take_records(struct service *service, struct client *client, const struct request *request,
			     struct reply *reply)
{
	uint8_t bytes[RECORD_SIZE_MAX];
	struct error error = {0};
	uint64_t lsn;
	uint64_t hash;
	size_t size;
	bool taken = false;
	if (!span_number(request->words[2], INT64_MAX, &lsn) || !read_hash(request->words[3], &hash)) {
		error_set(&error, ERROR_INVALID, "lsn is a number, hash has %d digits of 0-9 and a-f", HASH_DIGITS);
	} else if (!join(request, bytes, &size)) {
		error_set(&error, ERROR_INVALID, "at most %d bytes of records at once", RECORD_SIZE_MAX);
	} else if (hash_bytes(bytes, size, lsn) != hash) {
		error_set(&error, ERROR_DAMAGED, "the bytes for lsn %" PRIu64 " are not those that were sent", lsn);
	} else {
		taken = import_records(service, lsn, (struct span){bytes, size}, &error);
	}
	if (!taken) {
		refuse(service, client, reply, &error);
		return 0;
	}
	reply_status(reply, "OK");
	return wal_appended_lsn(desk_wal(service->desk));
}

/* ---- END ---- */

/* Only what is durable counts as imported. */
static bool go_on_ending(struct service *service, struct client *client, struct reply *reply, uint64_t *lsn)
{
	const struct wal *wal = desk_wal(service->desk);
	struct error error = {0};
	*lsn = 0;
	if (wal_durable_lsn(wal) < wal_appended_lsn(wal)) {
		return false;
	}
	if (import_end(service, &error)) {
		reply_status(reply, "OK");
		client->imports = false;
	} else {
		refuse(service, client, reply, &error);
	}
	end_task(client);
	return true;
}

static void end(struct service *service, struct client *client, const struct request *request, struct reply *reply)
{
	struct error error = {0};
	uint64_t lsn;
	if (!span_number(request->words[2], INT64_MAX, &lsn)) {
		error_set(&error, ERROR_INVALID, "lsn is a number");
		refuse(service, client, reply, &error);
	} else if (!import_may_end(service, lsn, &error)) {
		refuse(service, client, reply, &error);
	} else {
		client->task = go_on_ending;
		client->task_waits = true;
		(void)go_on_ending(service, client, reply, &lsn); /* nobody wakes us if all is durable by now */
	}
}

uint64_t command_import(struct service *service, struct client *client, const struct request *request,
			struct reply *reply)
{
	const struct span what = request->words[1];
	const bool begins = span_is(what, "BEGIN") && request->count == 2;
	const bool ends = span_is(what, "END") && request->count == 3;
	const bool records = span_is(what, "RECORDS") && request->count > WORDS_BEFORE;
	if (!begins && !ends && !records) {
		argument_syntax(reply, request);
	} else if (service->import == NULL) {
		reply_error(reply, "ERR imports are not possible now");
	} else if (desk_wal(service->desk) == NULL) {
		reply_error(reply, "LOADING slotd is reading its log");
	} else if (begins) {
		begin(service, client, reply);
	} else if (!client->imports) {
		struct error error;
		error_set(&error, ERROR_INVALID, "it has not begun on this connection, IMPORT BEGIN comes first");
		refuse(service, client, reply, &error);
	} else if (records) {
		return take_records(service, client, request, reply);
	} else {
		end(service, client, request, reply);
	}
	return 0;
}
