/*
 * peer_resp: slotd and the Redis family, see peer.h. Both are sent RESP arrays.
 *
 * The requests of a kind differ only in words of fixed length, so each is a template that is copied and patched: the client
 * spends some nanoseconds on a request where formatting would cost it hundreds.
 */
#include <assert.h>
#include <base/check.h>
#include <bench/peer.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#define CONNECT_TIMEOUT_MS 10000
#define RECEIVE_SIZE       65536

static bool open_link(struct link *link, const char *server, struct error *error)
{
	struct address address;
	struct connection connection;
	if (!address_parse(&address, server, error) ||
	    !connection_open(&connection, &address, CONNECT_TIMEOUT_MS, error)) {
		return false;
	}
	link->descriptor = connection.descriptor; /* it has received nothing: there is no input to keep */
	const int failure = fcntl(link->descriptor, F_SETFL, O_NONBLOCK);
	CHECK(failure == 0);
	return true;
}

static void close_link(struct link *link)
{
	close(link->descriptor);
	buffer_fini(&link->output);
	buffer_fini(&link->input);
}

static bool flush(struct link *link, struct error *error)
{
	while (link->sent < link->output.size) {
		const ssize_t sent = send(link->descriptor, link->output.at + link->sent,
					  link->output.size - link->sent, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (sent < 0 && errno == EAGAIN) {
			return true;
		}
		if (sent < 0 && errno != EINTR) {
			return error_errno(error, errno, "sending to the server");
		}
		link->sent += sent > 0 ? (size_t)sent : 0;
	}
	buffer_empty(&link->output);
	link->sent = 0;
	return true;
}

static bool fill(struct link *link, struct error *error)
{
	buffer_drop(&link->input, link->taken);
	link->taken = 0;
	ssize_t got = RECEIVE_SIZE;
	/* A short read has emptied the socket, epoll(7): no second call to be told so. */
	while (got == RECEIVE_SIZE) {
		got = recv(link->descriptor, buffer_room(&link->input, RECEIVE_SIZE), RECEIVE_SIZE, MSG_DONTWAIT);
		if (got == 0) {
			return error_set(error, ERROR_IO, "the server closed the connection");
		}
		if (got < 0 && errno != EAGAIN && errno != EINTR) {
			return error_errno(error, errno, "receiving from the server");
		}
		link->input.size += got > 0 ? (size_t)got : 0;
	}
	return true;
}

/* Where `size` bytes of a request go that starts as the template does. */
static uint8_t *put(struct link *link, const char *template, size_t size)
{
	uint8_t *at = buffer_room(&link->output, size);
	memcpy(at, template, size);
	link->output.size += size;
	return at;
}

#define PUT(link, template) put(link, template, sizeof template - 1)

#define PSYCHOLOGIST "ttttt-nnnnn" /* of DRAW_PSYCHOLOGIST_SIZE bytes */
#define DATE         "2031-01-01"
#define TIME         "09:00"
#define CLIENT       "ctttttttttttttt1" /* of DRAW_CLIENT_SIZE bytes */

static_assert(sizeof PSYCHOLOGIST - 1 == DRAW_PSYCHOLOGIST_SIZE, "the templates have room for a psychologist");
static_assert(sizeof CLIENT - 1 == DRAW_CLIENT_SIZE, "the templates have room for a client");

static void ask_ping(struct link *link)
{
	static const char ping[] = "*1\r\n$4\r\nPING\r\n";
	PUT(link, ping);
}

static void ask_slotd_book(struct link *link, const struct draw *draw)
{
	static const char book[] =
	    "*5\r\n$4\r\nBOOK\r\n$11\r\n" PSYCHOLOGIST "\r\n$10\r\n" DATE "\r\n$5\r\n" TIME "\r\n$16\r\n" CLIENT "\r\n";
	uint8_t *at = PUT(link, book);
	memcpy(at + 19, draw->psychologist, sizeof draw->psychologist);
	memcpy(at + 37, draw->date, sizeof draw->date);
	memcpy(at + 53, draw->time, sizeof draw->time);
	memcpy(at + 65, draw->client, sizeof draw->client);
}

static void ask_slotd_list(struct link *link, const struct draw *draw)
{
	static const char list[] =
	    "*5\r\n$5\r\nSLOTS\r\n$11\r\n" PSYCHOLOGIST "\r\n$10\r\n" DATE "\r\n$10\r\n" DATE "\r\n$3\r\nALL\r\n";
	uint8_t *at = PUT(link, list);
	memcpy(at + 20, draw->psychologist, sizeof draw->psychologist);
	memcpy(at + 38, draw->date, sizeof draw->date);
	memcpy(at + 55, draw->date, sizeof draw->date);
}

static void ask_slotd(struct link *link, enum request_kind kind, const struct draw *draw)
{
	switch (kind) {
	case REQUEST_PING:
		ask_ping(link);
		break;
	case REQUEST_CLAIM:
		ask_slotd_book(link, draw);
		break;
	case REQUEST_LIST:
		ask_slotd_list(link, draw);
		break;
	case REQUEST_CANCEL:
		CHECK(link->session != 0);
		buffer_format(&link->output, "CANCEL %ju\r\n", (uintmax_t)link->session);
		link->session = 0;
		break;
	}
	link->asked++;
}

static void ask_redis(struct link *link, enum request_kind kind, const struct draw *draw)
{
	static const char set[] =
	    "*4\r\n$3\r\nSET\r\n$28\r\n" PSYCHOLOGIST ":" DATE ":" TIME "\r\n$16\r\n" CLIENT "\r\n$2\r\nNX\r\n";
	if (kind == REQUEST_PING) {
		ask_ping(link);
	} else {
		CHECK(kind == REQUEST_CLAIM);
		uint8_t *at = PUT(link, set);
		memcpy(at + 18, draw->psychologist, sizeof draw->psychologist);
		memcpy(at + 30, draw->date, sizeof draw->date);
		memcpy(at + 41, draw->time, sizeof draw->time);
		memcpy(at + 53, draw->client, sizeof draw->client);
	}
	link->asked++;
}

static bool slotd_can(enum request_kind kind)
{
	(void)kind;
	return true;
}

static bool redis_can(enum request_kind kind)
{
	return kind == REQUEST_PING || kind == REQUEST_CLAIM;
}

/* The end of a reply that starts here and is one line; NULL if it is not whole, or longer. */
static const uint8_t *line_end(struct span rest)
{
	const bool line = rest.size > 0 && memchr("+-:", rest.at[0], 3) != NULL;
	return line ? memchr(rest.at, '\n', rest.size) : NULL;
}

static enum reply judge(char kind)
{
	switch (kind) {
	case '+': /* PONG, OK */
	case ':': /* the session's id */
	case '*': /* slots */
		return REPLY_DONE;
	case '$': /* SET NX that set nothing */
		return REPLY_LOST;
	default:
		return REPLY_WRONG;
	}
}

static enum reply judge_line(struct link *link, struct span line)
{
	if (line.at[0] == ':') {
		const struct span number = {line.at + 1, line.size - 3};
		return span_number(number, INT64_MAX, &link->session) ? REPLY_DONE : REPLY_WRONG;
	}
	const bool taken = line.size > 6 && memcmp(line.at, "-TAKEN", 6) == 0;
	return taken ? REPLY_LOST : judge((char)line.at[0]);
}

static enum reply next(struct link *link)
{
	const struct span rest = {link->input.at + link->taken, link->input.size - link->taken};
	const uint8_t *end = line_end(rest);
	if (end != NULL) {
		const struct span line = {rest.at, (size_t)(end - rest.at) + 1};
		link->taken += line.size;
		link->answered++;
		return judge_line(link, line);
	}
	struct answer answer;
	size_t used;
	switch (rest.size == 0 ? ANSWER_PARTIAL : answer_parse(&answer, rest, &used)) {
	case ANSWER_PARTIAL:
		return REPLY_NONE;
	case ANSWER_BROKEN:
		return REPLY_WRONG;
	case ANSWER_WHOLE:
		break;
	}
	link->taken += used;
	link->answered++;
	return judge(answer.kind);
}

const struct peer peer_slotd = {
    .name = "slotd",
    .open = open_link,
    .close = close_link,
    .can = slotd_can,
    .ask = ask_slotd,
    .flush = flush,
    .fill = fill,
    .next = next,
};

const struct peer peer_redis = {
    .name = "redis",
    .open = open_link,
    .close = close_link,
    .can = redis_can,
    .ask = ask_redis,
    .flush = flush,
    .fill = fill,
    .next = next,
};
