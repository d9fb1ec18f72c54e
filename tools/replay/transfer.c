/*
 * transfer: see the header.
 */
#include "transfer.h"

#include <base/hash.h>
#include <inttypes.h>
#include <stdio.h>

/* Bytes of records in one command: a server takes at least that, whatever its segment-size. */
#define PIECE_SIZE RECORD_PLAIN_SIZE_MAX

static void print_word(struct output *output, struct span word)
{
	buffer_format(&output->buffer, "$%zu\r\n", word.size);
	buffer_add(&output->buffer, word.at, word.size);
	buffer_add(&output->buffer, "\r\n", 2);
}

static void print_lsn(struct output *output, uint64_t lsn)
{
	char text[24];
	snprintf(text, sizeof text, "%" PRIu64, lsn);
	print_word(output, span_of(text));
}

static void print_command(struct output *output, const char *subcommand, size_t words)
{
	output_pace(output);
	buffer_format(&output->buffer, "*%zu\r\n", words);
	print_word(output, span_of("IMPORT"));
	print_word(output, span_of(subcommand));
}

void transfer_begin(struct transfer *transfer, struct output *output)
{
	transfer->output = output;
	transfer->lsn = 0;
	transfer->size = 0;
	print_command(output, "BEGIN", 2);
}

static void send(struct transfer *transfer)
{
	struct output *output = transfer->output;
	char hash[17];
	if (transfer->size == 0) {
		return;
	}
	print_command(output, "RECORDS", 4 + (transfer->size + WORD_SIZE_MAX - 1) / WORD_SIZE_MAX);
	print_lsn(output, transfer->first_lsn);
	snprintf(hash, sizeof hash, "%016" PRIx64, hash_bytes(transfer->bytes, transfer->size, transfer->first_lsn));
	print_word(output, span_of(hash));
	for (size_t at = 0; at < transfer->size; at += WORD_SIZE_MAX) {
		const size_t left = transfer->size - at;
		print_word(output, (struct span){transfer->bytes + at, left < WORD_SIZE_MAX ? left : WORD_SIZE_MAX});
	}
	transfer->size = 0;
}

void transfer_add(struct transfer *transfer, const struct record *record)
{
	const size_t size = record_size(record);
	if (transfer->size + size > PIECE_SIZE) {
		send(transfer);
	}
	transfer->lsn++;
	if (transfer->size == 0) {
		transfer->first_lsn = transfer->lsn;
	}
	transfer->size += record_encode(record, transfer->bytes + transfer->size);
}

void transfer_end(struct transfer *transfer)
{
	send(transfer);
	print_command(transfer->output, "END", 3);
	print_lsn(transfer->output, transfer->lsn);
}
