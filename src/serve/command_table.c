/*
 * command_table: what commands there are, and finding one by its name.
 *
 * HELP, COMMAND DOCS and the usage in error texts are all made from this table. A name is found through a small hash
 * table of places in it, filled when the first name is looked for: one multiplication and, nearly always, one
 * comparison.
 */
#include <base/check.h>
#include <pthread.h>
#include <serve/command.h>

/* No bound of its own: the parser's. */
#define ANY LINE_WORDS_MAX

#define PSYCHOLOGIST                                                                                                   \
	{                                                                                                              \
		.name = "psychologist", .type = "string"                                                               \
	}
#define DATE                                                                                                           \
	{                                                                                                              \
		.name = "date", .type = "string"                                                                       \
	}
#define TIME                                                                                                           \
	{                                                                                                              \
		.name = "time", .type = "string"                                                                       \
	}
#define CLIENT                                                                                                         \
	{                                                                                                              \
		.name = "client", .type = "string"                                                                     \
	}
#define ID                                                                                                             \
	{                                                                                                              \
		.name = "id", .type = "integer"                                                                        \
	}
#define ALT                                                                                                            \
	{                                                                                                              \
		.name = "n", .type = "integer", .token = "ALT", .optional = true                                       \
	}
#define TTL                                                                                                            \
	{                                                                                                              \
		.name = "seconds", .type = "integer", .token = "TTL", .optional = true                                 \
	}
#define SUBCOMMAND                                                                                                     \
	{                                                                                                              \
		.name = "subcommand", .type = "string"                                                                 \
	}
#define REST(what)                                                                                                     \
	{                                                                                                              \
		.name = what, .type = "string", .optional = true, .multiple = true                                     \
	}

/* HOURS, CALENDAR */
static bool gets(const struct request *request)
{
	return span_is(request->words[1], "GET");
}

/* BUSY psychologist */
static bool lists(const struct request *request)
{
	return request->count == 2;
}

