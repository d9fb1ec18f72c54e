/*
 * Proves that bytes become the requests of docs/PROTOCOL.md: lines and RESP arrays, quoting, every limit, what a
 * connection survives and what it does not; and that how the bytes are cut into pieces changes nothing.
 *
 * Method: request_feed.h plays the connection and writes a transcript; streams are fed whole and in pieces of every
 * size.
 */
#include "request_feed.h"

#include <criterion/criterion.h>
#include <stdio.h>

static void feed_text(struct feed *feed, const char *text)
{
	feed_bytes(feed, span_of(text));
}

static void feed_times(struct feed *feed, const char *text, size_t times)
{
	for (size_t i = 0; i < times; i++) {
		feed_text(feed, text);
	}
}

/* The transcript so far is this; then it starts again. */
static void expect(struct feed *feed, const char *transcript)
{
	buffer_add(&feed->transcript, "", 1);
	cr_assert_str_eq((const char *)feed->transcript.at, transcript);
	feed->transcript.size = 0;
}

static void expect_of(struct span stream, const char *transcript)
{
	struct feed feed = {0};
	feed_bytes(&feed, stream);
	expect(&feed, transcript);
	feed_fini(&feed);
}

static void expect_of_text(const char *stream, const char *transcript)
{
	expect_of(span_of(stream), transcript);
}

/* ------------------------------------------------------------------------------------------------------------ lines */

Test(request, a_line_is_cut_at_blanks)
{
	expect_of_text("PING\r\n", "ready 4:PING\n");
	expect_of_text("PING\n", "ready 4:PING\n");
	expect_of_text("  SLOT\tdr-lee  2031-01-06 \t09:00 \r\n", "ready 4:SLOT 6:dr-lee 10:2031-01-06 5:09:00\n");
	expect_of_text("PING\nPING\r\nECHO x\n", "ready 4:PING\nready 4:PING\nready 4:ECHO 1:x\n");
	expect_of_text("ECHO a*b $3\n", "ready 4:ECHO 3:a*b 2:$3\n");
}

Test(request, quotes_are_undone_as_in_redis)
{
	static const struct {
		const char *line;
		const char *transcript;
	} cases[] = {
	    {"ECHO \"a b\"\n", "ready 4:ECHO 3:a b\n"},
	    {"ECHO \"\" ''\n", "ready 4:ECHO 0: 0:\n"},
	    {"ECHO \"\\x41\\x6a\\x6A\"\n", "ready 4:ECHO 3:Ajj\n"},
	    {"ECHO \"\\xg1\\x4\"\n", "ready 4:ECHO 5:xg1x4\n"},
	    {"ECHO \"\\r\\t\\b\\a\\\\\\\"\\q\"\n", "ready 4:ECHO 7:\r\t\b\a\\\"q\n"},
	    {"ECHO 'a\\'b\\n'\n", "ready 4:ECHO 5:a'b\\n\n"},
	    {"ECHO pre\"fix ed\" x\n", "ready 4:ECHO 9:prefix ed 1:x\n"},
	    {"\"EC\\x48O\" 'one' \"two\" three\r\n", "ready 4:ECHO 3:one 3:two 5:three\n"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		expect_of_text(cases[i].line, cases[i].transcript);
	}
}

Test(request, unbalanced_quotes_refuse_the_line_and_the_next_is_read)
{
	static const char *const lines[] = {"ECHO \"a",     "ECHO 'a", "ECHO \"a\"b", "ECHO 'a'\"b\"",
					    "ECHO \"a\\\"", "\"",      "ECHO \"\\"};
	for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
		char stream[64];
		snprintf(stream, sizeof stream, "%s\r\nPING\r\n", lines[i]);
		expect_of_text(stream, "refused ERR Protocol error: unbalanced quotes in request\nready 4:PING\n");
	}
}

Test(request, empty_lines_and_empty_arrays_are_no_requests)
{
	expect_of_text("\r\n\n  \r\n*0\r\n*-1\r\nPING\r\n", "ready 4:PING\n");
}

