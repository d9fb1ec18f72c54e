/*
 * transfer: see the header.
 */
#include <base/check.h>
#include <base/version.h>
#include <calsync/transfer.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#define CONNECT_SECONDS 10

/* What it is, unpacked: a small answer that unpacks to a large one is a large one. */
static size_t take_body(char *bytes, size_t size, size_t count, void *context)
{
	struct transfer *transfer = context;
	if (transfer->answer.body.size + size * count > transfer->limits->bytes) {
		transfer->is_too_large = true;
		return 0;
	}
	buffer_add(&transfer->answer.body, bytes, size * count);
	return size * count;
}

/* Copies the value of a header line, if it is of that name, and fits. */
static bool take_value(const char *line, size_t size, const char *name, char *value, size_t most)
{
	const size_t named = strlen(name);
	if (size <= named || strncasecmp(line, name, named) != 0 || line[named] != ':') {
		return false;
	}
	const char *at = line + named + 1;
	const char *end = line + size;
	while (at < end && (*at == ' ' || *at == '\t')) {
		at++;
	}
	while (end > at && (end[-1] == '\r' || end[-1] == '\n' || end[-1] == ' ')) {
		end--;
	}
	value[0] = '\0';
	if ((size_t)(end - at) < most) {
		memcpy(value, at, (size_t)(end - at));
		value[end - at] = '\0';
	}
	return true;
}

static size_t take_header(char *line, size_t size, size_t count, void *context)
{
	struct answer *answer = &((struct transfer *)context)->answer;
	size *= count;
	if (size > 5 && strncasecmp(line, "HTTP/", 5) == 0) {
		answer->etag[0] = answer->date[0] = '\0'; /* of the answer before, which was a redirect */
	}
	(void)(take_value(line, size, "ETag", answer->etag, sizeof answer->etag) ||
	       take_value(line, size, "Last-Modified", answer->date, sizeof answer->date));
	return size;
}

static void add_header(struct transfer *transfer, const char *name, const char *value)
{
	char line[ETAG_SIZE + 64];
	if (value != NULL && value[0] != '\0') {
		snprintf(line, sizeof line, "%s: %s", name, value);
		transfer->headers = curl_slist_append(transfer->headers, line);
		CHECK(transfer->headers != NULL);
	}
}

static void set_headers(struct transfer *transfer, const struct request *request)
{
	add_header(transfer, "If-None-Match", request->etag);
	add_header(transfer, "If-Modified-Since", request->date);
	add_header(transfer, "Depth", request->depth);
	add_header(transfer, "Accept",
		   request->method == NULL ? "text/calendar, */*;q=0.5" : "application/xml, text/xml");
	if (request->body.size > 0) {
		add_header(transfer, "Content-Type", "application/xml; charset=utf-8");
		add_header(transfer, "Expect", " "); /* not asked for: it would cost a round trip */
	}
	(void)curl_easy_setopt(transfer->easy, CURLOPT_HTTPHEADER, transfer->headers);
}

static void set_limits(CURL *easy, const struct options *options, uint32_t timeout_ms)
{
	const char *schemes = options->allow_http ? "https,http" : "https";
	(void)curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, schemes);
	(void)curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR, schemes);
	(void)curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 1L);
	(void)curl_easy_setopt(easy, CURLOPT_MAXREDIRS, (long)options->limits.redirects);
	(void)curl_easy_setopt(easy, CURLOPT_POSTREDIR, (long)CURL_REDIR_POST_ALL);
	(void)curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)timeout_ms);
	(void)curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_SECONDS);
	(void)curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	if (options->ca_file != NULL) {
		(void)curl_easy_setopt(easy, CURLOPT_CAINFO, options->ca_file);
	}
}

static void set_credentials(CURL *easy, const struct request *request, const struct options *options)
{
	if (request->credentials != NULL) {
		(void)curl_easy_setopt(easy, CURLOPT_USERPWD, request->credentials);
	} else if (options->netrc != NULL) {
		(void)curl_easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_OPTIONAL);
		(void)curl_easy_setopt(easy, CURLOPT_NETRC_FILE, options->netrc);
	}
	(void)curl_easy_setopt(easy, CURLOPT_HTTPAUTH, (long)(CURLAUTH_BASIC | CURLAUTH_DIGEST));
}