static const struct command commands[] = {
    {
	.name = "BOOK",
	.execute = command_book,
	.plan = command_plan_book,
	.answer = command_answer_book,
	.class = COMMAND_BOOK,
	.flags = COMMAND_WRITES | COMMAND_CLAIMS,
	.words_min = 5,
	.words_max = 7,
	.usage = "psychologist date time client [ALT n]",
	.summary = "Books a slot for a client and answers the session's id, or -TAKEN, with ALT and n other slots.",
	.since = "0.1.0",
	.arguments = {PSYCHOLOGIST, DATE, TIME, CLIENT, ALT},
    },
    {
	.name = "CLAIM",
	.execute = command_claim,
	.plan = command_plan_book,
	.answer = command_answer_claim,
	.class = COMMAND_BOOK,
	.flags = COMMAND_WRITES | COMMAND_CLAIMS,
	.words_min = 5,
	.words_max = 5,
	.usage = "psychologist date time client",
	.summary = "Books a slot as BOOK does, and answers 1 if it is the client's, 0 if it is another's.",
	.since = "0.1.0",
	.arguments = {PSYCHOLOGIST, DATE, TIME, CLIENT},
    },
    {
	.name = "HOLD",
	.execute = command_hold,
	.plan = command_plan_hold,
	.answer = command_answer_hold,
	.class = COMMAND_BOOK,
	.flags = COMMAND_WRITES | COMMAND_CLAIMS,
	.words_min = 5,
	.words_max = 9,
	.usage = "psychologist date time client [TTL seconds] [ALT n]",
	.summary = "Keeps a slot for a client for a while; answers the session's id and when it is over, or a refusal, "
		   "with ALT and n other slots.",
	.since = "0.1.0",
	.arguments = {PSYCHOLOGIST, DATE, TIME, CLIENT, TTL, ALT},
    },
    {
	.name = "RENEW",
	.execute = command_renew,
	.plan = command_plan_renew,
	.answer = command_answer_renew,
	.class = COMMAND_BOOK,
	.flags = COMMAND_WRITES,
	.words_min = 2,
	.words_max = 4,
	.usage = "id [TTL seconds]",
	.summary = "Holds a slot for a while from now on; answers when it is over.",
	.since = "0.1.0",
	.arguments = {ID, TTL},
    },
    {
	.name = "COMMIT",
	.execute = command_commit,
	.plan = command_plan_commit,
	.answer = command_answer_status,
	.class = COMMAND_BOOK,
	.flags = COMMAND_WRITES,
	.words_min = 2,
	.words_max = 2,
	.usage = "id",
	.summary = "Books the slot that a hold keeps.",
	.since = "0.1.0",
	.arguments = {ID},
    },
    {
	.name = "CONFIRM",
	.execute = command_confirm,
	.plan = command_plan_confirm,
	.answer = command_answer_status,
	.class = COMMAND_BOOK,
	.flags = COMMAND_WRITES,
	.words_min = 2,
	.words_max = 2,
	.usage = "id",
	.summary = "Says that a booked session is confirmed.",
	.since = "0.1.0",
	.arguments = {ID},
    },
    {
	.name = "RESCHEDULE",
	.execute = command_reschedule,
	.plan = command_plan_reschedule,
	.answer = command_answer_status,
	.class = COMMAND_BOOK,
	.flags = COMMAND_WRITES,
	.words_min = 4,
	.words_max = 5,
	.usage = "id date time [psychologist]",
	.summary = "Moves a session to another slot; the old one is free once the new one is taken.",
	.since = "0.1.0",
	.arguments = {ID, DATE, TIME, {.name = "psychologist", .type = "string", .optional = true}},
    },
    {
	.name = "CANCEL",
	.execute = command_cancel,
	.plan = command_plan_cancel,
	.answer = command_answer_status,
	.class = COMMAND_BOOK,
	.flags = COMMAND_WRITES,
	.words_min = 2,
	.words_max = 3,
	.usage = "id [reason]",
	.summary = "Cancels a session; its slot can be booked again at once.",
	.since = "0.1.0",
	.arguments = {ID, {.name = "reason", .type = "string", .optional = true}},
    },
    {
	.name = "COMPLETE",
	.execute = command_complete,
	.plan = command_plan_complete,
	.answer = command_answer_status,
	.class = COMMAND_BOOK,
	.flags = COMMAND_WRITES,
	.words_min = 2,
	.words_max = 2,
	.usage = "id",
	.summary = "Says that a session that has started took place.",
	.since = "0.1.0",
	.arguments = {ID},
    },
    {
	.name = "NOSHOW",
	.execute = command_noshow,
	.plan = command_plan_noshow,
	.answer = command_answer_status,
	.class = COMMAND_BOOK,
	.flags = COMMAND_WRITES,
	.words_min = 2,
	.words_max = 2,
	.usage = "id",
	.summary = "Says that the client of a session that has started did not come.",
	.since = "0.1.0",
	.arguments = {ID},
    },
    {
	.name = "BOOKALL",
	.execute = command_group,
	.plan = command_plan_bookall,
	.answer = command_answer_bookall,
	.class = COMMAND_BOOK,
	.flags = COMMAND_WRITES,
	.words_min = 5,
	.words_max = WIDE_WORDS_MAX,
	.usage = "client psychologist date time [psychologist date time ...]",
	.summary = "Books all of the slots for a client or none, and answers the sessions' ids.",
	.since = "0.1.0",
	.arguments = {CLIENT, {.name = "psychologist date time", .type = "string", .multiple = true}},
    },
    {
	.name = "BOOKANY",
	.execute = command_group,
	.plan = command_plan_bookany,
	.answer = command_answer_bookany,
	.class = COMMAND_BOOK,
	.flags = COMMAND_WRITES,
	.words_min = 5,
	.words_max = WIDE_WORDS_MAX,
	.usage = "client psychologist date time [psychologist date time ...]",
	.summary = "Books the first of the slots that is free, and answers the session's id and the slot.",
	.since = "0.1.0",
	.arguments = {CLIENT, {.name = "psychologist date time", .type = "string", .multiple = true}},
    },
    {
	.name = "SLOT",
	.execute = command_slot,
	.class = COMMAND_READ,
	.words_min = 4,
	.words_max = 4,
	.usage = "psychologist date time",
	.summary = "Answers one slot's status, minutes and session.",
	.since = "0.1.0",
	.arguments = {PSYCHOLOGIST, DATE, TIME},
    },
    {
	.name = "SLOTS",
	.execute = command_slots,
	.class = COMMAND_READ,
	.words_min = 3,
	.words_max = 5,
	.usage = "psychologist from-date [to-date] [ALL]",
	.summary = "Lists a psychologist's open slots, or ALL, from one day to another, both included.",
	.since = "0.1.0",
	.arguments = {PSYCHOLOGIST,
		      {.name = "from-date", .type = "string"},
		      {.name = "to-date", .type = "string", .optional = true},
		      {.name = "all", .type = "pure-token", .token = "ALL", .optional = true}},
    },
    {
	.name = "ALTERNATIVES",
	.execute = command_alternatives,
	.class = COMMAND_READ,
	.words_min = 4,
	.words_max = 6,
	.usage = "psychologist date time [COUNT n]",
	.summary = "Lists the psychologist's open slots nearest to a time, nearest first.",
	.since = "0.1.0",
	.arguments = {PSYCHOLOGIST, DATE, TIME, {.name = "n", .type = "integer", .token = "COUNT", .optional = true}},
    },
    {
	.name = "SESSION",
	.execute = command_session,
	.class = COMMAND_READ,
	.words_min = 2,
	.words_max = 2,
	.usage = "id",
	.summary = "Answers everything about one session.",
	.since = "0.1.0",
	.arguments = {ID},
    },
    {
	.name = "SESSIONS",
	.execute = command_sessions,
	.class = COMMAND_READ,
	.words_min = 2,
	.words_max = 4,
	.usage = "client [from-date] [to-date]",
	.summary = "Lists a client's sessions, also those that are over, earliest first.",
	.since = "0.1.0",
	.arguments = {CLIENT,
		      {.name = "from-date", .type = "string", .optional = true},
		      {.name = "to-date", .type = "string", .optional = true}},
    },
    {
	.name = "OPEN",
	.execute = command_open,
	.class = COMMAND_HOURS,
	.flags = COMMAND_WRITES,
	.words_min = 5,
	.words_max = 9,
	.usage = "psychologist date time minutes [COUNT n] [EVERY minutes]",
	.summary = "Opens slots, all or none, and answers how many are new; asking again changes nothing.",
	.since = "0.1.0",
	.arguments = {PSYCHOLOGIST,
		      DATE,
		      TIME,
		      {.name = "minutes", .type = "integer"},
		      {.name = "n", .type = "integer", .token = "COUNT", .optional = true},
		      {.name = "minutes", .type = "integer", .token = "EVERY", .optional = true}},
    },
    {
	.name = "HOURS",
	.execute = command_hours,
	.reads = gets,
	.class = COMMAND_HOURS,
	.flags = COMMAND_WRITES,
	.words_min = 3,
	.words_max = WIDE_WORDS_MAX,
	.usage =
	    "SET psychologist zone minutes gap [day ranges]... [EXCEPT from to ranges]... | GET psychologist | DEL "
	    "psychologist",
	.summary = "Keeps the weekly hours of a psychologist, from which slots are opened every night.",
	.since = "0.1.0",
	.arguments = {{.name = "SET psychologist zone minutes gap [day ranges]... [EXCEPT from to ranges]... | GET "
			       "psychologist | DEL psychologist",
		       .type = "string"}},
    },
    {
	.name = "BUSY",
	.execute = command_busy,
	.reads = lists,
	.class = COMMAND_SYNC,
	.flags = COMMAND_WRITES,
	.words_min = 2,
	.words_max = WIDE_WORDS_MAX,
	.usage = "psychologist [source generation from to [start end ...]]",
	.summary =
	    "Replaces what a calendar says inside a window, and answers slots blocked, unblocked and in conflict; "
	    "or lists what all calendars of a psychologist say.",
	.since = "0.1.0",
	.arguments = {PSYCHOLOGIST,
		      {.name = "source generation from to [start end ...]", .type = "string", .optional = true}},
    },
    {
	.name = "CALENDAR",
	.execute = command_calendar,
	.reads = gets,
	.class = COMMAND_SYNC,
	.flags = COMMAND_WRITES,
	.words_min = 2,
	.words_max = 4,
	.usage = "SET psychologist url | GET [psychologist] | DEL psychologist",
	.summary = "Keeps the urls of calendars that slotd-calsync follows; GET alone answers all of them.",
	.since = "0.1.0",
	.arguments = {{.name = "SET psychologist url | GET [psychologist] | DEL psychologist", .type = "string"}},
    },
    {
	.name = "CLOSE",
	.execute = command_close,
	.class = COMMAND_HOURS,
	.flags = COMMAND_WRITES,
	.words_min = 3,
	.words_max = 4,
	.usage = "psychologist date [time]",
	.summary = "Takes the free slots of a day, or one, out of the hours; occupied slots stay.",
	.since = "0.1.0",
	.arguments = {PSYCHOLOGIST, DATE, {.name = "time", .type = "string", .optional = true}},
    },
    {
	.name = "PURGE",
	.execute = command_purge,
	.class = COMMAND_HOURS,
	.flags = COMMAND_WRITES,
	.words_min = 3,
	.words_max = 3,
	.usage = "BEFORE date",
	.summary = "Removes all slots and sessions of days before a date, and answers how many slots.",
	.since = "0.1.0",
	.arguments = {{.name = "date", .type = "string", .token = "BEFORE"}},
    },
    {
	.name = "MULTI",
	.execute = command_multi,
	.class = COMMAND_BOOK,
	.flags = COMMAND_WHILE_LOADING | COMMAND_IN_MULTI,
	.words_min = 1,
	.words_max = 1,
	.usage = "",
	.summary = "Queues what follows, for EXEC to do at once or not at all.",
	.since = "0.1.0",
    },
    {
	.name = "EXEC",
	.execute = command_exec,
	.class = COMMAND_BOOK,
	.flags = COMMAND_WHILE_LOADING | COMMAND_IN_MULTI,
	.words_min = 1,
	.words_max = 1,
	.usage = "",
	.summary = "Does what was queued since MULTI: all bookings in one record, or nothing.",
	.since = "0.1.0",
    },
    {
	.name = "DISCARD",
	.execute = command_discard,
	.class = COMMAND_BOOK,
	.flags = COMMAND_WHILE_LOADING | COMMAND_IN_MULTI,
	.words_min = 1,
	.words_max = 1,
	.usage = "",
	.summary = "Forgets what was queued since MULTI.",
	.since = "0.1.0",
    },
    {
	.name = "WATCH",
	.execute = command_watch,
	.class = COMMAND_BOOK,
	.flags = COMMAND_WHILE_LOADING | COMMAND_IN_MULTI,
	.words_min = 2,
	.words_max = ANY,
	.usage = "key [key ...]",
	.summary = "Not supported: a claim is atomic by itself.",
	.since = "0.1.0",
	.arguments = {{.name = "key", .type = "string", .multiple = true}},
    },
    {
	.name = "UNWATCH",
	.execute = command_unwatch,
	.class = COMMAND_BOOK,
	.flags = COMMAND_WHILE_LOADING,
	.words_min = 1,
	.words_max = 1,
	.usage = "",
	.summary = "Answers OK: nothing is ever watched.",
	.since = "0.1.0",
    },
    {
	.name = "PING",
	.execute = command_ping,
	.class = COMMAND_ANY,
	.words_min = 1,
	.words_max = 2,
	.usage = "[message]",
	.summary = "Answers PONG, or the message; -LOADING until the log is read.",
	.since = "0.1.0",
	.arguments = {{.name = "message", .type = "string", .optional = true}},
    },
    {
	.name = "ECHO",
	.execute = command_echo,
	.class = COMMAND_ANY,
	.flags = COMMAND_WHILE_LOADING,
	.words_min = 2,
	.words_max = 2,
	.usage = "message",
	.summary = "Answers the message.",
	.since = "0.1.0",
	.arguments = {{.name = "message", .type = "string"}},
    },
    {
	.name = "HELLO",
	.execute = command_hello,
	.class = COMMAND_ANY,
	.flags = COMMAND_WHILE_LOADING | COMMAND_NOT_IN_MULTI,
	.words_min = 1,
	.words_max = 7,
	.usage = "[protocol] [AUTH username password] [SETNAME name]",
	.summary = "Chooses RESP 2 or 3 and answers who the server is.",
	.since = "0.1.0",
	.arguments = {{.name = "protocol", .type = "integer", .optional = true},
		      {.name = "username password", .type = "string", .token = "AUTH", .optional = true},
		      {.name = "name", .type = "string", .token = "SETNAME", .optional = true}},
    },
    {
	.name = "AUTH",
	.execute = command_auth,
	.class = COMMAND_ANY,
	.flags = COMMAND_WHILE_LOADING,
	.words_min = 2,
	.words_max = 3,
	.usage = "[username] password",
	.summary = "Says who the client is; no password is configured.",
	.since = "0.1.0",
	.arguments = {{.name = "username", .type = "string", .optional = true}, {.name = "password", .type = "string"}},
    },
    {
	.name = "SELECT",
	.execute = command_select,
	.class = COMMAND_ANY,
	.flags = COMMAND_WHILE_LOADING,
	.words_min = 2,
	.words_max = 2,
	.usage = "index",
	.summary = "Chooses the database; there is only 0.",
	.since = "0.1.0",
	.arguments = {{.name = "index", .type = "integer"}},
    },
    {
	.name = "CLIENT",
	.execute = command_client,
	.class = COMMAND_ANY,
	.flags = COMMAND_WHILE_LOADING,
	.words_min = 2,
	.words_max = ANY,
	.usage = "subcommand [argument ...]",
	.summary = "Names this connection and lists connections; CLIENT HELP lists subcommands.",
	.since = "0.1.0",
	.arguments = {SUBCOMMAND, REST("argument")},
    },
    {
	.name = "RESET",
	.execute = command_reset,
	.class = COMMAND_ANY,
	.flags = COMMAND_WHILE_LOADING | COMMAND_IN_MULTI,
	.words_min = 1,
	.words_max = 1,
	.usage = "",
	.summary = "Makes the connection as new: RESP 2, no name, no MULTI.",
	.since = "0.1.0",
    },
    {
	.name = "QUIT",
	.execute = command_quit,
	.class = COMMAND_ANY,
	.flags = COMMAND_WHILE_LOADING | COMMAND_IN_MULTI,
	.words_min = 1,
	.words_max = 1,
	.usage = "",
	.summary = "Answers OK and closes the connection.",
	.since = "0.1.0",
    },
    {
	.name = "TIME",
	.execute = command_time,
	.class = COMMAND_ANY,
	.flags = COMMAND_WHILE_LOADING,
	.words_min = 1,
	.words_max = 1,
	.usage = "",
	.summary = "Answers the server's clock: seconds since 1970 UTC, and microseconds.",
	.since = "0.1.0",
    },
    {
	.name = "HELP",
	.execute = command_help,
	.class = COMMAND_ANY,
	.flags = COMMAND_WHILE_LOADING,
	.words_min = 1,
	.words_max = 2,
	.usage = "[command]",
	.summary = "Lists the commands, or says what one does.",
	.since = "0.1.0",
	.arguments = {{.name = "command", .type = "string", .optional = true}},
    },
    {
	.name = "COMMAND",
	.execute = command_docs,
	.class = COMMAND_ANY,
	.flags = COMMAND_WHILE_LOADING,
	.words_min = 1,
	.words_max = ANY,
	.usage = "[subcommand] [name ...]",
	.summary = "Describes the commands to programs; COMMAND HELP lists subcommands.",
	.since = "0.1.0",
	.arguments = {{.name = "subcommand", .type = "string", .optional = true}, REST("name")},
    },
    {
	.name = "INFO",
	.execute = command_info,
	.class = COMMAND_ANY,
	.flags = COMMAND_WHILE_LOADING,
	.words_min = 1,
	.words_max = ANY,
	.usage = "[section ...]",
	.summary = "Answers figures about the server, in sections.",
	.since = "0.1.0",
	.arguments = {REST("section")},
    },
    {
	.name = "HOT",
	.execute = command_hot,
	.class = COMMAND_ANY,
	.words_min = 1,
	.words_max = 4,
	.usage = "[n] [PSYCHOLOGIST psychologist]",
	.summary = "Lists the slots that lost most claims since the server started, most first.",
	.since = "0.1.0",
	.arguments = {{.name = "n", .type = "integer", .optional = true},
		      {.name = "psychologist", .type = "string", .token = "PSYCHOLOGIST", .optional = true}},
    },
    {
	.name = "CONFIG",
	.execute = command_config,
	.class = COMMAND_ANY,
	.flags = COMMAND_WHILE_LOADING,
	.words_min = 2,
	.words_max = ANY,
	.usage = "subcommand [argument ...]",
	.summary = "Answers the options the server runs with; CONFIG HELP lists subcommands.",
	.since = "0.1.0",
	.arguments = {SUBCOMMAND, REST("argument")},
    },
    {
	.name = "SNAPSHOT",
	.execute = command_snapshot,
	.class = COMMAND_ANY,
	.flags = COMMAND_NOT_IN_MULTI,
	.words_min = 1,
	.words_max = 1,
	.usage = "",
	.summary = "Writes a snapshot of all slots and sessions; answers when it is durable.",
	.since = "0.1.0",
    },
    {
	.name = "IMPORT",
	.execute = command_import,
	.class = COMMAND_ANY,
	.flags = COMMAND_WRITES | COMMAND_WHILE_LOADING | COMMAND_NOT_IN_MULTI,
	.words_min = 2,
	.words_max = WIDE_WORDS_MAX,
	.usage = "BEGIN|RECORDS|END [lsn] [hash] [bytes ...]",
	.summary = "Fills an empty server with the records of another, as slotd-replay --format resp says them.",
	.since = "0.1.0",
	.arguments = {{.name = "BEGIN|RECORDS|END", .type = "string"},
		      {.name = "lsn", .type = "integer", .optional = true},
		      {.name = "hash", .type = "string", .optional = true},
		      REST("bytes")},
    },
    {
	.name = "SHUTDOWN",
	.execute = command_shutdown,
	.class = COMMAND_ANY,
	.flags = COMMAND_WHILE_LOADING | COMMAND_NOT_IN_MULTI,
	.words_min = 1,
	.words_max = 2,
	.usage = "[SAVE|NOSAVE]",
	.summary = "Ends the server as SIGTERM does; what is acknowledged is on disk either way.",
	.since = "0.1.0",
	.arguments = {{.name = "SAVE|NOSAVE", .type = "string", .optional = true}},
    },
};