Test(request, any_byte_may_stand_in_a_word)
{
	static const uint8_t line[] = "ECHO a\0\x01\xff\n";
	static const uint8_t array[] = "*2\r\n$4\r\nECHO\r\n$6\r\n\0\r\n\xff $\r\n";
	struct feed feed = {0};
	feed_bytes(&feed, (struct span){line, sizeof line - 1});
	cr_assert_eq(memcmp(feed.transcript.at, "ready 4:ECHO 4:a\0\x01\xff\n", 20), 0);
	feed.transcript.size = 0;
	feed_bytes(&feed, (struct span){array, sizeof array - 1});
	cr_assert_eq(memcmp(feed.transcript.at, "ready 4:ECHO 6:\0\r\n\xff $\n", 22), 0);
	feed_fini(&feed);
}

Test(request, words_are_not_copied)
{
	static const char *const streams[] = {"BOOK dr-lee\n", "*2\r\n$4\r\nBOOK\r\n$6\r\ndr-lee\r\n"};
	for (size_t i = 0; i < sizeof streams / sizeof streams[0]; i++) {
		struct request request = {0};
		const struct span input = span_of(streams[i]);
		size_t used;
		const char *error;
		cr_assert_eq(request_parse(&request, input, &used, &error), REQUEST_READY);
		cr_assert_eq(used, input.size);
		for (uint32_t j = 0; j < request.count; j++) {
			cr_assert(request.words[j].at >= input.at);
			cr_assert(request.words[j].at < input.at + input.size);
		}
		request_fini(&request);
	}
}

Test(request, a_browser_that_was_tricked_is_cut_off)
{
	static const char broken[] = "broken ERR Protocol error: this is not HTTP\n";
	expect_of_text("POST / HTTP/1.1\r\nHost: 127.0.0.1:5545\r\n\r\nBOOK x\r\n", broken);
	expect_of_text("host: 127.0.0.1:5545\r\n", broken);
	expect_of_text("*1\r\n$4\r\nPOST\r\n", "ready 4:POST\n");
	expect_of_text("ECHO POST\r\n", "ready 4:ECHO 4:POST\n");
}

/* ----------------------------------------------------------------------------------------------------------- limits */

static const char too_big_line[] = "refused ERR Protocol error: too big inline request\n";

/* A line of `size` bytes without its LF, beginning with `name`. */
static void feed_line(struct feed *feed, const char *name, size_t size)
{
	feed_text(feed, name);
	for (size_t i = strlen(name); i < size; i++) {
		feed_text(feed, i % 100 == 0 ? " " : "x");
	}
	feed_text(feed, "\n");
}

Test(request, a_line_may_have_4096_bytes)
{
	struct feed feed = {0};
	feed_line(&feed, "ECHO ", LINE_SIZE_MAX);
	cr_assert_eq(feed.ready, 1);
	feed.transcript.size = 0;
	feed_line(&feed, "ECHO ", LINE_SIZE_MAX + 1);
	expect(&feed, too_big_line);
	feed_text(&feed, "PING\n");
	expect(&feed, "ready 4:PING\n");
	feed_fini(&feed);
}

Test(request, a_long_line_is_refused_once_and_not_kept)
{
	struct feed feed = {0};
	feed_times(&feed, "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx ", 1000);
	cr_assert_eq(feed.kept_size, 0);
	cr_assert_eq(feed.refused, 1);
	feed_text(&feed, "\r\nPING\r\n");
	cr_assert_eq(feed.refused, 1);
	cr_assert_eq(feed.ready, 1);
	feed_fini(&feed);
}

Test(request, wide_commands_may_have_long_lines)
{
	static const char *const names[] = {"BOOKALL ", "bookany ", " \tBusy "};
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		struct feed feed = {0};
		feed_line(&feed, names[i], WIDE_LINE_SIZE_MAX);
		cr_assert_eq(feed.ready, 1);
		feed_line(&feed, names[i], WIDE_LINE_SIZE_MAX + 1);
		feed_text(&feed, "PING\n");
		cr_assert_eq(feed.refused, 1);
		cr_assert_eq(feed.ready, 2);
		feed_fini(&feed);
	}
}

