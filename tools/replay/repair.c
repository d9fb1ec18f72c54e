/*
 * repair: see the header.
 *
 *   lock --> judge --sound--> done
 *             ^  |
 *             |  +--> say what is wrong and what will be lost --not told to--> nothing was changed
 *             |                    |
 *             +--- change <--- keep copies
 *
 * The order of a cut: later segments go from the last one down, then the rest of the kept one is zeroed. Whatever is
 * there in between is refused or a torn tail.
 */
#include "repair.h"
#include "keep.h"
#include "salvage.h"

#include <base/check.h>
#include <errno.h>
#include <inttypes.h>
#include <io/disk_posix.h>
#include <log/snapshot.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct repairing {
	const struct options *options;
	struct disk writer; /* holds the lock */
	struct judgement judgement;
	struct keep keep;
	struct output output;
	/* the segment files there are, in order */
	uint64_t *numbers;
	size_t count;
	bool lost; /* something acknowledged is, or may be, gone by what was changed */
	bool cut;
};

static const char *name_of(uint64_t segment)
{
	static char name[DISK_NAME_SIZE];
	segment_format_name(segment, name);
	return name;
}

static const char *name_of_snapshot(uint64_t lsn)
{
	static char name[DISK_NAME_SIZE];
	snapshot_format_name(lsn, name);
	return name;
}

/* ------------------------------------------------------------------------------------------------------ what there is */

static bool list_segments(struct repairing *repairing, struct error *error)
{
	struct disk *disk = &repairing->writer;
	struct disk_entry *entries = NULL;
	size_t count = 0;
	if (!disk->list(disk->context, &entries, &count, error)) {
		return false;
	}
	free(repairing->numbers);
	repairing->count = 0;
	repairing->numbers = calloc(count + 1, sizeof *repairing->numbers);
	CHECK(repairing->numbers != NULL);
	for (size_t i = 0; i < count; i++) {
		repairing->count += segment_parse_name(entries[i].name, &repairing->numbers[repairing->count]);
	}
	free(entries);
	return true;
}

/* Index of the first segment behind what is kept. */
static size_t first_behind(const struct repairing *repairing)
{
	size_t i = 0;
	while (i < repairing->count && repairing->numbers[i] <= repairing->judgement.segment) {
		i++;
	}
	return i;
}

static bool say_what_is_lost(struct repairing *repairing, struct error *error)
{
	const struct judgement *judgement = &repairing->judgement;
	struct buffer *out = &repairing->output.buffer;
	struct disk *disk = &repairing->writer;
	struct salvage salvage = {
	    .output = &repairing->output,
	    .first_lsn = judgement->next_lsn,
	    .log_id = judgement->log_id,
	    .last_lsn = judgement->next_lsn - 1,
	};
	for (size_t i = 0; salvage.log_id == 0 && i < repairing->count; i++) {
		struct segment_header header;
		bool whole;
		if (!judge_header(disk, repairing->numbers[i], &header, &whole, error)) {
			return false;
		}
		salvage.log_id = whole ? header.log_id : 0;
	}
	if (judgement->segment != 0 && !salvage_file(&salvage, disk, judgement->segment, judgement->offset, error)) {
		return false;
	}
	for (size_t i = first_behind(repairing); i < repairing->count; i++) {
		if (!salvage_file(&salvage, disk, repairing->numbers[i], SEGMENT_HEADER_SIZE, error)) {
			return false;
		}
	}
	if (salvage.last_lsn < judgement->next_lsn) {
		buffer_format(out, "lost: lsn %" PRIu64 " and whatever came behind it; nothing of it can be read\n",
			      judgement->next_lsn);
	} else {
		buffer_format(out,
			      "lost: lsn %" PRIu64 " to %" PRIu64 " at least; %" PRIu64
			      " of these records can be read and are listed above\n",
			      judgement->next_lsn, salvage.last_lsn, salvage.records);
	}
	return true;
}

