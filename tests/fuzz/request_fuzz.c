/*
 * Fuzzes the request parser: whatever the bytes are and however they are cut into pieces, the same requests come out,
 * no byte is read that is not there, and nothing beyond the limits is kept (tests/unit/wire/request_feed.h).
 *
 * The first byte of an input is the size of the pieces; the rest is the stream.
 */
#include <unit/wire/request_feed.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	if (size < 2) {
		return 0;
	}
	const size_t piece = 1 + (size_t)bytes[0];
	struct feed whole = {0};
	struct feed pieces = {0};
	feed_bytes(&whole, (struct span){bytes + 1, size - 1});
	for (size_t at = 1; at < size; at += piece) {
		const size_t left = size - at;
		feed_bytes(&pieces, (struct span){bytes + at, piece < left ? piece : left});
	}
	CHECK(whole.broken == pieces.broken);
	CHECK(span_equal((struct span){whole.transcript.at, whole.transcript.size},
			 (struct span){pieces.transcript.at, pieces.transcript.size}));
	feed_fini(&whole);
	feed_fini(&pieces);
	return 0;
}
