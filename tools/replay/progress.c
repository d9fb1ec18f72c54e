/*
 * progress: see the header.
 */
#include "progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define TELL_NS UINT64_C(200000000)
#define MB      1e6

/* As wide as a line that was there before may have been. */
#define LINE "\r%-78s"

void progress_begin(struct progress *progress, bool shown, struct disk *disk)
{
	*progress = (struct progress){.shown = shown, .clock = clock_real()};
	struct disk_entry *entries = NULL;
	size_t count = 0;
	uint64_t number;
	if (!shown || !disk->list(disk->context, &entries, &count, NULL)) {
		return;
	}
	for (size_t i = 0; i < count; i++) {
		progress->total += segment_parse_name(entries[i].name, &number) ? entries[i].size : 0;
	}
	free(entries);
	progress->began_ns = progress->told_ns = clock_monotonic_ns(&progress->clock);
}

static double seconds_since(const struct progress *progress, uint64_t now_ns)
{
	/* Never 0, since rates are divided by it. */
	return (double)(now_ns - progress->began_ns + 1) / 1e9;
}

static void tell(const struct progress *progress, uint64_t now_ns)
{
	const double rate = (double)progress->done / seconds_since(progress, now_ns);
	const uint64_t left = progress->total > progress->done ? progress->total - progress->done : 0;
	char line[128];
	snprintf(line, sizeof line, "%3.0f%% %.1f of %.1f MB, %.0f MB/s, %.0f s left",
		 100.0 * (double)progress->done / (double)(progress->done + left), (double)progress->done / MB,
		 (double)(progress->done + left) / MB, rate / MB, (double)left / rate);
	fprintf(stderr, LINE, line);
}

void progress_move(struct progress *progress, const struct reader *reader)
{
	if (!progress->shown) {
		return;
	}
	if (reader->segment.segment != progress->segment) {
		progress->finished += progress->size;
		progress->segment = reader->segment.segment;
		progress->size = reader->segment.size;
	}
	progress->done = progress->finished + reader->offset;
	const uint64_t now_ns = clock_monotonic_ns(&progress->clock);
	if (now_ns - progress->told_ns > TELL_NS) {
		progress->told_ns = now_ns;
		tell(progress, now_ns);
	}
}

void progress_end(struct progress *progress)
{
	if (!progress->shown) {
		return;
	}
	const double seconds = seconds_since(progress, clock_monotonic_ns(&progress->clock));
	char line[128];
	snprintf(line, sizeof line, "read %.1f MB of log in %.1f s, %.0f MB/s", (double)progress->done / MB, seconds,
		 (double)progress->done / MB / seconds);
	fprintf(stderr, LINE "\n", line);
}
