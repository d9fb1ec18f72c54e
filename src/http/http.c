/*
 * http: see the header.
 *
 * See: libmicrohttpd(3); RFC 9110 (13.1.2 If-None-Match, 15.4.5 304).
 */
#include <base/check.h>
#include <base/hash.h>
#include <errno.h>
#include <http/busy_feed.h>
#include <http/http.h>
#include <inttypes.h>
#include <io/listen.h>
#include <microhttpd.h>
#include <poll.h>
#include <serve/log_line.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

/* Connections at most, seconds an idle one is kept, and bytes of a request's header. */
#define CONNECTIONS_MAX    64
#define CONNECTION_TIMEOUT 10
#define CONNECTION_MEMORY  16384
/* How long an answer waits for its records to become durable, and how often it looks. */
#define DURABLE_PATIENCE_MS 5000
#define DURABLE_LOOK_NS     1000000
/* Beside the workers, not before them. */
#define NICE 10

static const char prefix[] = "/feed/";
static const char suffix[] = ".ics";

static bool is_stopping(const struct http *http)
{
	/* Relaxed: whoever sets it wakes us. */
	return atomic_load_explicit(&http->service->stopping, memory_order_relaxed);
}

/* The feed that a request's target names; NULL if there is none. */
static const struct feed *find_feed(const struct http *http, const char *target)
{
	const size_t size = strlen(target);
	const size_t around = sizeof prefix - 1 + sizeof suffix - 1;
	if (size <= around || strncmp(target, prefix, sizeof prefix - 1) != 0 ||
	    strcmp(target + size - (sizeof suffix - 1), suffix) != 0) {
		return NULL;
	}
	return feeds_find(&http->feeds, (struct span){(const uint8_t *)target + sizeof prefix - 1, size - around});
}

/* Waits until what an answer shows is durable. False: the log does not get on. */
static bool wait_for_durable(const struct http *http, uint64_t lsn)
{
	const struct timespec pause = {.tv_nsec = DURABLE_LOOK_NS};
	const struct wal *wal = desk_wal(http->service->desk);
	for (int waited_ms = 0; wal_durable_lsn(wal) < lsn; waited_ms++) {
		if (waited_ms == DURABLE_PATIENCE_MS || is_stopping(http)) {
			return false;
		}
		nanosleep(&pause, NULL);
	}
	return true;
}

static enum MHD_Result answer_text(struct MHD_Connection *connection, unsigned status, const char *header,
				   const char *value, const char *text)
{
	/* MHD copies nothing and writes nothing to what is persistent. */
	struct MHD_Response *response =
	    MHD_create_response_from_buffer(strlen(text), (void *)(uintptr_t)text, MHD_RESPMEM_PERSISTENT);
	if (response == NULL) {
		return MHD_NO;
	}
	if (header != NULL) {
		MHD_add_response_header(response, header, value);
	}
	const enum MHD_Result result = MHD_queue_response(connection, status, response);
	MHD_destroy_response(response);
	return result;
}

/* Is `etag` in the list that If-None-Match has? A weak one compares as the strong one it is made of (RFC 9110 8.8.3.2). */
static bool has_it(struct MHD_Connection *connection, const char *etag)
{
	const char *list = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_IF_NONE_MATCH);
	return list != NULL && (strcmp(list, "*") == 0 || strstr(list, etag) != NULL);
}

/* Takes over the text. */
static enum MHD_Result answer_calendar(struct MHD_Connection *connection, struct buffer *text)
{
	char etag[40];
	snprintf(etag, sizeof etag, "\"%016" PRIx64 "%016" PRIx64 "\"", hash_bytes(text->at, text->size, 0),
		 hash_bytes(text->at, text->size, 1));
	const bool unchanged = has_it(connection, etag);
	struct MHD_Response *response =
	    unchanged ? MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT)
		      : MHD_create_response_from_buffer(text->size, text->at, MHD_RESPMEM_MUST_FREE);
	if (response == NULL || unchanged) {
		buffer_fini(text);
	}
	if (response == NULL) {
		return MHD_NO;
	}
	MHD_add_response_header(response, MHD_HTTP_HEADER_ETAG, etag);
	MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "private, no-cache");
	if (!unchanged) {
		MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, "text/calendar; charset=utf-8");
	}
	const enum MHD_Result result =
	    MHD_queue_response(connection, unchanged ? MHD_HTTP_NOT_MODIFIED : MHD_HTTP_OK, response);
	MHD_destroy_response(response);
	return result;
}

