/*
 * audit: see audit.h.
 *
 * The log is read through slotd-replay's JSON lines, one record each; of these only the BOOK records of the ledger's
 * races matter. Tokens have no character that JSON would escape (docs/PROTOCOL.md), so a field is found by its name.
 */
#include <bench/audit.h>
#include <inttypes.h>
#include <stdlib.h>

#define FIELD_SIZE        128
#define REPLAY_TIMEOUT_MS 60000

static bool field_is(const struct answer *answer, const char *name, const char *value)
{
	return span_equal(answer_field(answer, name), span_of(value));
}

/* A session id as the protocol writes it. */
struct id_text {
	char text[24];
};

static struct id_text id_text(uint64_t id)
{
	struct id_text text;
	snprintf(text.text, sizeof text.text, "%" PRIu64, id);
	return text;
}

bool audit_server(const struct ledger *ledger, uint32_t race, struct connection *connection, struct error *error)
{
	const struct ledger_entry *entry = &ledger->entries[race];
	const struct ledger_token psychologist = ledger_psychologist(ledger, race);
	const struct ledger_token winner = ledger_client(entry->winner);
	const struct ledger_token other = ledger_client(entry->level + 1); /* did not race */
	const struct id_text id = id_text(entry->session);
	struct answer answer;

	if (!connection_ask(connection, &answer, error, "SLOT %s " RACE_DATE " " RACE_TIME, psychologist.text)) {
		return false;
	}
	if (!field_is(&answer, "status", "booked") || !field_is(&answer, "session", id.text)) {
		return connection_unexpected(connection, &answer, error);
	}
	if (!connection_ask(connection, &answer, error, "SESSION %s", id.text)) {
		return false;
	}
	if (!field_is(&answer, "psychologist", psychologist.text) || !field_is(&answer, "date", RACE_DATE) ||
	    !field_is(&answer, "time", RACE_TIME) || !field_is(&answer, "client", winner.text) ||
	    !field_is(&answer, "status", "booked")) {
		return connection_unexpected(connection, &answer, error);
	}
	if (!connection_ask(connection, &answer, error, "BOOK %s " RACE_DATE " " RACE_TIME " %s", psychologist.text,
			    winner.text)) {
		return false;
	}
	if (!answer_is(&answer, ':', id.text)) {
		return connection_unexpected(connection, &answer, error);
	}
	if (!connection_ask(connection, &answer, error, "BOOK %s " RACE_DATE " " RACE_TIME " %s", psychologist.text,
			    other.text)) {
		return false;
	}
	return answer_is(&answer, '-', AUDIT_TAKEN) || connection_unexpected(connection, &answer, error);
}

/* The value of a field of a flat JSON object, a string or a number; "" if there is none. */
struct field {
	char text[FIELD_SIZE];
};

static struct field json_field(const char *line, const char *name)
{
	struct field field = {""};
	char key[FIELD_SIZE];
	snprintf(key, sizeof key, "\"%s\":", name);
	const char *value = strstr(line, key);
	if (value == NULL) {
		return field;
	}
	value += strlen(key);
	value += strspn(value, " \"");
	snprintf(field.text, sizeof field.text, "%.*s", (int)strcspn(value, ",\"}"), value);
	return field;
}

static bool is(struct field field, const char *text)
{
	return strcmp(field.text, text) == 0;
}

/* Counts the line if it is the BOOK of a race; false if it contradicts the ledger. */
static bool count_line(const struct ledger *ledger, const char *line, uint32_t *counts, struct error *error)
{
	uint32_t race;
	if (!is(json_field(line, "type"), "BOOK") ||
	    !ledger_race_of(ledger, json_field(line, "psychologist").text, &race)) {
		return true;
	}
	const struct ledger_entry *entry = &ledger->entries[race];
	const bool agrees = is(json_field(line, "date"), RACE_DATE) && is(json_field(line, "time"), RACE_TIME) &&
			    is(json_field(line, "client"), ledger_client(entry->winner).text) &&
			    is(json_field(line, "session"), id_text(entry->session).text);
	if (!agrees) {
		return error_set(error, ERROR_DAMAGED, "the log has another winner than the replies: %.*s",
				 (int)strcspn(line, "\n"), line);
	}
	counts[race]++;
	return true;
}

static bool verify(const char *directory, struct error *error)
{
	struct process replay;
	const char *arguments[] = {NULL, directory, "--verify", "--quiet", NULL};
	if (!process_start(&replay, "slotd-replay", arguments, false, error)) {
		return false;
	}
	int status;
	if (!process_wait(&replay, REPLAY_TIMEOUT_MS, &status)) {
		process_kill(&replay);
		return error_set(error, ERROR_IO, "slotd-replay %s --verify did not end in time", directory);
	}
	return status == 0 ||
	       error_set(error, ERROR_DAMAGED, "slotd-replay %s --verify says the log is not sound", directory);
}

/* Reads every record; counts[race] is how often the log books it. */
static bool count_bookings(const struct ledger *ledger, const char *directory, uint32_t *counts, struct error *error)
{
	struct process replay;
	const char *arguments[] = {NULL, directory, "--format", "json", NULL};
	if (!process_start(&replay, "slotd-replay", arguments, true, error)) {
		return false;
	}
	char *line = NULL;
	size_t capacity = 0;
	bool agrees = true;
	while (agrees && getline(&line, &capacity, replay.output) > 0) {
		agrees = count_line(ledger, line, counts, error);
	}
	free(line);
	int status;
	if (!agrees || !process_wait(&replay, REPLAY_TIMEOUT_MS, &status)) {
		process_kill(&replay);
		return agrees ? error_set(error, ERROR_IO, "slotd-replay %s did not end in time", directory) : false;
	}
	return status == 0 ||
	       error_set(error, ERROR_DAMAGED, "slotd-replay %s ended with status %d", directory, status);
}

bool audit_log(const struct ledger *ledger, const char *directory, uint32_t *records, struct error *error)
{
	*records = 0;
	const uint32_t races = ledger_count(ledger);
	uint32_t *counts = calloc(races + 1, sizeof *counts);
	if (counts == NULL) {
		return error_set(error, ERROR_NO_MEMORY, "no memory to count %u races", races);
	}
	bool sound = verify(directory, error) && count_bookings(ledger, directory, counts, error);
	for (uint32_t i = 0; sound && i < races; i++) {
		*records += counts[i];
		if (counts[i] != 1) {
			sound = error_set(error, ERROR_DAMAGED, "the log books the slot of %s %u times",
					  ledger_psychologist(ledger, i).text, counts[i]);
		}
	}
	free(counts);
	return sound;
}
