/*
 * goals: see goals.h.
 */
#include <bench/goals.h>
#include <stdbool.h>

#define FIGURE(row, who, metric)                                                                                       \
	{                                                                                                              \
		row, who, metric                                                                                       \
	}

const struct goal goals[] = {
    {.what = "durable BOOK, 50 clients, pipeline 16",
     .against = "Redis SET NX, appendfsync always",
     .left = FIGURE("book-50x16", "slotd", "rate"),
     .right = {{1, FIGURE("book-50x16", "redis-always", "rate")}},
     .at_least = true,
     .bound = 3},
    {.what = "the same",
     .against = "Redis SET NX, no persistence",
     .left = FIGURE("book-50x16", "slotd", "rate"),
     .right = {{1, FIGURE("book-50x16", "redis-none", "rate")}},
     .at_least = true,
     .bound = 1.3},
    {.what = "durable BOOK, 50 clients, unpipelined",
     .against = "Redis SET NX, appendfsync always",
     .left = FIGURE("book-50x1", "slotd", "rate"),
     .right = {{1, FIGURE("book-50x1", "redis-always", "rate")}},
     .at_least = true,
     .bound = 1.5},
    {.what = "the same",
     .against = "PostgreSQL INSERT under the unique index, prepared",
     .left = FIGURE("book-50x1", "slotd", "rate"),
     .right = {{1, FIGURE("book-50x1", "postgres", "rate")}},
     .at_least = true,
     .bound = 10},
    {.what = "latency of one client, durable (p50)",
     .against = "PING round trip plus one write and flush (p50 of each)",
     .left = FIGURE("book-1x1", "slotd", "p50_us"),
     .right = {{1, FIGURE("ping-1x1", "slotd", "p50_us")}, {1, FIGURE("probe-1x1", "device", "p50_us")}},
     .bound = 1.15},
    {.what = "commits a second, 50 clients",
     .against = "writes and flushes a second of the device alone",
     .left = FIGURE("book-50x1", "slotd", "commits_per_s"),
     .right = {{1, FIGURE("probe-50x1", "device", "rate")}},
     .at_least = true,
     .bound = 0.9},
    {.what = "PING, 50 clients, pipeline 64",
     .against = "Redis PING",
     .left = FIGURE("ping-50x64", "slotd", "rate"),
     .right = {{1, FIGURE("ping-50x64", "redis-none", "rate")}},
     .at_least = true,
     .bound = 1},
    {.what = "bytes of RSS a booked slot, all clients distinct",
     .against = "Redis, the same keys and values",
     .left = FIGURE("memory", "slotd", "rss_bytes_per_slot"),
     .right = {{1, FIGURE("memory", "redis-always", "rss_bytes_per_slot")}},
     .bound = 0.5},
    {.what = "restart, replay of the log, sessions a second",
     .against = "5 million",
     .left = FIGURE("restart-log", "slotd", "sessions_per_s"),
     .constant = 5e6,
     .at_least = true,
     .bound = 1},
    {.what = "the same",
     .against = "Redis loading its AOF",
     .left = FIGURE("restart-log", "slotd", "sessions_per_s"),
     .right = {{1, FIGURE("restart-log", "redis-always", "sessions_per_s")}},
     .at_least = true,
     .bound = 10},
    {.what = "restart, load of a snapshot, sessions a second",
     .against = "20 million",
     .left = FIGURE("restart-snapshot", "slotd", "sessions_per_s"),
     .constant = 20e6,
     .at_least = true,
     .bound = 1},
    {.what = "p99.9 of BOOK while snapshots run",
     .against = "quiet",
     .left = FIGURE("storm-snapshot", "storm", "p999_us"),
     .right = {{1, FIGURE("storm-snapshot", "quiet", "p999_us")}},
     .bound = 2},
    {.what = "p99.9 of BOOK while the table grows",
     .against = "quiet",
     .left = FIGURE("storm-growth", "storm", "p999_us"),
     .right = {{1, FIGURE("storm-growth", "quiet", "p999_us")}},
     .bound = 2},
    {.what = "p99 of BOOK with both services flat out",
     .against = "quiet",
     .left = FIGURE("storm-services", "storm", "p99_us"),
     .right = {{1, FIGURE("storm-services", "quiet", "p99_us")}},
     .bound = 1.25},
    {.what = "1,000 connections race for one slot: the slowest race",
     .against = "3 writes and flushes + 10 ms",
     .left = FIGURE("race-1000", "slotd", "race_us_max"),
     .constant = 10000,
     .right = {{3, FIGURE("probe-50x1", "device", "p50_us")}},
     .bound = 1},
    {.what = "the check of our own client: SET NX on Redis, 50 clients, pipeline 16",
     .against = "redis-benchmark",
     .left = FIGURE("client-check", "redis-none", "rate"),
     .right = {{1, FIGURE("client-check", "redis-benchmark", "rate")}},
     .at_least = true,
     .bound = 0.9},
};

const size_t goal_count = sizeof goals / sizeof goals[0];

/* The ratio within one repetition; false if a figure is missing. */
static bool reached_in(const struct goal *goal, const struct sheet *sheet, uint32_t repetition, double *ratio)
{
	double left;
	double divisor = goal->constant;
	if (!sheet_value(sheet, goal->left, repetition, &left)) {
		return false;
	}
	for (size_t i = 0; i < GOAL_TERMS_MAX && goal->right[i].name.row != NULL; i++) {
		double right;
		if (!sheet_value(sheet, goal->right[i].name, repetition, &right)) {
			return false;
		}
		divisor += goal->right[i].weight * right;
	}
	*ratio = left / divisor;
	return divisor > 0;
}

struct statistics goal_reached(const struct goal *goal, const struct sheet *sheet)
{
	double ratios[SHEET_REPETITIONS_MAX];
	size_t count = 0;
	for (uint32_t i = 1; i <= SHEET_REPETITIONS_MAX; i++) {
		count += reached_in(goal, sheet, i, &ratios[count]);
	}
	return statistics_of(ratios, count);
}

bool goal_met(const struct goal *goal, const struct statistics *reached)
{
	if (reached->count == 0) {
		return false;
	}
	return goal->at_least ? reached->median >= goal->bound : reached->median <= goal->bound;
}
