/*
 * Proves that requests are admitted, refused and answered as client libraries need it: the table of commands, word
 * counts, LOADING, MULTI, the connection commands of both protocols, INFO and CONFIG.
 *
 * Method: command_execute on a service without workers, with a clock of the test's own; replies are compared as bytes.
 * What touches slots has tests of its own (tests/unit/serve/desk.c, tests/talk).
 */
#include <criterion/criterion.h>
#include <serve/command.h>
#include <serve/desk.h>
#include <stdio.h>
#include <stdlib.h>

#define NOW_MS UINT64_C(1925456400123)

static uint64_t wall_ms(void *context)
{
	(void)context;
	return NOW_MS;
}

static uint64_t monotonic_ns(void *context)
{
	(void)context;
	return UINT64_C(90061) * 1000000000;
}

static int wakes;

static void wake_all(struct service *service)
{
	(void)service;
	wakes++;
}

static struct config config;
static struct clock test_clock = {.wall_ms = wall_ms, .monotonic_ns = monotonic_ns};
static struct memory memory;
static struct table table; /* of zeros: INFO looks at it */
static struct desk desk = {.memory = &memory, .table = &table};
static struct service service = {
    .config = &config, .clock = &test_clock, .desk = &desk, .worker_count = 1, .wake_all = wake_all};
static struct client client;
static struct buffer out;

static void init(void)
{
	config_defaults(&config);
	memory_init(&memory, config.maxmemory);
	client = (struct client){.id = 7, .protocol = 2, .created_ms = NOW_MS - 5000};
	strcpy(client.address, "127.0.0.1:40312");
	strcpy(client.local_address, "127.0.0.1:5545");
}

static void fini(void)
{
	buffer_fini(&out);
}

TestSuite(command, .init = init, .fini = fini);

/* What a line is answered with; good until the next. */
static const char *answer(const char *line)
{
	struct request request = {0};
	const char *error;
	const enum request_result result = request_split(&request, span_of(line), &error);
	cr_assert_eq(result, REQUEST_READY, "%s: %s", line, error);
	struct reply reply = {&out, client.protocol};
	out.size = 0;
	cr_assert_eq(command_execute(&service, &client, &request, &reply), 0);
	request_fini(&request);
	*buffer_room(&out, 1) = '\0';
	return (const char *)out.at;
}

static void expect(const char *line, const char *bytes)
{
	cr_assert_str_eq(answer(line), bytes, "%s: %s", line, out.at);
}

static bool contains(const char *line, const char *part)
{
	return strstr(answer(line), part) != NULL;
}

/* -------------------------------------------------------------------------------------------------------- the table */

Test(command, every_command_is_found_by_its_name_in_any_case)
{
	for (size_t i = 0; i < command_count(); i++) {
		const struct command *command = command_at(i);
		char name[32];
		strcpy(name, command->name);
		cr_assert_eq(command_find(span_of(name)), command);
		for (char *letter = name; *letter != '\0'; letter++) {
			*letter = (char)(*letter | 0x20);
		}
		cr_assert_eq(command_find(span_of(name)), command);
		name[0] = (char)(name[0] & ~0x20);
		cr_assert_eq(command_find(span_of(name)), command);
		name[strlen(name) - 1]++;
		cr_assert_null(command_find(span_of(name)), "%s", name);
	}
	cr_assert_null(command_find(span_of("")));
	cr_assert_null(command_find(span_of("SLOTSLOTSLOTS")));
	cr_assert_null(command_find(span_of("{OOK")));
}

/* "[COUNT n]" of an argument. */
static void describe(struct buffer *text, const struct command_argument *argument)
{
	const bool pure = strcmp(argument->type, "pure-token") == 0;
	const char *name = pure ? argument->token : argument->name;
	buffer_format(text, "%s%s%s%s%s", text->size > 0 ? " " : "", argument->optional ? "[" : "",
		      !pure && argument->token != NULL ? argument->token : "",
		      !pure && argument->token != NULL ? " " : "", name);
	if (argument->multiple) {
		argument->optional ? buffer_format(text, " ...") : buffer_format(text, " [%s ...]", name);
	}
	buffer_format(text, "%s", argument->optional ? "]" : "");
}