Test(request, a_name_behind_4096_blanks_comes_too_late)
{
	for (size_t piece = 1; piece <= 6000; piece += 5999) {
		char stream[6000];
		snprintf(stream, sizeof stream, "%5000s a b c\nPING\n", "BUSY");
		struct feed feed = {0};
		for (size_t at = 0; at < strlen(stream); at += piece) {
			const size_t left = strlen(stream) - at;
			feed_bytes(&feed, (struct span){(const uint8_t *)stream + at, piece < left ? piece : left});
		}
		cr_assert_eq(feed.refused, 1);
		cr_assert_eq(feed.ready, 1);
		feed_fini(&feed);
	}
}

static void feed_words(struct feed *feed, const char *name, size_t words, bool array)
{
	char text[64];
	if (array) {
		snprintf(text, sizeof text, "*%zu\r\n$%zu\r\n%s\r\n", words, strlen(name), name);
		feed_text(feed, text);
		feed_times(feed, "$1\r\nx\r\n", words - 1);
	} else {
		feed_text(feed, name);
		feed_times(feed, " x", words - 1);
		feed_text(feed, "\n");
	}
}

Test(request, a_request_may_have_64_words_and_a_wide_one_1024)
{
	static const struct {
		const char *name;
		size_t most;
	} cases[] = {{"ECHO", LINE_WORDS_MAX}, {"BUSY", WIDE_WORDS_MAX}};
	for (int i = 0; i < 4; i++) {
		const char *name = cases[i / 2].name;
		const size_t most = cases[i / 2].most;
		const bool array = i % 2;
		struct feed feed = {0};
		feed_words(&feed, name, most, array);
		cr_assert_eq(feed.ready, 1);
		feed.transcript.size = 0;
		feed_words(&feed, name, most + 1, array);
		expect(&feed,
		       "refused ERR a request has at most 64 words (BOOKALL, BOOKANY, BUSY, HOURS, IMPORT: 1024)\n");
		feed_text(&feed, "PING\n");
		expect(&feed, "ready 4:PING\n");
		feed_fini(&feed);
	}
}

Test(request, a_word_may_have_512_bytes)
{
	static const char refused[] = "refused ERR a word has at most 512 bytes\nready 4:PING\n";
	char stream[2048];
	for (int i = 0; i < 2; i++) {
		const int size = WORD_SIZE_MAX + i;
		struct feed feed = {0};
		snprintf(stream, sizeof stream, "*3\r\n$4\r\nECHO\r\n$%d\r\n%0*d\r\n$1\r\nx\r\nPING\r\n", size, size,
			 7);
		feed_text(&feed, stream);
		cr_assert_eq(feed.ready, i == 0 ? 2 : 1);
		if (i == 1) {
			expect(&feed, refused);
		}
		feed.transcript.size = 0;
		snprintf(stream, sizeof stream, "ECHO %0*d\r\nPING\r\n", size, 7);
		feed_text(&feed, stream);
		if (i == 1) {
			expect(&feed, refused);
		}
		feed_fini(&feed);
	}
}

Test(request, an_array_may_have_as_many_bytes_as_a_line)
{
	struct feed feed = {0};
	feed_text(&feed, "*12\r\n$4\r\nECHO\r\n");
	for (int i = 0; i < 11; i++) {
		char word[600];
		snprintf(word, sizeof word, "$400\r\n%0400d\r\n", 7);
		feed_text(&feed, word);
	}
	feed_text(&feed, "PING\r\n");
	expect(&feed, "refused ERR a request has at most 4096 bytes (BOOKALL, BOOKANY, BUSY, HOURS, IMPORT: "
		      "65536)\nready 4:PING\n");
	feed_fini(&feed);
}

