/*
 * command: the commands by name, and the one door to execute a request.
 *
 * Rooms: command.c (whether a request is executed: arity, LOADING, MULTI), command_table.c (the table, finding),
 * command_book.c (BOOK CLAIM), command_life.c (HOLD RENEW COMMIT CONFIRM CANCEL RESCHEDULE COMPLETE NOSHOW),
 * command_group.c (BOOKALL BOOKANY), command_multi.c (MULTI EXEC DISCARD WATCH UNWATCH), command_read.c (SLOT SLOTS
 * SESSION), command_alternatives.c (ALTERNATIVES, and ALT of what claims), command_sessions.c (SESSIONS), command_hours.c
 * (OPEN CLOSE PURGE), command_busy.c (BUSY), command_calendar.c (CALENDAR), command_week.c (HOURS), command_connection.c (PING
 * ECHO HELLO AUTH SELECT RESET QUIT TIME), command_client.c (CLIENT), command_docs.c (HELP, COMMAND and its subcommands),
 * command_info.c (INFO), command_config.c (CONFIG SHUTDOWN), command_snapshot.c (SNAPSHOT), command_hot.c
 * (HOT), command_import.c (IMPORT).
 *
 * Threads: any worker; the client and the reply are that worker's.
 */
#pragma once

#include <serve/client.h>
#include <serve/service.h>
#include <wire/reply.h>
#include <wire/request.h>

/* Executes one request: writes one reply, and returns the lsn that must be durable before it may leave [I2] (0: none).
 * May set client->task instead of replying (see client.h), and does nothing but set client->postponed if client->postpones and
 * the command can wait. */
uint64_t command_execute(struct service *service, struct client *client, const struct request *request,
			 struct reply *reply);

/* What a command's handler gets; word 0 is the name. Arity is checked before. Returns as command_execute. */
typedef uint64_t command_f(struct service *service, struct client *client, const struct request *request,
			   struct reply *reply);

/* Of a group, the changes that one command asked for. */
struct group;
struct group_part {
	const struct group *group;
	const struct group_change *changes;
	uint32_t count;
};

/* What a command that may be one of a group would change, added to the group, which borrows the request's words. False,
 * having written why, if it is not a request. */
typedef bool command_plan_f(const struct service *service, const struct request *request, struct group *group,
			    struct reply *reply);
/* Replies what became of it: done with all of the group, or refused. */
typedef void command_answer_f(const struct group_part *part, const struct desk *desk, struct reply *reply);

enum command_class {
	COMMAND_BOOK,
	COMMAND_READ,
	COMMAND_HOURS,
	COMMAND_SYNC,
	COMMAND_ANY,
};

enum command_flag {
	COMMAND_WHILE_LOADING = 1, /* answered during replay */
	COMMAND_WRITES = 2,        /* appends a record, but for the requests that `reads` says */
	COMMAND_CLAIMS = 8,        /* words 1 to 4 are psychologist, date, time, client: worth a look ahead */
	COMMAND_IN_MULTI = 4,      /* executed even between MULTI and EXEC (EXEC, DISCARD, MULTI, WATCH, QUIT, RESET) */
	COMMAND_NOT_IN_MULTI = 16, /* not queued; neither is what writes and has no plan */
};

/* Does this request of a command that writes only read? Arity is checked before. */
typedef bool command_reads_f(const struct request *request);

/* One argument, for COMMAND DOCS: redis-cli shows it as a hint. */
struct command_argument {
	const char *name;  /* "psychologist" */
	const char *type;  /* "string", "integer", "block", "pure-token" as in Redis */
	const char *token; /* "COUNT", or NULL */
	bool optional;
	bool multiple;
};

#define COMMAND_ARGUMENTS_MAX 8

struct command {
	const char *name; /* "BOOK" */
	command_f *execute;
	command_plan_f *plan; /* NULL: it cannot be one of a group */
	command_answer_f *answer;
	command_reads_f *reads; /* NULL: no request of one that writes only reads */
	enum command_class class;
	unsigned flags;
	uint32_t words_min; /* words of a request, the name included */
	uint32_t words_max;
	const char *usage;   /* "psychologist date time client": what `arguments` say, on one line */
	const char *summary; /* one sentence, for HELP and COMMAND DOCS */
	const char *since;   /* "0.1.0" */
	struct command_argument arguments[COMMAND_ARGUMENTS_MAX];
};

/* May this request append a record? */
bool command_writes(const struct command *command, const struct request *request);

/* Of the classes that give way to bookings and reads: hours, sync. */
bool command_can_wait(const struct command *command);

/* The table, in the order of docs/PROTOCOL.md. */
const struct command *command_at(size_t i);
size_t command_count(void);
/* By name, letter case ignored; NULL if there is none. */
const struct command *command_find(struct span name);

/* Handlers, each in its room. */
command_f command_book, command_claim;
command_f command_hold, command_renew, command_commit, command_confirm, command_cancel, command_reschedule,
    command_complete, command_noshow;
command_f command_slot, command_slots, command_session;
command_f command_alternatives, command_sessions;
command_f command_busy, command_calendar, command_hours, command_open, command_close, command_purge;
command_f command_ping, command_echo, command_hello, command_auth, command_select, command_client, command_reset,
    command_quit, command_time, command_help;
command_f command_docs;
command_f command_hot;
command_f command_info, command_config, command_shutdown, command_snapshot, command_import;
command_f command_group; /* BOOKALL, BOOKANY */
command_f command_multi, command_exec, command_discard, command_watch, command_unwatch;
command_plan_f command_plan_book, command_plan_bookall, command_plan_bookany;
command_plan_f command_plan_hold, command_plan_renew, command_plan_commit, command_plan_confirm, command_plan_cancel,
    command_plan_reschedule, command_plan_complete, command_plan_noshow;
command_answer_f command_answer_book, command_answer_claim, command_answer_bookall, command_answer_bookany;
command_answer_f command_answer_hold, command_answer_renew, command_answer_status;