Test(command, usage_says_what_the_arguments_say)
{
	for (size_t i = 0; i < command_count(); i++) {
		const struct command *command = command_at(i);
		struct buffer text = {0};
		for (size_t j = 0; j < COMMAND_ARGUMENTS_MAX && command->arguments[j].name != NULL; j++) {
			describe(&text, &command->arguments[j]);
		}
		buffer_add(&text, "", 1);
		cr_assert_str_eq((const char *)text.at, command->usage, "%s: %s", command->name, text.at);
		buffer_fini(&text);
	}
}

Test(command, what_is_wrong_with_a_request_is_said_without_its_words)
{
	expect("BOOKK dr-lee 2031-01-06 09:00 secret", "-ERR unknown command 'BOOKK', try HELP\r\n");
	expect("\"a\\r\\n\\x00\\xff'\"", "-ERR unknown command 'a\?\?\?\?'', try HELP\r\n");
	expect("book dr-lee 2031-01-06 09:00",
	       "-ERR wrong number of arguments for 'book' command, usage: BOOK psychologist date time client "
	       "[ALT n]\r\n");
	expect("QUIT now", "-ERR wrong number of arguments for 'quit' command, usage: QUIT\r\n");
	char line[256];
	snprintf(line, sizeof line, "%0200d", 7);
	expect(line, "-ERR unknown command '0000000000000000000000000000000000000000000000000000000000000000', "
		     "try HELP\r\n");
}

Test(command, requests_and_errors_are_counted)
{
	struct counters *counters = service_counters(&service);
	answer("PING");
	answer("nonsense");
	answer("ECHO -1");
	cr_assert_eq(atomic_load_explicit(&counters->commands, memory_order_relaxed), 3);
	cr_assert_eq(atomic_load_explicit(&counters->errors, memory_order_relaxed), 1);
	cr_assert_eq(client.requests, 3);
	cr_assert_eq(client.last_ms, NOW_MS);
	cr_assert_str_eq(client.last_command->name, "ECHO");
}

Test(command, what_can_wait_waits_for_its_turn)
{
	static const char *const waiting[] = {"OPEN a 2031-01-06 09:00 50", "CLOSE a 2031-01-06",
					      "PURGE BEFORE 2020-01-01",
					      "BUSY a b 1 2031-01-06T00:00 2031-01-07T00:00"};
	const struct counters *counters = service_counters(&service);
	client.postpones = true;
	for (size_t i = 0; i < sizeof waiting / sizeof waiting[0]; i++) {
		expect(waiting[i], "");
		cr_assert(client.postponed, "%s", waiting[i]);
		cr_assert_null(client.task);
	}
	cr_assert_eq(atomic_load_explicit(&counters->commands, memory_order_relaxed), 0);
	expect("PING", "+PONG\r\n");
	cr_assert_not(client.postponed);
	client.postpones = false;
	cr_assert_eq(*answer("PURGE AFTER 2020-01-01"), '-');
	cr_assert_not(client.postponed);
}

/* ----------------------------------------------------------------------------------------------- loading, and MULTI */

Test(command, without_space_for_the_log_whatever_writes_is_refused)
{
	client.log = LOG_STATE_FULL;
	static const char *const writing[] = {
	    "BOOK a 2031-01-06 09:00 b",  "CLAIM a 2031-01-06 09:00 b", "CANCEL 1",
	    "OPEN a 2031-01-06 09:00 50", "CLOSE a 2031-01-06",         "PURGE BEFORE 2020-01-01"};
	for (size_t i = 0; i < sizeof writing / sizeof writing[0]; i++) {
		expect(writing[i],
		       "-MISCONF No space left for the log: nothing can be booked or changed until there is, "
		       "reading goes on\r\n");
	}
	expect("ECHO hello", "$5\r\nhello\r\n");
}

Test(command, while_the_disk_does_not_answer_whatever_writes_is_refused)
{
	client.log = LOG_STATE_STUCK;
	expect("BOOK a 2031-01-06 09:00 b",
	       "-MISCONF The disk of the log does not answer: nothing can be booked or changed until it does, "
	       "reading goes on\r\n");
	expect("ECHO hello", "$5\r\nhello\r\n");
}

Test(command, when_the_log_has_failed_everything_is_refused)
{
	static const char refusal[] = "-MISCONF The log failed: what became of this request is not known, ask again "
				      "after the restart\r\n";
	client.log = LOG_STATE_FAILED;
	expect("BOOK a 2031-01-06 09:00 b", refusal);
	expect("PING", refusal);
	expect("nonsense", refusal);
}

