/*
 * transfer: one HTTP request on its way, through libcurl, with limits on everything that comes back.
 *
 * Only https (and http where that is allowed), also behind a redirect; credentials go to the host they are for and no other.
 *
 * Threads: one.
 */
#pragma once

#include <base/bytes.h>
#include <base/error.h>
#include <calsync/options.h>
#include <curl/curl.h>

#define ETAG_SIZE 256
#define DATE_SIZE 64

/* Borrowed until transfer_begin returns, but for the body, until the end. */
struct request {
	const char *method; /* NULL: GET */
	const char *address;
	const char *credentials; /* user:password, or NULL */
	const char *depth;       /* of CalDAV, or NULL */
	const char *etag;        /* If-None-Match; "" for none */
	const char *date;        /* If-Modified-Since; "" for none */
	struct span body;        /* XML, of a method that has one */
};

struct answer {
	long status;
	struct buffer body;
	char etag[ETAG_SIZE]; /* as they came; "" */
	char date[DATE_SIZE]; /* Last-Modified */
	uint64_t retry_after; /* seconds; 0: not said */
};

enum transfer_outcome {
	TRANSFER_ANSWERED, /* with whatever status */
	TRANSFER_FAILED,
	TRANSFER_LATER, /* failed in a way that may be over soon */
};

struct transfer {
	CURL *easy;
	struct curl_slist *headers;
	struct answer answer;
	const struct limits *limits;
	bool is_too_large;
};

/* Puts it into `multi`; CURLINFO_PRIVATE of its handle is `owner`. */
void transfer_begin(struct transfer *transfer, CURLM *multi, const struct request *request,
		    const struct options *options, uint32_t timeout_ms, void *owner);
/* It is over, with this result of curl's: takes it out; the answer stays until transfer_fini. */
enum transfer_outcome transfer_end(struct transfer *transfer, CURLM *multi, CURLcode result, struct error *error);
void transfer_fini(struct transfer *transfer);