/* Says what is wrong and what will be done about it. */
static bool say_plan(struct repairing *repairing, struct error *error)
{
	const struct judgement *judgement = &repairing->judgement;
	struct buffer *out = &repairing->output.buffer;
	if (judgement->repair != REPAIR_TAIL) {
		buffer_format(out, "damaged: %s\n", judgement->reason.text);
	}
	switch (judgement->repair) {
	case REPAIR_TAIL:
		buffer_format(out,
			      "repair: zero the torn tail, which was never acknowledged: %s, offset %" PRIu64
			      ", %" PRIu64 " bytes\n",
			      name_of(judgement->segment), judgement->offset, judgement->torn_bytes);
		return true;
	case REPAIR_WIPE:
		buffer_format(out,
			      "repair: zero what stands behind the last block of %s, from offset %" PRIu64
			      " on; the next segment continues the log, no record is lost\n",
			      name_of(judgement->segment), judgement->offset);
		return true;
	case REPAIR_RESIZE:
		buffer_format(out, "repair: give %s the size its header says, %" PRIu64 " bytes%s\n",
			      name_of(judgement->wrong_segment), judgement->right_size,
			      judgement->loses ? "; what stood in the bytes that are missing is lost" : "");
		return true;
	case REPAIR_SNAPSHOT:
		if (judgement->loses) {
			buffer_format(
			    out, "repair: remove %s, which needs the log up to lsn %" PRIu64 "; then cut the log\n",
			    name_of_snapshot(judgement->snapshot_lsn), judgement->end_lsn);
			return say_what_is_lost(repairing, error);
		}
		buffer_format(out, "repair: remove %s; the log has what it has, no record is lost\n",
			      name_of_snapshot(judgement->snapshot_lsn));
		return true;
	case REPAIR_TRIM:
		buffer_format(out,
			      "repair: remove the segments before %s; %s has everything before it, no record is lost\n",
			      name_of(judgement->first_kept), name_of_snapshot(judgement->snapshot_lsn));
		return true;
	case REPAIR_CUT:
		if (judgement->segment == 0) {
			buffer_format(out, "repair: remove all segments; the log begins anew\n");
		} else {
			buffer_format(out,
				      "repair: cut %s at offset %" PRIu64 ", behind lsn %" PRIu64
				      ", and remove the segments behind it\n",
				      name_of(judgement->segment), judgement->offset, judgement->next_lsn - 1);
		}
		return say_what_is_lost(repairing, error);
	case REPAIR_NOTHING:
	case REPAIR_NONE:
		break;
	}
	WRONG("repair_log asks for a plan only when there is something to do");
}

/* --------------------------------------------------------------------------------------------------------- the change */

/* Is this segment changed or removed? */
static bool concerns(const struct judgement *judgement, uint64_t number)
{
	switch (judgement->repair) {
	case REPAIR_RESIZE:
		return number == judgement->wrong_segment;
	case REPAIR_TRIM:
		return number < judgement->first_kept;
	case REPAIR_CUT:
		return number >= judgement->segment;
	case REPAIR_TAIL:
	case REPAIR_WIPE:
		return number == judgement->segment;
	case REPAIR_SNAPSHOT:
	case REPAIR_NOTHING:
	case REPAIR_NONE:
		break;
	}
	return false;
}

static bool keep_copies(struct repairing *repairing, struct error *error)
{
	const struct judgement *judgement = &repairing->judgement;
	for (size_t i = 0; i < repairing->count; i++) {
		if (concerns(judgement, repairing->numbers[i]) &&
		    !keep_file(&repairing->keep, name_of(repairing->numbers[i]), error)) {
			return false;
		}
	}
	return judgement->repair != REPAIR_SNAPSHOT ||
	       keep_file(&repairing->keep, name_of_snapshot(judgement->snapshot_lsn), error);
}

/* Zeros in the kept segment from its end on, durably. */
static bool zero(struct repairing *repairing, uint64_t to, struct error *error)
{
	static const _Alignas(DISK_ALIGN) uint8_t zeros[16 * DISK_ALIGN];
	const struct judgement *judgement = &repairing->judgement;
	struct disk *disk = &repairing->writer;
	disk_file file;
	if (!disk->open(disk->context, name_of(judgement->segment), false, &file, error)) {
		return false;
	}
	bool written = true;
	for (uint64_t at = judgement->offset; written && at < to;) {
		const size_t size = to - at < sizeof zeros ? (size_t)(to - at) : sizeof zeros;
		written = disk->write_now(disk->context, file, at, zeros, size, error);
		at += size;
	}
	written = written && disk->sync_now(disk->context, file, error);
	disk->close(disk->context, file);
	return written;
}

static bool resize(struct repairing *repairing, struct error *error)
{
	const struct judgement *judgement = &repairing->judgement;
	struct disk *disk = &repairing->writer;
	char path[PATH_MAX + DISK_NAME_SIZE];
	disk_file file;
	snprintf(path, sizeof path, "%s/%s", repairing->options->directory, name_of(judgement->wrong_segment));
	if (truncate(path, (off_t)judgement->right_size) != 0) {
		return error_errno(error, errno, "cannot change the size of '%s'", path);
	}
	if (!disk->open(disk->context, name_of(judgement->wrong_segment), false, &file, error)) {
		return false;
	}
	const bool flushed = disk->sync_now(disk->context, file, error);
	disk->close(disk->context, file);
	return flushed;
}

static bool remove_file(struct repairing *repairing, const char *name, struct error *error)
{
	struct disk *disk = &repairing->writer;
	return disk->remove(disk->context, name, error) && disk->sync_directory(disk->context, error);
}