Test(command, while_the_log_is_read_only_what_needs_no_slots_is_answered)
{
	atomic_store_explicit(&service.loading, true, memory_order_release);
	static const char *const waiting[] = {"PING",
					      "BOOK a 2031-01-06 09:00 b",
					      "CLAIM a 2031-01-06 09:00 b",
					      "CANCEL 1",
					      "SLOT a 2031-01-06 09:00",
					      "SLOTS a 2031-01-06",
					      "ALTERNATIVES a 2031-01-06 09:00",
					      "SESSION 1",
					      "SESSIONS a",
					      "OPEN a 2031-01-06 09:00 50",
					      "CLOSE a 2031-01-06",
					      "PURGE BEFORE 2020-01-01"};
	for (size_t i = 0; i < sizeof waiting / sizeof waiting[0]; i++) {
		expect(waiting[i], "-LOADING slotd is reading its log\r\n");
	}
	expect("ECHO hello", "$5\r\nhello\r\n");
	expect("SELECT 0", "+OK\r\n");
	cr_assert(contains("INFO", "loading:1\r\n"));
	cr_assert(contains("INFO persistence", "loading_eta_seconds:1\r\n"));
	/* As in Redis, so that what waits for Redis waits for this. */
	cr_assert(contains("INFO persistence", "loading_total_bytes:0\r\n"));
	service.loading_bytes = 1000;
	service.loaded_bytes = 250;
	cr_assert(contains("INFO persistence", "loading_total_bytes:1000\r\nloading_loaded_bytes:250\r\n"
					       "loading_loaded_perc:25.00\r\n"));
	service.loaded_bytes = 1250;
	cr_assert(contains("INFO persistence", "loading_loaded_perc:100.00\r\nloading_eta_seconds:1\r\n"));
	cr_assert(contains("HELLO 3", "version"));
}

Test(command, nothing_between_multi_and_exec_is_executed)
{
	expect("MULTI", "+OK\r\n");
	expect("ECHO hello", "+QUEUED\r\n");
	expect("MULTI", "-ERR MULTI calls can not be nested\r\n");
	expect("EXEC", "*1\r\n$5\r\nhello\r\n");
	expect("ECHO hello", "$5\r\nhello\r\n");
	expect("EXEC", "-ERR EXEC without MULTI\r\n");
	answer("MULTI");
	expect("DISCARD", "+OK\r\n");
	expect("ECHO hello", "$5\r\nhello\r\n");
	expect("DISCARD", "-ERR DISCARD without MULTI\r\n");
	answer("MULTI");
	expect("RESET", "+RESET\r\n");
	expect("ECHO hello", "$5\r\nhello\r\n");
	cr_assert(contains("WATCH a b", "-ERR WATCH is not supported"));
	expect("UNWATCH", "+OK\r\n");
}

Test(command, what_is_refused_while_it_is_queued_makes_exec_refuse_the_rest)
{
	static const char *const refused[] = {"BOOKING",  "ECHO",     "HELLO 3",           "OPEN a 2031-01-06 09:00 50",
					      "SNAPSHOT", "SHUTDOWN", "CLOSE a 2031-01-06"};
	for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
		expect("MULTI", "+OK\r\n");
		cr_assert_eq(answer(refused[i])[0], '-', "%s", refused[i]);
		expect("ECHO hello", "+QUEUED\r\n");
		expect("EXEC", "-EXECABORT Transaction discarded because of previous errors.\r\n");
	}
	expect("MULTI", "+OK\r\n");
	expect("EXEC", "*0\r\n");
}

Test(command, a_multi_queues_no_more_than_the_options_say)
{
	config.multi_commands = 2;
	expect("MULTI", "+OK\r\n");
	expect("ECHO 1", "+QUEUED\r\n");
	expect("ECHO 2", "+QUEUED\r\n");
	cr_assert(contains("ECHO 3", "-LIMIT a MULTI queues at most 2 commands"));
	cr_assert(contains("EXEC", "-EXECABORT"));
	config.multi_commands = 1000;
	config.multi_size = 40; /* two words, their sizes beside them */
	expect("MULTI", "+OK\r\n");
	expect("ECHO 123456789012", "+QUEUED\r\n");
	cr_assert(contains("ECHO 12345", "-LIMIT a MULTI queues at most"));
	expect("DISCARD", "+OK\r\n");
}

Test(command, a_multi_sent_while_loading_still_holds_when_the_log_is_read)
{
	atomic_store_explicit(&service.loading, true, memory_order_release);
	expect("MULTI", "+OK\r\n");
	cr_assert(contains("BOOK a 2031-01-06 09:00 b", "-LOADING"));
	atomic_store_explicit(&service.loading, false, memory_order_release);
	expect("BOOK a 2031-01-06 09:00 b", "+QUEUED\r\n");
	cr_assert(contains("EXEC", "-EXECABORT"));
}

