/*
 * ics: see the header.
 */
#include <base/hash.h>
#include <calsync/ics.h>
#include <calsync/sift.h>

void ics_ask(const struct calendar *calendar, struct request *request)
{
	*request = (struct request){
	    .address = calendar->url.address,
	    .credentials = calendar->credentials,
	    .etag = calendar->is_known ? calendar->etag : "",
	    .date = calendar->is_known ? calendar->date : "",
	};
}

static void remember(struct calendar *calendar, const struct answer *answer, uint64_t hash)
{
	calendar->hash = hash;
	memcpy(calendar->etag, answer->etag, sizeof calendar->etag);
	memcpy(calendar->date, answer->date, sizeof calendar->date);
	calendar->is_known = true;
}

enum step ics_answered(struct calendar *calendar, const struct answer *answer, const struct limits *limits,
		       struct error *error)
{
	if (answer->status == 304 && calendar->is_known) {
		calendar->outcome = CALENDAR_UNCHANGED;
		return STEP_DONE;
	}
	if (answer->status != 200) {
		error_set(error, ERROR_IO, "HTTP status %ld", answer->status);
		return answer->status >= 500 ? STEP_LATER : STEP_FAILED;
	}
	const uint64_t hash = hash_bytes(answer->body.at, answer->body.size, 0);
	if (calendar->is_known && hash == calendar->hash) {
		remember(calendar, answer, hash);
		calendar->outcome = CALENDAR_UNCHANGED;
		return STEP_DONE;
	}
	struct buffer kept = {0};
	struct sifted sifted = {0};
	if (!sift((struct span){answer->body.at, answer->body.size}, limits->events, &kept, &sifted, error)) {
		buffer_fini(&kept);
		return STEP_FAILED;
	}
	buffer_fini(&calendar->kept);
	calendar->kept = kept;
	calendar->is_expanded = false;
	remember(calendar, answer, hash);
	calendar->outcome = CALENDAR_FRESH;
	return STEP_DONE;
}