/* From the oldest on, as the server does. */
static bool trim(struct repairing *repairing, struct error *error)
{
	for (size_t i = 0; i < repairing->count && concerns(&repairing->judgement, repairing->numbers[i]); i++) {
		if (!remove_file(repairing, name_of(repairing->numbers[i]), error)) {
			return false;
		}
	}
	return true;
}

static bool cut(struct repairing *repairing, struct error *error)
{
	for (size_t i = repairing->count; i > first_behind(repairing); i--) {
		if (!remove_file(repairing, name_of(repairing->numbers[i - 1]), error)) {
			return false;
		}
	}
	return repairing->judgement.segment == 0 || zero(repairing, repairing->judgement.size, error);
}

static bool change(struct repairing *repairing, struct error *error)
{
	const struct judgement *judgement = &repairing->judgement;
	switch (judgement->repair) {
	case REPAIR_TAIL:
		return zero(repairing, judgement->offset + judgement->torn_bytes, error);
	case REPAIR_WIPE:
		return zero(repairing, judgement->size, error);
	case REPAIR_RESIZE:
		return resize(repairing, error);
	case REPAIR_SNAPSHOT:
		return remove_file(repairing, name_of_snapshot(judgement->snapshot_lsn), error);
	case REPAIR_TRIM:
		return trim(repairing, error);
	case REPAIR_CUT:
		return cut(repairing, error);
	case REPAIR_NOTHING:
	case REPAIR_NONE:
		break;
	}
	WRONG("repair_log asks for a change only when there is something to do");
}

/* ------------------------------------------------------------------------------------------------------------- in turn */

static int give_up(struct repairing *repairing, const struct error *error)
{
	output_flush(&repairing->output);
	fprintf(stderr, "slotd-replay: %s\n", error->text);
	return STATUS_NO_ANSWER;
}

static int say_sound(struct repairing *repairing)
{
	struct buffer *out = &repairing->output.buffer;
	buffer_format(out, "sound: last_lsn=%" PRIu64 "%s\n", repairing->judgement.next_lsn - 1,
		      repairing->keep.path[0] == '\0' ? ", nothing to repair" : "");
	output_flush(&repairing->output);
	return repairing->lost ? STATUS_LOSS : STATUS_SOUND;
}

/* One change; *status is set when it was the last. */
static bool repair_once(struct repairing *repairing, int *status)
{
	const struct judgement *judgement = &repairing->judgement;
	struct error error = {0};
	if (!list_segments(repairing, &error) || !say_plan(repairing, &error)) {
		*status = give_up(repairing, &error);
		return false;
	}
	const bool told = repairing->options->yes || (judgement->repair == REPAIR_TAIL && isatty(STDIN_FILENO));
	if (!told) {
		buffer_format(&repairing->output.buffer,
			      "nothing was changed; to do it, run: slotd-replay %s --repair --yes\n",
			      repairing->options->directory);
		output_flush(&repairing->output);
		*status = STATUS_DAMAGED;
		return false;
	}
	if (!keep_copies(repairing, &error)) {
		*status = give_up(repairing, &error);
		return false;
	}
	buffer_format(&repairing->output.buffer, "kept: %s\n", repairing->keep.path);
	output_flush(&repairing->output);
	repairing->lost = repairing->lost || judgement->loses;
	repairing->cut = judgement->repair == REPAIR_CUT;
	if (!change(repairing, &error)) {
		*status = give_up(repairing, &error);
		return false;
	}
	return true;
}

static int repair_log(struct repairing *repairing)
{
	int status;
	do {
		judge_log(&repairing->writer, &repairing->judgement);
		const struct judgement *judgement = &repairing->judgement;
		if (judgement->repair == REPAIR_NOTHING) {
			return say_sound(repairing);
		}
		if (judgement->repair == REPAIR_NONE || (repairing->cut && judgement->repair != REPAIR_TAIL)) {
			give_up(repairing, &judgement->reason);
			return judgement->reason.code == ERROR_NEWER ? STATUS_DAMAGED : STATUS_NO_ANSWER;
		}
	} while (repair_once(repairing, &status));
	return status;
}

int repair_run(const struct options *options)
{
	struct repairing repairing = {.options = options, .keep.directory = options->directory};
	struct error error = {0};
	if (!disk_posix_open(&repairing.writer, options->directory, DISK_READ_WRITE, &error)) {
		return give_up(&repairing, &error);
	}
	const int status = repairing.writer.lock(repairing.writer.context, &error) ? repair_log(&repairing)
										   : give_up(&repairing, &error);
	disk_posix_close(&repairing.writer);
	free(repairing.numbers);
	output_fini(&repairing.output);
	return status;
}
