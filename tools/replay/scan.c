/*
 * scan: see the header.
 */
#include "scan.h"
#include "follow.h"
#include "transfer.h"

#include <base/check.h>
#include <base/crew.h>
#include <inttypes.h>
#include <log/export.h>
#include <log/relay.h>
#include <slot/image.h>
#include <stdio.h>
#include <unistd.h>

static bool prints_records(const struct options *options)
{
	return !options->verify && !options->dump && !options->stats && !options->quiet &&
	       options->format != FORMAT_RESP;
}

/* Are records applied to a table, which says something in the end? */
static bool is_rebuilt(const struct options *options)
{
	return options->verify || options->dump || options->format == FORMAT_RESP;
}

static bool on_record(void *context, const struct record *record, uint64_t lsn, struct error *error)
{
	struct scan *scan = context;
	struct options *options = scan->options;
	if (!selection_takes(&options->selection, record, lsn)) {
		return true;
	}
	totals_add_record(&scan->totals, record, lsn);
	if (scan->rebuilt != NULL) {
		return relay_record(scan->relay, record, lsn, error);
	}
	if (prints_records(options)) {
		format_record(&scan->output.buffer, options->format, record, lsn);
	}
	return true;
}

static void on_ahead(void *context, const struct record *records, size_t count)
{
	const struct scan *scan = context;
	relay_ahead(scan->relay, records, count);
}

bool scan_block(struct scan *scan, const struct reader_block *block, struct error *error)
{
	progress_move(&scan->progress, &scan->reader);
	if (selection_skips(&scan->options->selection, block->header.first_lsn, block->header.record_count)) {
		return true;
	}
	totals_add_block(&scan->totals, block);
	return reader_records(&scan->reader, block, on_record, scan, error);
}

bool scan_over(const struct scan *scan)
{
	return scan->output.closed || scan->output.failed ||
	       selection_over(&scan->options->selection, scan->reader.next_lsn);
}

static bool read_log(struct scan *scan, struct error *error)
{
	while (!scan_over(scan)) {
		struct reader_block block;
		switch (reader_next(&scan->reader, &block, error)) {
		case READER_REFUSED:
			return false;
		case READER_END:
			return true;
		case READER_BLOCK:
			if (!scan_block(scan, &block, error)) {
				return false;
			}
			output_pace(&scan->output);
			break;
		}
	}
	return true;
}

static void print_verdict(struct scan *scan)
{
	const struct reader *reader = &scan->reader;
	struct buffer *out = &scan->output.buffer;
	const struct snapshot_info *snapshot = &scan->found.info;
	buffer_format(out, "sound: records=%" PRIu64 " last_lsn=%" PRIu64 " blocks=%" PRIu64 " segments=%" PRIu64 "\n",
		      reader->next_lsn - reader->first_lsn, reader->next_lsn - 1, scan->totals.blocks,
		      reader->segment.segment);
	if (snapshot->lsn != 0) {
		buffer_format(
		    out, "from a snapshot: lsn=%" PRIu64 " slots=%" PRIu64 " sessions=%" PRIu64 " bytes=%" PRIu64 "\n",
		    snapshot->lsn, snapshot->slots, snapshot->sessions, snapshot->bytes);
	}
	if (reader->torn_bytes != 0) {
		buffer_format(out,
			      "behind it, %s, offset %" PRIu64 ": %" PRIu64
			      " bytes of a batch that is on its way or was torn by a crash, never acknowledged\n",
			      reader->name, reader->offset, reader->torn_bytes);
	}
}

/* ---- for another server ---- */

struct sending {
	struct transfer transfer;
	uint64_t end_lsn;
};

static bool send_record(void *context, const struct record *record, uint64_t lsn, struct error *error)
{
	struct sending *sending = context;
	(void)error;
	if (lsn <= sending->end_lsn) {
		transfer_add(&sending->transfer, record);
	}
	return true;
}

/* The log once more, up to where it was found to be sound: nothing is printed of one that is not. */
static bool send_history(struct scan *scan, struct sending *sending, struct error *error)
{
	struct reader reader;
	bool sound = reader_open(&reader, scan->disk, &scan->reader.start, error);
	while (sound && reader.next_lsn <= sending->end_lsn && !scan->output.closed && !scan->output.failed) {
		struct reader_block block;
		const enum reader_step step = reader_next(&reader, &block, error);
		sound = step == READER_BLOCK && reader_records(&reader, &block, send_record, sending, error);
		if (step == READER_END) {
			error_set(error, ERROR_DAMAGED, "the log was changed while it was read");
		}
	}
	reader_close(&reader);
	return sound;
}

static bool send_exported(void *context, const struct record *record)
{
	struct transfer *transfer = context;
	transfer_add(transfer, record);
	return !transfer->output->closed && !transfer->output->failed;
}

/* A log that begins with lsn 1 is sent as it is; of one whose beginning is gone, what it comes to. */
static bool send_all(struct scan *scan, struct error *error)
{
	static struct sending sending;
	const uint64_t last_lsn = scan->reader.next_lsn - 1;
	const uint64_t end_lsn = scan->options->selection.end_lsn;
	bool sent = true;
	sending.end_lsn = end_lsn < last_lsn ? end_lsn : last_lsn;
	transfer_begin(&sending.transfer, &scan->output);
	if (scan->reader.first_lsn <= 1) {
		sent = send_history(scan, &sending, error);
	} else {
		const struct rebuild *rebuild = &scan->rebuilt->rebuild;
		table_export(rebuild->table, rebuild->newest_ms, send_exported, &sending.transfer);
	}
	if (sent) {
		transfer_end(&sending.transfer);
	}
	return sent;
}