#define COMMAND_COUNT (sizeof commands / sizeof commands[0])

/* Cells of the hash table: 1 + place in `commands`, 0 is empty. Four times as many as commands, so that probes are
 * short. */
#define CELL_COUNT 256
static_assert(COMMAND_COUNT * 4 <= CELL_COUNT, "the hash table of names is sparse");
static uint8_t cells[CELL_COUNT];

/* Of the length and the first and last four letters, or three, case folded; names that share them are told apart by comparison.
 * Loads of one size each: a copy of as many bytes as there are is waited for before it can be loaded whole. */
static size_t cell_of(struct span name)
{
	uint64_t letters = 0;
	if (name.size >= sizeof(uint32_t)) {
		letters = load32(name.at) | (uint64_t)load32(name.at + name.size - sizeof(uint32_t)) << 32;
	} else if (name.size > 0) {
		letters = (uint64_t)name.at[0] << 16 | (uint64_t)name.at[name.size / 2] << 8 | name.at[name.size - 1];
	}
	letters = (letters | UINT64_C(0x2020202020202020)) + name.size;
	return (size_t)((letters * UINT64_C(0x9e3779b97f4a7c15)) >> 56);
}
static_assert(CELL_COUNT == 1 << (64 - 56), "the hash is as wide as the table");

static void fill_cells(void)
{
	for (size_t i = 0; i < COMMAND_COUNT; i++) {
		size_t cell = cell_of(span_of(commands[i].name));
		while (cells[cell] != 0) {
			cell = (cell + 1) % CELL_COUNT;
		}
		cells[cell] = (uint8_t)(i + 1);
	}
}

const struct command *command_find(struct span name)
{
	static pthread_once_t filled = PTHREAD_ONCE_INIT;
	pthread_once(&filled, fill_cells);
	for (size_t cell = cell_of(name); cells[cell] != 0; cell = (cell + 1) % CELL_COUNT) {
		const struct command *command = &commands[cells[cell] - 1];
		if (span_is(name, command->name)) {
			return command;
		}
	}
	return NULL;
}

const struct command *command_at(size_t i)
{
	CHECK(i < COMMAND_COUNT);
	return &commands[i];
}

size_t command_count(void)
{
	return COMMAND_COUNT;
}
