/*
 * config: what can be set, with its default, from the file and the command line.
 *
 * Options are the same words in both: `name value` lines in the file (redis.conf style: # comments, quoting as in
 * requests), `--name value` on the command line, which wins. `slotd [FILE] [--name value]...`. An unknown name or a
 * value that is not allowed is an error that names the line (or the argument) and what is allowed.
 *
 * Sizes take kb, mb, gb (1024 based, as in redis.conf) or plain bytes; booleans take yes and no.
 *
 * Threads: written once by main before threads start, const afterwards.
 */
#pragma once

#include <base/bytes.h>
#include <base/error.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define CONFIG_TEXT_SIZE 256

struct config {
	uint16_t port;                    /* port: TCP port, default 5545; 0 for none */
	char bind[CONFIG_TEXT_SIZE];      /* bind: address to listen on, default 127.0.0.1 */
	char unix_path[CONFIG_TEXT_SIZE]; /* unix: path of a UNIX socket, default none */
	char dir[CONFIG_TEXT_SIZE];       /* dir: data directory, default slotd-data; created if missing */
	uint32_t threads;                 /* threads: workers, 1 to THREADS_MAX, default 1 */
	uint64_t maxmemory;               /* maxmemory: bytes for slots, sessions, tokens; default 2gb, least 16mb */
	bool fsync;                       /* fsync: flush before answering, default yes; no is for measuring only */
	bool unlisted_slots;              /* unlisted-slots: may slots nobody opened be claimed, default no */
	char timezone[CONFIG_TEXT_SIZE];  /* timezone: IANA name, default UTC */
	uint64_t segment_size;            /* segment-size: bytes of a log segment, default 64mb, 1mb to 4gb */
	uint64_t snapshot_log_size; /* snapshot-log-size: growth of the log that asks for a snapshot, default 1gb */
	uint64_t log_retain;        /* log-retain: bytes of segments kept that no snapshot needs, default 256mb */
	uint32_t batch_size;        /* batch-size: bytes of a commit at most, default 4mb, 64kb to 64mb */
	uint32_t hold_ttl;          /* hold-ttl: seconds of a HOLD that does not say, default 300 */
	uint32_t hold_ttl_max;      /* hold-ttl-max: seconds one HOLD or RENEW may ask for, default 900, to 65535 */
	uint32_t hold_total_max;    /* hold-total-max: seconds a session is held with all its RENEWs, default 3600 */
	uint32_t holds_per_client;  /* holds-per-client: live holds of one client, default 3 */
	uint32_t holds_max;         /* holds-max: holds of all clients, default 100000 */
	uint32_t commit_timeout;    /* commit-timeout: seconds a commit may take before writes are refused, default 5 */
	uint32_t commit_delay;      /* commit-delay: microseconds a commit waits at most to be shared, default 1000 */
	uint32_t background_slice;  /* background-slice: microseconds a loop gives to what can wait, default 100 */
	uint32_t background_rest;   /* background-rest: how many times as long that rests, default 9 */
	uint32_t maxclients;        /* maxclients: connections at most, default 10000 */
	uint32_t timeout;           /* timeout: seconds an idle connection is kept, default 0: for ever */
	uint32_t request_timeout;   /* request-timeout: seconds half a request may take, default 30; 0: for ever */
	uint32_t multi_commands;    /* multi-commands: requests a MULTI queues at most, default 1000 */
	uint64_t multi_size;        /* multi-size: bytes of them at most, default 256kb */
	uint64_t output_limit;      /* output-limit: bytes of unread replies a connection may have, default 8mb */
	uint32_t alternatives_days; /* alternatives-days: how far ALTERNATIVES looks to each side, default 60 */
	uint32_t hot_entries;       /* hot-entries: slots for which a worker counts losers, default 1024; 0: none */
	/* sessions-max-reply: sessions that one SESSIONS answers at most, default 1000 */
	uint32_t sessions_max_reply;
	uint32_t busy_sources_max;        /* busy-sources-max: of one psychologist, default 8 */
	uint32_t busy_intervals_max;      /* busy-intervals-max: of one source, default 4096 */
	uint32_t horizon_days;            /* horizon-days: ahead of today, for hours, default 60 */
	uint32_t retain_days;             /* retain-days: that the availability service keeps, default 90; 0: all */
	uint16_t http_port;               /* http-port: TCP port of the calendars, default 0: none */
	char feed_file[CONFIG_TEXT_SIZE]; /* feed-file: which calendars it serves, see http/feeds.h */
	uint32_t feed_days_past;          /* feed-days-past: days before today in them, default 30 */
	uint32_t feed_days_ahead;         /* feed-days-ahead: days from today on, default 366 */
	char io[CONFIG_TEXT_SIZE];        /* io: auto, io_uring or posix, default auto */
	char loglevel[CONFIG_TEXT_SIZE];  /* loglevel: debug, info, warning or error, default info */
};

void config_defaults(struct config *config);
/* Reads the command line (and the file it names). `argv` as main got it. --help and --version are main's. */
bool config_parse(struct config *config, int argc, char **argv, struct error *error);
bool config_parse_file(struct config *config, const char *path, struct error *error);

/* The options in order: name, present value as text, one line of help with default and range. For CONFIG GET, --help
 * and docs/OPERATIONS.md. Returns false past the last. */
struct config_entry {
	const char *name;
	const char *help;
	char value[CONFIG_TEXT_SIZE];
};
bool config_entry(const struct config *config, size_t i, struct config_entry *entry);

/* The usage of slotd and every option, for --help. */
void config_help(FILE *stream);