/* ---------------------------------------------------------------------------------------------- connection commands */

Test(command, hello_answers_in_the_protocol_it_chose)
{
	expect("HELLO", "*14\r\n$6\r\nserver\r\n$5\r\nslotd\r\n$7\r\nversion\r\n$6\r\n7.0.15\r\n$5\r\nproto\r\n:2\r\n"
			"$2\r\nid\r\n:7\r\n$4\r\nmode\r\n$10\r\nstandalone\r\n$4\r\nrole\r\n$6\r\nmaster\r\n"
			"$7\r\nmodules\r\n*0\r\n");
	cr_assert_eq(strncmp(answer("hello 3 auth default x setname me"), "%7\r\n$6\r\nserver\r\n", 16), 0);
	cr_assert_eq(client.protocol, 3);
	cr_assert_str_eq(client.name, "me");
	cr_assert_eq(strncmp(answer("HELLO 2"), "*14\r\n", 5), 0);
	cr_assert_eq(client.protocol, 2);
}

Test(command, a_hello_that_is_refused_changes_nothing)
{
	expect("HELLO 4", "-NOPROTO unsupported protocol version\r\n");
	expect("HELLO three", "-ERR Protocol version is not an integer or out of range\r\n");
	expect("HELLO 3 SETNAME me AUTH somebody x",
	       "-WRONGPASS invalid username-password pair or user is disabled.\r\n");
	cr_assert(contains("HELLO 3 SETNAME", "-ERR Syntax error in HELLO"));
	cr_assert(contains("HELLO 3 AUTH default", "-ERR Syntax error in HELLO"));
	cr_assert(contains("HELLO 3 SETNAME \"a b\"", "-ERR Client names cannot contain spaces"));
	cr_assert_eq(client.protocol, 2);
	cr_assert_str_eq(client.name, "");
}

Test(command, small_answers_are_redis_s)
{
	expect("PING", "+PONG\r\n");
	expect("ping hi", "$2\r\nhi\r\n");
	expect("SELECT 1", "-ERR DB index is out of range\r\n");
	expect("SELECT x", "-ERR value is not an integer or out of range\r\n");
	expect("AUTH x", "-ERR AUTH <password> called without any password configured for the default user. "
			 "Are you sure your configuration is correct?\r\n");
	expect("AUTH default x", "+OK\r\n");
	expect("AUTH me x", "-WRONGPASS invalid username-password pair or user is disabled.\r\n");
	expect("TIME", "*2\r\n$10\r\n1925456400\r\n$6\r\n123000\r\n");
	expect("QUIT", "+OK\r\n");
	cr_assert(client.close_asked);
}

Test(command, a_connection_can_be_named)
{
	expect("CLIENT ID", ":7\r\n");
	expect("CLIENT GETNAME", "$-1\r\n");
	expect("CLIENT SETNAME worker-1", "+OK\r\n");
	expect("CLIENT GETNAME", "$8\r\nworker-1\r\n");
	expect("client setinfo LIB-NAME ioredis(x)", "+OK\r\n");
	expect("client setinfo lib-ver 5.11.0", "+OK\r\n");
	cr_assert(contains("CLIENT SETINFO LIB-WHAT x", "-ERR Unrecognized option"));
	cr_assert(contains("CLIENT SETNAME \"a\\nb\"", "-ERR Client names cannot contain"));
	char line[128];
	snprintf(line, sizeof line, "CLIENT SETNAME %0*d", CLIENT_NAME_SIZE, 7);
	cr_assert(contains(line, "-ERR Client names cannot contain"));
	expect("CLIENT GETNAME", "$8\r\nworker-1\r\n");
	cr_assert(
	    contains("CLIENT INFO", "id=7 addr=127.0.0.1:40312 laddr=127.0.0.1:5545 name=worker-1 age=5 idle=0 "));
	cr_assert(contains("CLIENT INFO", " cmd=client user=default resp=2 lib-name=ioredis(x) lib-ver=5.11.0 "));
	expect("CLIENT NO-EVICT on", "+OK\r\n");
	expect("CLIENT NO-TOUCH off", "+OK\r\n");
	expect("CLIENT ID x", "-ERR wrong number of arguments for 'client' command, try CLIENT HELP\r\n");
	expect("CLIENT MAINT_NOTIFICATIONS ON", "-ERR unknown subcommand 'MAINT_NOTIFICATIONS', try CLIENT HELP\r\n");
}