Test(request, what_is_skipped_is_not_kept)
{
	struct feed feed = {0};
	/* Twice, as each array may have that much. */
	for (uint32_t round = 1; round <= 2; round++) {
		feed_text(&feed, "*3\r\n$4\r\nECHO\r\n$1000000\r\n");
		cr_assert_eq(feed.refused, round);
		for (int i = 0; i < 1000; i++) {
			char bytes[1001];
			snprintf(bytes, sizeof bytes, "%01000d", 7);
			feed_text(&feed, bytes);
			cr_assert_eq(feed.kept_size, 0);
		}
		feed.transcript.size = 0;
		feed_text(&feed, "\r\n$1\r\nx\r\n*1\r\n$4\r\nPING\r\n");
		expect(&feed, "ready 4:PING\n");
	}
	feed_fini(&feed);
}

Test(request, an_announced_length_allocates_nothing)
{
	struct feed feed = {0};
	feed_text(&feed, "*1024\r\n$4\r\nBUSY\r\n$1\r\nx\r\n");
	cr_assert_leq(feed.request.capacity, 8);
	feed_fini(&feed);
}

/* ---------------------------------------------------------------------------------------------------- broken frames */

Test(request, a_lost_frame_breaks_the_connection)
{
	static const char count[] = "broken ERR Protocol error: invalid multibulk length\n";
	static const char length[] = "broken ERR Protocol error: invalid bulk length\n";
	static const struct {
		const char *stream;
		const char *transcript;
	} cases[] = {
	    {"*1000000000\r\n", count},
	    {"*99999999999\r\n", count},
	    {"*01\r\n", count},
	    {"*+1\r\n", count},
	    {"*\r\n", count},
	    {"*-\r\n", count},
	    {"*-0\r\n", count},
	    {"*1\n", count},
	    {"*1\rx", count},
	    {"*x\r\n", count},
	    {"*1\r\n$-5\r\n", length},
	    {"*1\r\n$-0\r\n", length},
	    {"*1\r\n$-1\r\n", length},
	    {"*1\r\n$04\r\nPING\r\n", length},
	    {"*1\r\n$4 \r\n", length},
	    {"*1\r\n$2000000\r\n", length},
	    {"*2\r\n$4\r\nECHO\r\n$9999999999\r\n", length},
	    {"*1\r\nPING\r\n", "broken ERR Protocol error: expected '$', got 'P'\n"},
	    {"*1\r\n\x01", "broken ERR Protocol error: expected '$', got '?'\n"},
	    {"*1\r\n$4\r\nPINGPONG", "broken ERR Protocol error: expected CRLF after a bulk string\n"},
	    {"PING\r\n*1\r\n:4\r\nPING\r\n", "ready 4:PING\nbroken ERR Protocol error: expected '$', got ':'\n"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		expect_of_text(cases[i].stream, cases[i].transcript);
	}
}

Test(request, a_skipped_array_without_end_breaks_the_connection)
{
	struct feed feed = {0};
	feed_text(&feed, "*100000\r\n");
	cr_assert_eq(feed.refused, 1);
	char word[600];
	snprintf(word, sizeof word, "$500\r\n%0500d\r\n", 7);
	feed_times(&feed, word, 4000);
	cr_assert(feed.broken);
	feed_fini(&feed);
}

/* ----------------------------------------------------------------------------------------------------------- pieces */

/* Numbers that follow from a seed: splitmix64. */
static uint64_t next_random(uint64_t *seed)
{
	uint64_t value = (*seed += UINT64_C(0x9e3779b97f4a7c15));
	value = (value ^ (value >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	value = (value ^ (value >> 27)) * UINT64_C(0x94d049bb133111eb);
	return value ^ (value >> 31);
}

/* A stream of whole, odd and long requests; the last may be broken. */
static void write_stream(struct buffer *stream, uint64_t *seed)
{
	static const char *const parts[] = {
	    "PING\r\n",
	    "\r\n",
	    "ECHO \"a\\x41 b\" 'c'\n",
	    "*1\r\n$4\r\nPING\r\n",
	    "*0\r\n",
	    "ECHO \"x\r\n",
	    "*5\r\n$4\r\nBOOK\r\n$6\r\ndr-lee\r\n$10\r\n2031-01-06\r\n$5\r\n09:00\r\n$2\r\nc1\r\n",
	    "*2\r\n$4\r\nECHO\r\n$0\r\n\r\n",
	    "*65\r\n$4\r\nECHO\r\n",
	    "*-1\r\n",
	    "*2\r\n$4\r\nBUSY\r\n$600\r\n",
	    " BOOKALL a b c\n"};
	for (int i = 0; i < 12; i++) {
		const uint64_t pick = next_random(seed) % 14;
		if (pick == 12) {
			buffer_format(stream, "ECHO %*d\n", 4080 + (int)(next_random(seed) % 20), 7);
		} else if (pick == 13) {
			buffer_format(stream, "*2\r\n$4\r\nECHO\r\n$%d\r\n%0520d\r\n", 520, 7);
		} else {
			buffer_format(stream, "%s", parts[pick]);
		}
	}
}

Test(request, pieces_of_any_size_give_the_same_requests)
{
	for (uint64_t seed = 1; seed <= 300; seed++) {
		uint64_t state = seed;
		struct buffer stream = {0};
		write_stream(&stream, &state);
		struct feed whole = {0};
		feed_bytes(&whole, (struct span){stream.at, stream.size});
		for (size_t most = 1; most <= 1000; most *= 10) {
			struct feed pieces = {0};
			for (size_t at = 0; at < stream.size;) {
				const size_t left = stream.size - at;
				const size_t wanted = 1 + next_random(&state) % most;
				const size_t size = wanted < left ? wanted : left;
				feed_bytes(&pieces, (struct span){stream.at + at, size});
				at += size;
			}
			cr_assert(span_equal((struct span){whole.transcript.at, whole.transcript.size},
					     (struct span){pieces.transcript.at, pieces.transcript.size}),
				  "seed %d, pieces of up to %zu bytes:\n%.*s\ninstead of:\n%.*s", (int)seed, most,
				  (int)pieces.transcript.size, (const char *)pieces.transcript.at,
				  (int)whole.transcript.size, (const char *)whole.transcript.at);
			feed_fini(&pieces);
		}
		feed_fini(&whole);
		buffer_fini(&stream);
	}
}

/* A word as a quoted inline word and as a bulk string. */
static void write_word(struct buffer *line, struct buffer *array, const uint8_t *word, size_t size)
{
	buffer_add(line, " \"", 2);
	for (size_t i = 0; i < size; i++) {
		buffer_format(line, "\\x%02x", word[i]);
	}
	buffer_add(line, "\"", 1);
	buffer_format(array, "$%zu\r\n", size);
	buffer_add(array, word, size);
	buffer_add(array, "\r\n", 2);
}

Test(request, a_line_and_an_array_of_the_same_words_are_the_same_request)
{
	uint64_t seed = 42;
	for (int round = 0; round < 200; round++) {
		struct buffer line = {0};
		struct buffer array = {0};
		const size_t words = 1 + next_random(&seed) % 12;
		buffer_format(&array, "*%zu\r\n", words);
		for (size_t i = 0; i < words; i++) {
			uint8_t word[64];
			const size_t size = next_random(&seed) % sizeof word;
			for (size_t j = 0; j < size; j++) {
				word[j] = (uint8_t)next_random(&seed);
			}
			write_word(&line, &array, word, size);
		}
		buffer_add(&line, "\r\n", 2);
		struct feed from_line = {0};
		struct feed from_array = {0};
		feed_bytes(&from_line, (struct span){line.at, line.size});
		feed_bytes(&from_array, (struct span){array.at, array.size});
		cr_assert_eq(from_line.ready, 1);
		cr_assert(span_equal((struct span){from_line.transcript.at, from_line.transcript.size},
				     (struct span){from_array.transcript.at, from_array.transcript.size}));
		feed_fini(&from_line);
		feed_fini(&from_array);
		buffer_fini(&line);
		buffer_fini(&array);
	}
}