/* libmicrohttpd calls it when a request's header is there; what a body says is not asked for. */
static enum MHD_Result answer(void *context, struct MHD_Connection *connection, const char *target, const char *method,
			      const char *version, const char *body, size_t *body_size, void **request)
{
	const struct http *http = context;
	(void)version;
	(void)body;
	(void)body_size;
	(void)request;
	if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0) {
		return answer_text(connection, MHD_HTTP_METHOD_NOT_ALLOWED, MHD_HTTP_HEADER_ALLOW, "GET, HEAD",
				   "only GET and HEAD\n");
	}
	const struct feed *feed = find_feed(http, target);
	if (feed == NULL) {
		return answer_text(connection, MHD_HTTP_NOT_FOUND, NULL, NULL, "there is nothing at this address\n");
	}
	/* Acquire; pairs with whoever ends loading. */
	if (atomic_load_explicit(&http->service->loading, memory_order_acquire)) {
		return answer_text(connection, MHD_HTTP_SERVICE_UNAVAILABLE, MHD_HTTP_HEADER_RETRY_AFTER, "5",
				   "the server is loading\n");
	}
	struct buffer text = {0};
	uint64_t lsn;
	busy_feed_write(http->service->desk, feed, &text, &lsn);
	if (!wait_for_durable(http, lsn)) {
		buffer_fini(&text);
		return answer_text(connection, MHD_HTTP_SERVICE_UNAVAILABLE, MHD_HTTP_HEADER_RETRY_AFTER, "60",
				   "the log is not getting on\n");
	}
	return answer_calendar(connection, &text);
}

/* What libmicrohttpd has to say, which is about peers; a request's target is a secret and is not among it. */
static void tell(void *context, const char *format, va_list arguments)
{
	char text[256];
	(void)context;
	vsnprintf(text, sizeof text, format, arguments);
	text[strcspn(text, "\r\n")] = '\0';
	log_line(LOG_DEBUG, "http", "said=\"%s\"", text);
}

static bool open_daemon(struct http *http, struct error *error)
{
	const struct config *config = http->service->config;
	int listener;
	if (!net_listen_tcp(config->bind, config->http_port, &listener, error)) {
		return false;
	}
	http->daemon =
	    MHD_start_daemon(MHD_USE_EPOLL | MHD_USE_ERROR_LOG, 0, NULL, NULL, answer, http, MHD_OPTION_EXTERNAL_LOGGER,
			     tell, NULL, MHD_OPTION_LISTEN_SOCKET, listener, MHD_OPTION_CONNECTION_LIMIT,
			     (unsigned)CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)CONNECTION_TIMEOUT,
			     MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY, MHD_OPTION_END);
	if (http->daemon == NULL) {
		close(listener);
		return error_set(error, ERROR_IO, "cannot start the HTTP port");
	}
	return true;
}

/* Until something is to be done for a connection, or we are woken. */
static void wait_for_work(struct http *http)
{
	const union MHD_DaemonInfo *epoll = MHD_get_daemon_info(http->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	CHECK(epoll != NULL);
	MHD_UNSIGNED_LONG_LONG timeout_ms;
	if (MHD_get_timeout(http->daemon, &timeout_ms) != MHD_YES || timeout_ms > 1000 * CONNECTION_TIMEOUT) {
		timeout_ms = 1000 * CONNECTION_TIMEOUT;
	}
	struct pollfd waits[] = {{.fd = epoll->epoll_fd, .events = POLLIN}, {.fd = http->wakeup, .events = POLLIN}};
	poll(waits, 2, (int)timeout_ms);
}

static void *run(void *argument)
{
	struct http *http = argument;
	setpriority(PRIO_PROCESS, 0, NICE); /* on Linux of this thread; if it is refused, so be it */
	service_worker = http->service->worker_count;
	while (!is_stopping(http)) {
		wait_for_work(http);
		MHD_run(http->daemon);
	}
	MHD_stop_daemon(http->daemon);
	service_stopped_reading(http->service);
	return NULL;
}

static bool start_thread(struct http *http, struct error *error)
{
	http->wakeup = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (http->wakeup < 0) {
		return error_errno(error, errno, "cannot start the HTTP port");
	}
	service_reads_log(http->service);
	const int refused = pthread_create(&http->thread, NULL, run, http);
	if (refused != 0) {
		service_stopped_reading(http->service);
		close(http->wakeup);
		return error_errno(error, refused, "cannot start the thread of the HTTP port");
	}
	http->runs = true;
	return true;
}

bool http_start(struct http *http, struct service *service, struct error *error)
{
	const struct config *config = service->config;
	http->service = service;
	if (config->http_port == 0) {
		return true;
	}
	if (config->feed_file[0] == '\0') {
		return error_set(error, ERROR_INVALID, "http-port serves the calendars of feed-file, which is not set");
	}
	if (!feeds_load(&http->feeds, config->feed_file, error) || !open_daemon(http, error) ||
	    !start_thread(http, error)) {
		return false;
	}
	log_line(LOG_INFO, "listening for HTTP", "bind=%s port=%" PRIu16 " feeds=%zu", config->bind, config->http_port,
		 http->feeds.count);
	return true;
}

void http_wake(struct http *http)
{
	if (http->runs) {
		/* A counter that is full wakes as well. */
		const ssize_t written = write(http->wakeup, &(uint64_t){1}, sizeof(uint64_t));
		CHECK(written == sizeof(uint64_t) || errno == EAGAIN);
	}
}

void http_join(struct http *http)
{
	if (http->runs) {
		/* `wakeup` stays open: whoever stopped the server may still be about to write to it. */
		pthread_join(http->thread, NULL);
		feeds_fini(&http->feeds);
	}
}