Test(command, client_list_shows_the_worker_s_clients)
{
	struct client other = {.id = 9, .protocol = 3};
	client.next = &other;
	service.clients[0] = &client;
	cr_assert(contains("CLIENT LIST", "id=7 "));
	cr_assert(contains("CLIENT LIST", "\nid=9 "));
}

/* ------------------------------------------------------------------------------------- INFO, CONFIG, SHUTDOWN, HELP */

Test(command, info_has_every_field_that_scripts_rely_on)
{
	static const char *const fields[] = {"redis_version:7.0.15\r\n",
					     "slotd_version:",
					     "uptime_in_seconds:90061\r\n",
					     "role:master\r\n",
					     "loading:0\r\n",
					     "connected_clients:0\r\n",
					     "used_memory:0\r\n",
					     "used_memory_rss:",
					     "maxmemory:2147483648\r\n",
					     "claims_won:3\r\n",
					     "claims_lost:0\r\n",
					     "slots_open:12\r\n",
					     "slots_booked:0\r\n",
					     "slots_held:0\r\n",
					     "slots_blocked:0\r\n",
					     "wal_appended_lsn:0\r\n",
					     "wal_durable_lsn:0\r\n",
					     "wal_engine:none\r\n",
					     "commits:0\r\n",
					     "records_per_commit_avg:0.00\r\n",
					     "snapshot_lsn:0\r\n",
					     "# Server\r\n",
					     "\r\n\r\n# Clients\r\n"};
	count(&service.counters[0].claims_won, 1);
	count(&service.counters[1].claims_won, 2); /* of the thread that replays */
	count(&service.counters[0].slots_open, -8);
	count(&service.counters[1].slots_open, 20);
	for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
		cr_assert(contains("info", fields[i]), "%s", fields[i]);
		cr_assert(contains("INFO everything", fields[i]), "%s", fields[i]);
	}
	cr_assert_not(contains("INFO", "used_memory_rss:0\r\n"));
}

Test(command, info_answers_the_sections_asked_for)
{
	expect("INFO replication", "$48\r\n# Replication\r\nrole:master\r\nconnected_slaves:0\r\n\r\n");
	expect("INFO nothing", "$0\r\n\r\n");
	cr_assert(contains("INFO clients LOG", "# Clients\r\n"));
	cr_assert(contains("INFO clients LOG", "# Log\r\n"));
	cr_assert_not(contains("INFO clients LOG", "# Server\r\n"));
	client.protocol = 3;
	expect("INFO replication", "=52\r\ntxt:# Replication\r\nrole:master\r\nconnected_slaves:0\r\n\r\n");
}

Test(command, fsync_no_is_loud)
{
	cr_assert_not(contains("INFO", "FSYNC IS OFF"));
	config.fsync = false;
	cr_assert(contains("INFO", "warning:FSYNC IS OFF"));
	cr_assert(contains("INFO persistence", "fsync:no\r\n"));
}

Test(command, config_get_matches_patterns)
{
	expect("CONFIG GET save", "*2\r\n$4\r\nsave\r\n$0\r\n\r\n");
	expect("CONFIG GET appendonly", "*2\r\n$10\r\nappendonly\r\n$3\r\nyes\r\n");
	expect("CONFIG GET PORT", "*2\r\n$4\r\nport\r\n$4\r\n5545\r\n");
	expect("CONFIG GET *-timeout maxclients", "*6\r\n$14\r\ncommit-timeout\r\n$1\r\n5\r\n$10\r\nmaxclients\r\n$"
						  "5\r\n10000\r\n$15\r\nrequest-timeout\r\n$2\r\n30\r\n");
	expect("CONFIG GET \"port\\x00\" nothing", "*0\r\n");
	cr_assert(contains("CONFIG GET *", "$4\r\nunix\r\n$0\r\n\r\n"));
	client.protocol = 3;
	expect("CONFIG GET port", "%1\r\n$4\r\nport\r\n$4\r\n5545\r\n");
}

Test(command, config_set_says_where_to_set_it)
{
	expect("CONFIG SET port 1", "-ERR port cannot be set at run time: set it in the config file or on the command "
				    "line, and restart\r\n");
	cr_assert(contains("CONFIG SET secret 1", "-ERR unknown option, CONFIG GET * lists them"));
	expect("CONFIG SET port", "-ERR wrong number of arguments for 'config' command, try CONFIG HELP\r\n");
	expect("CONFIG SAVE", "-ERR unknown subcommand 'SAVE', try CONFIG HELP\r\n");
}

