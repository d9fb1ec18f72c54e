/*
 * Proves that cutting a burst ahead changes nothing: the requests that are handed out, and what is refused, are those of the
 * connection's own parser, however the bytes come in pieces, and wherever execution stops in the middle of a burst and goes on
 * later with other bytes before.
 *
 * Method: random streams of claims (sound or not), other requests, quotes, empty lines and what is refused, through ahead_cut
 * and through request_parse alone (unit/wire/request_feed.h).
 */
#include <criterion/criterion.h>
#include <serve/ahead.h>
#include <unit/wire/request_feed.h>

static struct config config;
static struct memory memory;
static struct table table;
static struct desk desk = {.memory = &memory, .table = &table};
static struct service service = {.config = &config, .desk = &desk, .worker_count = 1};
static struct ahead ahead;

static void init(void)
{
	struct error error;
	const struct table_options options = {.stripe_count = 4, .seed = 7};
	memory_init(&memory, 16 << 20);
	cr_assert(table_init(&table, &memory, &options, &error), "%s", error.text);
}

static void fini(void)
{
	ahead_fini(&ahead);
	table_fini(&table);
}

TestSuite(ahead, .init = init, .fini = fini);

static uint64_t next_random(uint64_t *seed)
{
	*seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return *seed >> 33;
}

static void add_array(struct buffer *stream, const char *const *words, size_t count)
{
	buffer_format(stream, "*%zu\r\n", count);
	for (size_t i = 0; i < count; i++) {
		buffer_format(stream, "$%zu\r\n%s\r\n", strlen(words[i]), words[i]);
	}
}

/* More than a burst has room for, now and then. */
static void add_claims(struct buffer *stream, uint64_t *seed)
{
	for (uint64_t i = next_random(seed) % (TABLE_PROSPECTS_MAX + 8); i > 0; i--) {
		const char *const words[] = {"CLAIM", "dr-lee", "2031-01-06", i % 9 == 0 ? "24:00" : "09:00",
					     i % 2 == 0 ? "client-1" : "client-2"};
		if (next_random(seed) % 4 == 0) {
			buffer_format(stream, "book dr-lee \"2031-01-06\" 10:%02u 'client %u'\r\n", (unsigned)i % 60,
				      (unsigned)i);
		} else {
			add_array(stream, words, sizeof words / sizeof words[0]);
		}
	}
}

static void add_something(struct buffer *stream, uint64_t *seed)
{
	static const char *const others[] = {"\r\n",       "PING\n",         "*0\r\n",           "BOOK dr-lee\n",
					     "ECHO \"x\n", "SLOT 1 2 3\r\n", "*1\r\n$0\r\n\r\n", "*1\r\n$600\r\n"};
	const uint64_t pick = next_random(seed) % 12;
	if (pick >= 7) {
		add_claims(stream, seed);
		return;
	}
	buffer_format(stream, "%s", others[pick]);
	if (pick == 6 && next_random(seed) % 2 == 0) {
		buffer_format(stream, "%s%0600d\r\n", others[7], 0); /* a word that is too long */
	}
}

/* As a connection: what is not used is kept, at another place, and a stop is somewhere in the midst of a burst. */
static void feed_ahead(struct feed *feed, struct span piece, uint64_t *seed)
{
	const size_t size = feed->kept_size + piece.size;
	uint8_t *bytes = malloc(size + 1);
	memcpy(bytes, feed->kept, feed->kept_size);
	memcpy(bytes + feed->kept_size, piece.at, piece.size);
	free(feed->kept);
	size_t done = 0;
	while (!feed->broken && next_random(seed) % 50 != 0) {
		const struct request *request;
		const char *refusal;
		size_t used;
		const struct span rest = {bytes + done, size - done};
		const enum request_result result =
		    ahead_cut(&ahead, &service, &feed->request, rest, &request, &used, &refusal);
		if (result == REQUEST_INCOMPLETE) {
			break;
		}
		if (result != REQUEST_EMPTY) {
			feed_write(feed, request, result, refusal);
		}
		done += used;
		feed->broken = result == REQUEST_BROKEN;
	}
	ahead_forget(&ahead);
	feed_keep(feed, (struct span){bytes, size}, feed->broken ? size : done);
	free(bytes);
}

static void compare(uint64_t seed, uint32_t *ready)
{
	struct buffer stream = {0};
	struct feed alone = {0};
	struct feed cut = {.kept = calloc(1, 1)};
	while (stream.size < 4000) {
		add_something(&stream, &seed);
	}
	feed_bytes(&alone, (struct span){stream.at, stream.size});
	const uint64_t largest = 1 + next_random(&seed) % 3000;
	for (size_t at = 0; at < stream.size;) {
		const size_t left = stream.size - at;
		const size_t wanted = 1 + next_random(&seed) % largest;
		const size_t size = wanted < left ? wanted : left;
		feed_ahead(&cut, (struct span){stream.at + at, size}, &seed);
		at += size;
	}
	/* It may have stopped; this many times it does not. */
	for (int i = 0; i < 10000 && cut.transcript.size < alone.transcript.size; i++) {
		feed_ahead(&cut, (struct span){stream.at, 0}, &seed);
	}
	cr_assert(span_equal((struct span){cut.transcript.at, cut.transcript.size},
			     (struct span){alone.transcript.at, alone.transcript.size}));
	cr_assert_eq(cut.broken, alone.broken);
	*ready += cut.ready;
	buffer_fini(&stream);
	feed_fini(&alone);
	feed_fini(&cut);
}

Test(ahead, hands_out_what_the_parser_would)
{
	uint32_t ready = 0;
	for (uint64_t seed = 1; seed <= 2000; seed++) {
		compare(seed, &ready);
	}
	cr_assert_gt(ready, 2000 * 10);
}

Test(ahead, cuts_nothing_while_the_table_is_loading)
{
	struct request own = {0};
	const struct request *request;
	const char *refusal;
	size_t used;
	atomic_store_explicit(&service.loading, true, memory_order_relaxed);
	const struct span bytes = span_of("CLAIM dr-lee 2031-01-06 09:00 client-1\nPING\n");
	cr_assert_eq(ahead_cut(&ahead, &service, &own, bytes, &request, &used, &refusal), REQUEST_READY);
	cr_assert_eq(request, &own);
	cr_assert_eq(ahead.count, 0);
	request_fini(&own);
}
