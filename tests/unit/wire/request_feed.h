/*
 * request_feed: a connection's input as the parser sees it, and a transcript of what came out.
 *
 * Bytes are handed over piece by piece. What the parser does not use is kept, each time in a fresh block of just that
 * size, so that a sanitizer sees a read beyond it and a word that points into an old one. The promises of
 * wire/request.h about *used are checked on the way. Two transcripts are equal if the same requests were read, refused
 * and broken off.
 *
 * For the unit tests and the fuzzer, which prove the same: how bytes are cut into pieces changes nothing.
 */
#pragma once

#include <base/check.h>
#include <stdlib.h>
#include <wire/request.h>

struct feed {
	struct request request;
	uint8_t *kept;
	size_t kept_size;
	struct buffer transcript;
	uint32_t ready;
	uint32_t refused;
	bool broken;
};

static inline void feed_write(struct feed *feed, const struct request *request, enum request_result result,
			      const char *error)
{
	struct buffer *transcript = &feed->transcript;
	if (result != REQUEST_READY) {
		feed->refused += result == REQUEST_REFUSED;
		buffer_format(transcript, "%s %s\n", result == REQUEST_REFUSED ? "refused" : "broken", error);
		return;
	}
	feed->ready++;
	buffer_format(transcript, "ready");
	for (uint32_t i = 0; i < request->count; i++) {
		const struct span word = request->words[i];
		CHECK(word.size <= WORD_SIZE_MAX);
		buffer_format(transcript, " %zu:", word.size);
		buffer_add(transcript, word.at, word.size);
	}
	buffer_format(transcript, "\n");
}

/* Keeps the bytes of `input` from `from` on, in a block of their own. */
static inline void feed_keep(struct feed *feed, struct span input, size_t from)
{
	feed->kept_size = input.size - from;
	feed->kept = malloc(feed->kept_size + (feed->kept_size == 0));
	CHECK(feed->kept != NULL);
	if (feed->kept_size > 0) {
		memcpy(feed->kept, input.at + from, feed->kept_size);
	}
	CHECK(feed->kept_size <= WIDE_LINE_SIZE_MAX + 1); /* what a peer can make the server hold */
}

static inline void feed_bytes(struct feed *feed, struct span piece)
{
	if (feed->broken || piece.size == 0) {
		return;
	}
	const size_t size = feed->kept_size + piece.size;
	uint8_t *bytes = malloc(size);
	CHECK(bytes != NULL);
	if (feed->kept_size > 0) {
		memcpy(bytes, feed->kept, feed->kept_size);
	}
	memcpy(bytes + feed->kept_size, piece.at, piece.size);
	free(feed->kept);
	size_t done = 0;
	for (;;) {
		size_t used = SIZE_MAX;
		const char *error = NULL;
		const enum request_result result =
		    request_parse(&feed->request, (struct span){bytes + done, size - done}, &used, &error);
		if (result == REQUEST_INCOMPLETE) {
			CHECK(used == 0);
			break;
		}
		if (result != REQUEST_EMPTY) {
			feed_write(feed, &feed->request, result, error);
		}
		if (result == REQUEST_BROKEN) {
			feed->broken = true;
			done = size;
			break;
		}
		CHECK(used > 0);
		CHECK(used <= size - done);
		done += used;
	}
	feed_keep(feed, (struct span){bytes, size}, done);
	free(bytes);
}

static inline void feed_fini(struct feed *feed)
{
	request_fini(&feed->request);
	free(feed->kept);
	buffer_fini(&feed->transcript);
}