Test(command, shutdown_stops_the_server_without_an_answer)
{
	cr_assert(contains("SHUTDOWN later", "-ERR syntax error"));
	cr_assert_not(atomic_load_explicit(&service.stopping, memory_order_relaxed));
	expect("SHUTDOWN NOSAVE", "");
	cr_assert(atomic_load_explicit(&service.stopping, memory_order_relaxed));
	cr_assert(client.close_asked);
	cr_assert_eq(wakes, 1);
}

Test(command, help_is_lines_for_a_person)
{
	expect("HELP claim",
	       "*2\r\n+CLAIM psychologist date time client\r\n"
	       "+Books a slot as BOOK does, and answers 1 if it is the client's, 0 if it is another's.\r\n");
	cr_assert(contains("HELP", "\r\n+MULTI\r\n"));
	expect("HELP me", "-ERR unknown command 'me', try HELP\r\n");
}

/* ---------------------------------------------------------------------------------------------------------- COMMAND */

Test(command, command_describes_the_table_in_redis_s_shapes)
{
	expect("COMMAND INFO slots nothing",
	       "*2\r\n*10\r\n$5\r\nslots\r\n:-3\r\n*1\r\n+readonly\r\n:0\r\n:0\r\n:0\r\n*1\r\n+@read\r\n"
	       "*0\r\n*0\r\n*0\r\n$-1\r\n");
	expect("COMMAND DOCS nothing close",
	       "*2\r\n$5\r\nclose\r\n*8\r\n$7\r\nsummary\r\n$77\r\nTakes the free slots of a day, or one, out of the "
	       "hours; "
	       "occupied slots "
	       "stay.\r\n$5\r\nsince\r\n$5\r\n0.1.0\r\n$5\r\ngroup\r\n$5\r\nhours\r\n$9\r\narguments\r\n*3\r\n"
	       "*4\r\n$4\r\nname\r\n$12\r\npsychologist\r\n$4\r\ntype\r\n$6\r\nstring\r\n"
	       "*4\r\n$4\r\nname\r\n$4\r\ndate\r\n$4\r\ntype\r\n$6\r\nstring\r\n"
	       "*6\r\n$4\r\nname\r\n$4\r\ntime\r\n$4\r\ntype\r\n$6\r\nstring\r\n$5\r\nflags\r\n*1\r\n+optional\r\n");
	client.protocol = 3;
	cr_assert(contains("COMMAND DOCS purge", "%1\r\n$5\r\npurge\r\n%4\r\n"));
	cr_assert(contains(
	    "COMMAND DOCS purge",
	    "%3\r\n$4\r\nname\r\n$4\r\ndate\r\n$4\r\ntype\r\n$6\r\nstring\r\n$5\r\ntoken\r\n$6\r\nBEFORE\r\n"));
}

/* Reads one value of any kind at *at, and all that is in it. */
static void read_value(const char **at, int *values)
{
	const char kind = **at;
	long number = strtol(*at + 1, NULL, 10);
	*at = strstr(*at, "\r\n") + 2;
	++*values;
	switch (kind) {
	case '$':
		*at += number >= 0 ? number + 2 : 0;
		return;
	case '%':
		number *= 2;
		break;
	case '*':
	case '~':
		break;
	default:
		cr_assert(kind == ':' || kind == '+' || kind == '_');
		return;
	}
	for (; number > 0; number--) {
		read_value(at, values);
	}
}

Test(command, every_announced_length_is_kept)
{
	static const char *const lines[] = {"COMMAND",       "COMMAND DOCS",  "COMMAND INFO", "COMMAND LIST",
					    "COMMAND COUNT", "COMMAND HELP",  "CLIENT HELP",  "CONFIG HELP",
					    "CONFIG GET *",  "HELP",          "HELLO",        "TIME",
					    "HELP BOOK",     "CLIENT GETNAME"};
	for (int protocol = 2; protocol <= 3; protocol++) {
		for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
			client.protocol = protocol;
			const char *at = answer(lines[i]);
			int values = 0;
			read_value(&at, &values);
			cr_assert_eq(*at, '\0', "%s leaves %s", lines[i], at);
			cr_assert_gt(values, 0);
		}
	}
}