void transfer_begin(struct transfer *transfer, CURLM *multi, const struct request *request,
		    const struct options *options, uint32_t timeout_ms, void *owner)
{
	*transfer = (struct transfer){.easy = curl_easy_init(), .limits = &options->limits};
	CURL *easy = transfer->easy;
	CHECK(easy != NULL);
	(void)curl_easy_setopt(easy, CURLOPT_URL, request->address);
	(void)curl_easy_setopt(easy, CURLOPT_PRIVATE, owner);
	(void)curl_easy_setopt(easy, CURLOPT_USERAGENT, "slotd-calsync/" SLOTD_VERSION);
	(void)curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, ""); /* all that curl can unpack */
	(void)curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
	(void)curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
	(void)curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_header);
	(void)curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer);
	if (request->method != NULL) {
		(void)curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method);
		(void)curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.size);
		(void)curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request->body.at);
	}
	set_headers(transfer, request);
	set_limits(easy, options, timeout_ms);
	set_credentials(easy, request, options);
	CHECK(curl_multi_add_handle(multi, easy) == CURLM_OK);
}

/* The reason in a person's words; curl's own otherwise, which never has the url in it. */
static void explain(const struct transfer *transfer, CURLcode result, struct error *error)
{
	const struct limits *limits = transfer->limits;
	if (transfer->is_too_large) {
		error_set(error, ERROR_INVALID, "more than %llu bytes (max-bytes)", (unsigned long long)limits->bytes);
	} else if (result == CURLE_OPERATION_TIMEDOUT) {
		error_set(error, ERROR_IO, "took longer than %u s (max-seconds), or no connection in %d s",
			  limits->seconds, CONNECT_SECONDS);
	} else if (result == CURLE_TOO_MANY_REDIRECTS) {
		error_set(error, ERROR_INVALID, "more than %u redirects (max-redirects)", limits->redirects);
	} else if (result == CURLE_UNSUPPORTED_PROTOCOL) {
		error_set(error, ERROR_INVALID, "redirected to what is not https");
	} else if (result == CURLE_PARTIAL_FILE) {
		error_set(error, ERROR_IO, "half an answer: the connection ended");
	} else {
		error_set(error, ERROR_IO, "%s", curl_easy_strerror(result));
	}
}

static bool may_be_over_soon(CURLcode result)
{
	return result == CURLE_COULDNT_CONNECT || result == CURLE_GOT_NOTHING || result == CURLE_RECV_ERROR ||
	       result == CURLE_SEND_ERROR || result == CURLE_PARTIAL_FILE;
}

enum transfer_outcome transfer_end(struct transfer *transfer, CURLM *multi, CURLcode result, struct error *error)
{
	curl_off_t retry_after = 0;
	(void)curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &transfer->answer.status);
	(void)curl_easy_getinfo(transfer->easy, CURLINFO_RETRY_AFTER, &retry_after);
	transfer->answer.retry_after = retry_after > 0 ? (uint64_t)retry_after : 0;
	(void)curl_multi_remove_handle(multi, transfer->easy);
	curl_easy_cleanup(transfer->easy);
	curl_slist_free_all(transfer->headers);
	transfer->easy = NULL;
	transfer->headers = NULL;
	const long status = transfer->answer.status;
	if (result != CURLE_OK) {
		explain(transfer, result, error);
		return may_be_over_soon(result) && !transfer->is_too_large ? TRANSFER_LATER : TRANSFER_FAILED;
	}
	/* 500 may be what we asked for, which CalDAV can ask for in another way; 501 and 507 are. */
	if (status == 429 || status == 502 || status == 503 || status == 504) {
		error_set(error, ERROR_IO, "HTTP status %ld", status);
		return TRANSFER_LATER;
	}
	return TRANSFER_ANSWERED;
}

void transfer_fini(struct transfer *transfer)
{
	buffer_fini(&transfer->answer.body);
	*transfer = (struct transfer){0};
}
