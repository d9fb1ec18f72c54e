/*
 * totals: see the header.
 */
#include "totals.h"

#include <inttypes.h>

void totals_add_block(struct totals *totals, const struct reader_block *block)
{
	const uint32_t records = block->header.record_count;
	totals->blocks++;
	totals->heartbeats += records == 0;
	totals->block_bytes += block_size(block->header.payload_bytes);
	if (records > totals->records_per_block_max) {
		totals->records_per_block_max = records;
	}
}

void totals_add_record(struct totals *totals, const struct record *record, uint64_t lsn)
{
	const bool first = totals->first_lsn == 0;
	totals->count[record->type]++;
	totals->bytes[record->type] += record_size(record);
	totals->first_lsn = first ? lsn : totals->first_lsn;
	totals->last_lsn = lsn;
	totals->first_ms = first || record->at_ms < totals->first_ms ? record->at_ms : totals->first_ms;
	totals->last_ms = record->at_ms > totals->last_ms ? record->at_ms : totals->last_ms;
}

static double average(uint64_t sum, uint64_t count)
{
	return count == 0 ? 0 : (double)sum / (double)count;
}

static void format_text(const struct totals *totals, uint64_t records, uint64_t segments, const char *first,
			const char *last, struct buffer *out)
{
	buffer_format(out, "%-10s %12s %14s\n", "type", "records", "bytes");
	for (int type = 1; type < RECORD_TYPE_END; type++) {
		const char *name = record_type_name((enum record_type)type);
		if (name != NULL) {
			buffer_format(out, "%-10s %12" PRIu64 " %14" PRIu64 "\n", name, totals->count[type],
				      totals->bytes[type]);
		}
	}
	buffer_format(out, "records    %12" PRIu64 "\n", records);
	buffer_format(out, "lsn        %" PRIu64 " to %" PRIu64 "\n", totals->first_lsn, totals->last_lsn);
	buffer_format(out, "time       %s to %s\n", first, last);
	buffer_format(out, "segments   %12" PRIu64 "\n", segments);
	buffer_format(out, "blocks     %12" PRIu64 " %14" PRIu64 "\n", totals->blocks, totals->block_bytes);
	buffer_format(out, "records per block: %.1f on average, %" PRIu64 " at most\n",
		      average(records, totals->blocks - totals->heartbeats), totals->records_per_block_max);
}

static void format_json(const struct totals *totals, uint64_t records, uint64_t segments, const char *first,
			const char *last, struct buffer *out)
{
	buffer_format(out, "{\"types\":{");
	for (int type = 1; type < RECORD_TYPE_END; type++) {
		const char *name = record_type_name((enum record_type)type);
		if (name != NULL) {
			buffer_format(out, "%s\"%s\":{\"records\":%" PRIu64 ",\"bytes\":%" PRIu64 "}",
				      type == 1 ? "" : ",", name, totals->count[type], totals->bytes[type]);
		}
	}
	buffer_format(out, "},\"records\":%" PRIu64 ",\"first_lsn\":%" PRIu64 ",\"last_lsn\":%" PRIu64, records,
		      totals->first_lsn, totals->last_lsn);
	buffer_format(out, ",\"first_at\":\"%s\",\"last_at\":\"%s\",\"segments\":%" PRIu64, first, last, segments);
	buffer_format(out, ",\"blocks\":%" PRIu64 ",\"block_bytes\":%" PRIu64, totals->blocks, totals->block_bytes);
	buffer_format(out, ",\"records_per_block_avg\":%.1f,\"records_per_block_max\":%" PRIu64 "}\n",
		      average(records, totals->blocks - totals->heartbeats), totals->records_per_block_max);
}

void totals_format(const struct totals *totals, enum format format, uint64_t segments, struct buffer *out)
{
	uint64_t records = 0;
	for (int type = 1; type < RECORD_TYPE_END; type++) {
		records += totals->count[type];
	}
	char first[FORMAT_MOMENT_SIZE];
	char last[FORMAT_MOMENT_SIZE];
	format_moment(totals->first_ms, first);
	format_moment(totals->last_ms, last);
	(format == FORMAT_JSON ? format_json : format_text)(totals, records, segments, first, last, out);
}
