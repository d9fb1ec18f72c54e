/*
 * command_config: CONFIG and SHUTDOWN: what the server runs with, and ending it.
 *
 * Options are set in the config file and on the command line only. CONFIG GET also knows what redis-benchmark and other
 * tools ask of Redis by name.
 */
#include "command_reply.h"
#include <base/check.h>
#include <fnmatch.h>

/* Redis's names for what slotd says otherwise. */
static const char *const redis_names[] = {"save", "appendonly", "maxmemory-policy", "databases"};
#define REDIS_NAME_COUNT (sizeof redis_names / sizeof redis_names[0])

static const char *redis_value(const struct config *config, const char *name)
{
	if (strcmp(name, "appendonly") == 0) {
		return config->fsync ? "yes" : "no";
	}
	if (strcmp(name, "maxmemory-policy") == 0) {
		return "noeviction";
	}
	return strcmp(name, "databases") == 0 ? "1" : "";
}

/* The i-th of all options, slotd's and then Redis's. False past the last. */
static bool entry_at(const struct config *config, size_t own_count, size_t i, struct config_entry *entry)
{
	if (i < own_count) {
		return config_entry(config, i, entry);
	}
	if (i - own_count >= REDIS_NAME_COUNT) {
		return false;
	}
	entry->name = redis_names[i - own_count];
	strcpy(entry->value, redis_value(config, entry->name));
	return true;
}

static size_t own_entries(const struct config *config)
{
	struct config_entry entry;
	size_t count = 0;
	while (config_entry(config, count, &entry)) {
		count++;
	}
	return count;
}

/* Does one of the words from 2 on match, as a pattern with * ? [a-z], letter case ignored? */
static bool asked_for(const struct request *request, const char *name)
{
	for (uint32_t i = 2; i < request->count; i++) {
		char pattern[WORD_SIZE_MAX + 1];
		const struct span word = request->words[i];
		CHECK(word.size <= WORD_SIZE_MAX);
		memcpy(pattern, word.at, word.size);
		pattern[word.size] = '\0';
		if (strlen(pattern) == word.size && fnmatch(pattern, name, FNM_CASEFOLD) == 0) {
			return true;
		}
	}
	return false;
}

static void config_get(const struct service *service, const struct request *request, struct reply *reply)
{
	const struct config *config = service->config;
	const size_t own_count = own_entries(config);
	struct config_entry entry;
	size_t found = 0;
	for (size_t i = 0; entry_at(config, own_count, i, &entry); i++) {
		found += asked_for(request, entry.name);
	}
	reply_map(reply, found);
	for (size_t i = 0; entry_at(config, own_count, i, &entry); i++) {
		if (asked_for(request, entry.name)) {
			reply_text(reply, entry.name);
			reply_text(reply, entry.value);
		}
	}
}

static void config_set(const struct service *service, const struct request *request, struct reply *reply)
{
	struct config_entry entry;
	for (size_t i = 0; config_entry(service->config, i, &entry); i++) {
		if (span_is(request->words[2], entry.name)) {
			reply_error(reply,
				    "ERR %s cannot be set at run time: set it in the config file or on the command "
				    "line, and restart",
				    entry.name);
			return;
		}
	}
	reply_error(reply, "ERR unknown option, CONFIG GET * lists them; none can be set at run time");
}

static void reply_help(struct reply *reply)
{
	static const char *const lines[] = {
	    "CONFIG GET pattern [pattern ...] -- options and their values; * ? [a-z] match names",
	    "CONFIG SET, REWRITE, RESETSTAT -- refused: options are set in the config file or on the command line",
	};
	command_reply_lines(reply, lines, sizeof lines / sizeof lines[0]);
}

uint64_t command_config(struct service *service, struct client *client, const struct request *request,
			struct reply *reply)
{
	(void)client;
	const struct span subcommand = request->words[1];
	if (span_is(subcommand, "GET") && request->count > 2) {
		config_get(service, request, reply);
	} else if (span_is(subcommand, "SET") && request->count > 3) {
		config_set(service, request, reply);
	} else if (span_is(subcommand, "GET") || span_is(subcommand, "SET")) {
		reply_error(reply, "ERR wrong number of arguments for 'config' command, try CONFIG HELP");
	} else if (span_is(subcommand, "RESETSTAT")) {
		reply_error(reply, "ERR counters are not reset: take differences");
	} else if (span_is(subcommand, "REWRITE")) {
		reply_error(reply, "ERR the config file is not rewritten: nothing can be set at run time");
	} else if (span_is(subcommand, "HELP")) {
		reply_help(reply);
	} else {
		command_reply_unknown_subcommand(reply, request, "CONFIG");
	}
	return 0;
}

/* As SIGTERM. SAVE and NOSAVE are Redis's words for what slotd does not decide at the end: what was acknowledged has
 * been written. There is no answer but the end of the connection. */
uint64_t command_shutdown(struct service *service, struct client *client, const struct request *request,
			  struct reply *reply)
{
	if (request->count > 1 && !span_is(request->words[1], "SAVE") && !span_is(request->words[1], "NOSAVE")) {
		reply_error(reply, "ERR syntax error, usage: SHUTDOWN [SAVE|NOSAVE]");
		return 0;
	}
	client->close_asked = true;
	/* Relaxed: wake_all makes every worker look. */
	atomic_store_explicit(&service->stopping, true, memory_order_relaxed);
	service->wake_all(service);
	return 0;
}