static void print_end(struct scan *scan)
{
	const struct options *options = scan->options;
	if (options->dump) {
		table_restore_done(&scan->rebuilt->table); /* what calendars block is in no record */
		table_dump(&scan->rebuilt->table, &scan->output.buffer);
	} else if (options->stats) {
		totals_format(&scan->totals, options->format, scan->reader.segment.segment, &scan->output.buffer);
	} else if (options->verify && !options->quiet) {
		print_verdict(scan);
	}
}

/* What the reader, the records or standard output say in the end. */
static int status_of(const struct scan *scan, bool sound, const struct error *error)
{
	if (scan->output.failed) {
		fputs("slotd-replay: cannot write to standard output\n", stderr);
		return STATUS_NO_ANSWER;
	}
	if (!sound) {
		fprintf(stderr, "slotd-replay: %s\n", error->text);
		return error->code == ERROR_DAMAGED || error->code == ERROR_NEWER ? STATUS_DAMAGED : STATUS_NO_ANSWER;
	}
	/* Nothing is lost with a damaged snapshot, but a person should know. */
	return scan->found.damaged > 0 ? STATUS_DAMAGED : STATUS_SOUND;
}

static bool read_records(struct scan *scan, struct error *error)
{
	const struct options *options = scan->options;
	if (scan->rebuilt != NULL) {
		scan->reader.ahead = on_ahead;
		scan->relay = relay_begin(&scan->rebuilt->rebuild, scan->threads, error);
		if (scan->relay == NULL) {
			return false;
		}
	}
	if (options->follow) {
		return follow_log(scan, error);
	}
	window_look_ahead(&scan->reader.window);
	return read_log(scan, error) && (scan->relay == NULL || relay_finish(scan->relay, error));
}

static bool scan_log(struct scan *scan, const struct log_start *start, struct error *error)
{
	const struct options *options = scan->options;
	const bool shown =
	    isatty(STDERR_FILENO) && !options->follow && !(prints_records(options) && isatty(STDOUT_FILENO));
	progress_begin(&scan->progress, shown, scan->disk);
	const bool sound = reader_open(&scan->reader, scan->disk, start, error) && read_records(scan, error);
	progress_end(&scan->progress);
	if (scan->relay != NULL) {
		relay_end(scan->relay);
	}
	return sound;
}

/* The snapshot there is: what it says about the log, and, when there is a table, what it has. */
static bool begin(struct scan *scan, struct log_start *start, struct error *error)
{
	if (scan->rebuilt == NULL) {
		if (!snapshot_load(scan->disk, NULL, &scan->found, error)) {
			return false;
		}
		*start = snapshot_start(&scan->found.info);
		return true;
	}
	if (!rebuilt_open(scan->rebuilt, scan->disk, scan->threads, scan->options->selection.end_lsn, start, error)) {
		return false;
	}
	scan->found = scan->rebuilt->rebuild.found;
	return true;
}

static void say_damaged(const struct scan *scan)
{
	if (scan->found.damaged > 0) {
		fprintf(stderr, "slotd-replay: %" PRIu32 " damaged snapshots, what is before them is used: %s\n",
			scan->found.damaged, scan->found.damage.text);
	}
}

static bool read_whole(struct scan *scan, struct error *error)
{
	struct log_start start;
	if (!begin(scan, &start, error)) {
		return false;
	}
	if (scan->threads == 1) {
		say_damaged(scan); /* at once: there may be no end to following */
	}
	return scan_log(scan, &start, error);
}

/* False: nothing was said, since several threads refused it; one is to look again (log/relay.h). */
static bool run(struct options *options, struct disk *disk, uint32_t threads, int *status)
{
	struct error error = {0};
	struct rebuilt rebuilt = {0};
	struct scan scan = {.options = options, .disk = disk, .reader.file = -1, .threads = threads};
	scan.rebuilt = is_rebuilt(options) ? &rebuilt : NULL;
	bool sound = read_whole(&scan, &error);
	const bool says = sound || threads == 1;
	if (sound && threads > 1) {
		say_damaged(&scan);
	}
	if (sound && options->format == FORMAT_RESP) {
		sound = send_all(&scan, &error);
	} else if (sound) {
		print_end(&scan);
	}
	if (says) {
		output_flush(&scan.output);
		*status = status_of(&scan, sound, &error);
	}
	reader_close(&scan.reader);
	rebuilt_close(&rebuilt);
	output_fini(&scan.output);
	return says;
}

int scan_run(struct options *options, struct disk *disk)
{
	const bool at_once = !is_rebuilt(options) || options->follow || selection_narrows(&options->selection);
	const uint32_t threads = at_once ? 1 : crew_size();
	int status;
	if (!run(options, disk, threads, &status)) {
		CHECK(run(options, disk, 1, &status));
	}
	return status;
}
