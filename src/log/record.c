/*
 * record: encoding and decoding of what the log remembers.
 *
 * Every type has the same layout, a header of 32 bytes and what varies in length behind it:
 *
 *    header | slots, 4 bytes each | psychologist | client | reason or members | zeros to a multiple of 8
 *
 * Of a MOVE, where the slots would be, stands where the session was (8 bytes), and where the client would be, with whom. Of a
 * BUSY, where the slots would be, stand intervals of 8 bytes, and where the client would be, the source. Of a HOURS or
 * CALENDAR, where the reason would be, stands the text. Of an IMPORT, where the slots would be, stand its creation and its
 * version (16 bytes).
 *
 * A table says which fields a type has and what they may hold; a field a type does not have is zero. So there is one
 * encoder, one decoder and one set of rules for all of them. The rules are checked on the way in (a record that could
 * not be read back must never be written) and on the way out [I7].
 *
 * Threads: any.
 * See: docs/LOG_FORMAT.md.
 */
#include <assert.h>
#include <base/check.h>
#include <base/intern.h>
#include <log/record.h>

struct record_header {
	uint16_t size; /* of the whole record */
	uint8_t type;
	uint8_t flags;
	uint8_t psychologist_size;
	uint8_t client_size;  /* MOVE: of the psychologist it was with; BUSY: of the source */
	uint16_t reason_size; /* GROUP: of the members; HOURS, CALENDAR: of the text */
	uint64_t at_ms;
	uint64_t session; /* BUSY: the generation */
	uint16_t day;
	uint16_t minute;
	uint16_t minutes;
	uint16_t count; /* of slots; GROUP: of members; BUSY: of intervals; HOLD, STATUS: hold_seconds */
};

#define RECORD_HEADER_SIZE   32
#define RECORD_SLOT_SIZE     4
#define RECORD_BUSY_SIZE     8
#define RECORD_FROM_SIZE     8  /* day, minute, minutes, zero: 16 bits each */
#define RECORD_IMPORT_SIZE   16 /* created_ms: 64 bits; version: 16 bits; zeros */
#define TYPE_OFFSET          2
#define RECORD_FLAG_UNLISTED 1u
/* The four high bits of the flags are the status. */
#define RECORD_STATUS_SHIFT 4

static_assert(sizeof(struct record_header) == RECORD_HEADER_SIZE, "no padding");
static_assert(offsetof(struct record_header, size) == 0, "docs/LOG_FORMAT.md");
static_assert(offsetof(struct record_header, type) == TYPE_OFFSET, "docs/LOG_FORMAT.md");
static_assert(offsetof(struct record_header, flags) == 3, "docs/LOG_FORMAT.md");
static_assert(offsetof(struct record_header, psychologist_size) == 4, "docs/LOG_FORMAT.md");
static_assert(offsetof(struct record_header, client_size) == 5, "docs/LOG_FORMAT.md");
static_assert(offsetof(struct record_header, reason_size) == 6, "docs/LOG_FORMAT.md");
static_assert(offsetof(struct record_header, at_ms) == 8, "docs/LOG_FORMAT.md");
static_assert(offsetof(struct record_header, session) == 16, "docs/LOG_FORMAT.md");
static_assert(offsetof(struct record_header, day) == 24, "docs/LOG_FORMAT.md");
static_assert(offsetof(struct record_header, minute) == 26, "docs/LOG_FORMAT.md");
static_assert(offsetof(struct record_header, minutes) == 28, "docs/LOG_FORMAT.md");
static_assert(offsetof(struct record_header, count) == 30, "docs/LOG_FORMAT.md");
static_assert(RECORD_HEADER_SIZE + OPEN_COUNT_MAX * RECORD_SLOT_SIZE + 2 * TOKEN_SIZE_MAX + WORD_SIZE_MAX + 8 <=
		  RECORD_PLAIN_SIZE_MAX,
	      "the widest record fits");
static_assert(RECORD_HEADER_SIZE + (BUSY_COUNT_MAX + 1) * RECORD_BUSY_SIZE + 2 * TOKEN_SIZE_MAX + 8 <=
		  RECORD_PLAIN_SIZE_MAX,
	      "the widest BUSY fits");
static_assert(RECORD_HEADER_SIZE + SETTING_TEXT_MAX + TOKEN_SIZE_MAX + 8 <= RECORD_PLAIN_SIZE_MAX,
	      "the widest setting fits");
static_assert(RECORD_SIZE_MAX <= UINT16_MAX, "sizes of records, and of their parts, fit in 16 bits");
static_assert(TOKEN_SIZE_MAX <= UINT8_MAX, "sizes of tokens fit in a byte");

enum record_field {
	FIELD_SESSION = 1,
	FIELD_PSYCHOLOGIST = 2,
	FIELD_CLIENT = 4,
	FIELD_REASON = 8,
	FIELD_DAY = 16,
	FIELD_MINUTE = 32,
	FIELD_MINUTES = 64,
	FIELD_UNLISTED = 128,
	FIELD_SLOTS = 256,
	FIELD_MEMBERS = 512,
	FIELD_STATUS = 1024,
	FIELD_SECONDS = 2048,
	FIELD_FROM = 4096,
	FIELD_SOURCE = 8192,
	FIELD_TEXT = 16384,
	FIELD_ORIGIN = 32768,
};

struct record_shape {
	const char *name;
	unsigned fields;
};

static const struct record_shape shapes[] = {
    [RECORD_BOOK] = {"BOOK", FIELD_SESSION | FIELD_PSYCHOLOGIST | FIELD_CLIENT | FIELD_DAY | FIELD_MINUTE |
				 FIELD_MINUTES | FIELD_UNLISTED},
    [RECORD_CANCEL] = {"CANCEL", FIELD_SESSION | FIELD_REASON | FIELD_DAY},
    [RECORD_OPEN] = {"OPEN", FIELD_PSYCHOLOGIST | FIELD_MINUTES | FIELD_SLOTS},
    [RECORD_CLOSE] = {"CLOSE", FIELD_PSYCHOLOGIST | FIELD_SLOTS},
    [RECORD_PURGE] = {"PURGE", FIELD_DAY},
    [RECORD_GROUP] = {"GROUP", FIELD_MEMBERS},
    [RECORD_STATUS] = {"STATUS", FIELD_SESSION | FIELD_DAY | FIELD_STATUS | FIELD_SECONDS},
    [RECORD_HOLD] = {"HOLD", FIELD_SESSION | FIELD_PSYCHOLOGIST | FIELD_CLIENT | FIELD_DAY | FIELD_MINUTE |
				 FIELD_MINUTES | FIELD_UNLISTED | FIELD_SECONDS},
    [RECORD_MOVE] = {"MOVE", FIELD_SESSION | FIELD_PSYCHOLOGIST | FIELD_DAY | FIELD_MINUTE | FIELD_MINUTES |
				 FIELD_UNLISTED | FIELD_FROM},
    [RECORD_BUSY] = {"BUSY", FIELD_PSYCHOLOGIST | FIELD_SOURCE},
    [RECORD_HOURS] = {"HOURS", FIELD_PSYCHOLOGIST | FIELD_TEXT},
    [RECORD_CALENDAR] = {"CALENDAR", FIELD_PSYCHOLOGIST | FIELD_TEXT},
    [RECORD_IMPORT] = {"IMPORT", FIELD_SESSION | FIELD_PSYCHOLOGIST | FIELD_CLIENT | FIELD_DAY | FIELD_MINUTE |
				     FIELD_MINUTES | FIELD_UNLISTED | FIELD_STATUS | FIELD_SECONDS | FIELD_ORIGIN},
};

#define SHAPE_COUNT (sizeof shapes / sizeof shapes[0])

static const struct record_shape *shape_of(enum record_type type)
{
	return type > 0 && (size_t)type < SHAPE_COUNT && shapes[type].name != NULL ? &shapes[type] : NULL;
}

const char *record_type_name(enum record_type type)
{
	const struct record_shape *shape = shape_of(type);
	return shape == NULL ? NULL : shape->name;
}

/* What a number may be in a type that has the field. In a type that has not, it is zero. */
struct bounds {
	unsigned field;
	uint64_t value;
	uint64_t least;
	uint64_t most;
	const char *fault;
};

/* The statuses that a STATUS may say; the others have records of their own. */
static bool is_said_by_status(enum session_status status)
{
	return status == SESSION_HELD || status == SESSION_BOOKED || status == SESSION_CONFIRMED ||
	       status == SESSION_EXPIRED || status == SESSION_COMPLETED || status == SESSION_NO_SHOW;
}

/* What is not allowed about the numbers of a record, or NULL. Tokens and slots are looked at by tokens_fault and
 * slots_fault, when decoding only: whoever encodes has just made them from checked ones. */
static const char *numbers_fault(const struct record *record)
{
	const struct record_shape *shape = shape_of(record->type);
	if (shape == NULL) {
		return "unknown type";
	}
	const bool imported = record->type == RECORD_IMPORT; /* more about which says import_fault */
	/* Nobody said how long an unlisted slot is. */
	const uint64_t minutes_least = record->unlisted || imported ? 0 : 1;
	const uint64_t minutes_most = record->unlisted ? 0 : SLOT_MINUTES_MAX;
	/* Only what is held is held for a while. */
	const bool held = record->type == RECORD_HOLD || record->status == SESSION_HELD;
	const uint64_t seconds_most = held ? UINT16_MAX : 0;
	const uint64_t token_least = imported && record->status == SESSION_FREE ? 0 : 1;
	const uint64_t status_least = imported ? SESSION_FREE : SESSION_HELD;
	const struct bounds bounds[] = {
	    {FIELD_SESSION, record->session, 1, UINT64_MAX, "session out of bounds"},
	    {FIELD_PSYCHOLOGIST, record->psychologist.size, token_least, TOKEN_SIZE_MAX,
	     "size of psychologist out of bounds"},
	    {FIELD_CLIENT, record->client.size, token_least, TOKEN_SIZE_MAX, "size of client out of bounds"},
	    {FIELD_REASON, record->reason.size, 0, WORD_SIZE_MAX, "size of reason out of bounds"},
	    {FIELD_DAY, record->day, 0, DAY_COUNT - 1, "day out of bounds"},
	    {FIELD_MINUTE, record->minute, 0, MINUTES_PER_DAY - 1, "minute out of bounds"},
	    {FIELD_UNLISTED, record->unlisted, 0, 1, "unlisted, which this type cannot be"},
	    {FIELD_MINUTES, record->minutes, minutes_least, minutes_most, "minutes out of bounds"},
	    {FIELD_SLOTS, record->slot_count, 1, OPEN_COUNT_MAX, "number of slots out of bounds"},
	    {FIELD_MEMBERS, record->member_count, 2, GROUP_SLOTS_MAX, "number of members out of bounds"},
	    {FIELD_MEMBERS, record->members.size, 2 * RECORD_HEADER_SIZE, RECORD_SIZE_MAX - RECORD_HEADER_SIZE,
	     "size of members out of bounds"},
	    {FIELD_SECONDS, record->hold_seconds, held, seconds_most, "seconds out of bounds"},
	    {FIELD_STATUS, record->status, status_least, SESSION_NO_SHOW, "status out of bounds"},
	    {FIELD_FROM, record->from.psychologist.size, 1, TOKEN_SIZE_MAX, "size of psychologist left out of bounds"},
	    {FIELD_TEXT, record->text.size, 0, SETTING_TEXT_MAX, "size of text out of bounds"},
	    {FIELD_SOURCE, record->source.size, 1, TOKEN_SIZE_MAX, "size of source out of bounds"},
	    {FIELD_SOURCE, record->generation, 0, UINT64_MAX, "a generation, which this type has not"},
	    {FIELD_SOURCE, record->busy_count, 1, BUSY_COUNT_MAX + 1, "number of intervals out of bounds"},
	    {FIELD_ORIGIN, record->created_ms, 0, RECORD_AT_MS_MAX, "a creation, which this type has not"},
	    {FIELD_ORIGIN, record->version, 0, SESSION_VERSION_MAX, "a version, which this type has not"},
	};
	for (size_t i = 0; i < sizeof bounds / sizeof bounds[0]; i++) {
		const struct bounds *at = &bounds[i];
		const bool has = (shape->fields & at->field) != 0;
		if (has ? at->value < at->least || at->value > at->most : at->value != 0) {
			return at->fault;
		}
	}
	if (record->type == RECORD_STATUS && !is_said_by_status(record->status)) {
		return "status that another type says";
	}
	return record->at_ms > RECORD_AT_MS_MAX ? "time beyond the year 9999" : NULL;
}

static const char *slots_fault(const struct record *record)
{
	for (uint16_t i = 0; i < record->slot_count; i++) {
		if (record_slot(record, i).minute >= MINUTES_PER_DAY) {
			return "minute of a slot out of bounds";
		}
	}
	return NULL;
}

static const char *from_fault(const struct record_from *from)
{
	if (from->minute >= MINUTES_PER_DAY) {
		return "minute left out of bounds";
	}
	return from->minutes > SLOT_MINUTES_MAX ? "minutes left out of bounds" : NULL;
}

/* What the fields of an IMPORT say together. */
static const char *import_fault(const struct record *record)
{
	if (record->type != RECORD_IMPORT) {
		return NULL;
	}
	if (record->status == SESSION_FREE) {
		const size_t size = record->psychologist.size + record->client.size;
		const uint64_t rest = record->day | record->minute | record->minutes | record->unlisted |
				      record->created_ms | record->version;
		return size != 0 || rest != 0 ? "an id that was never given out, and a session" : NULL;
	}
	if (record->version == 0 || record->version > SESSION_VERSION_MAX) {
		return "version out of bounds";
	}
	if (record->created_ms > RECORD_AT_MS_MAX) {
		return "creation beyond the year 9999";
	}
	if (record->status == SESSION_BOOKED && record->version == 1 && record->at_ms != record->created_ms) {
		return "changed, but of the first version";
	}
	const bool keeps = session_occupies(record->status);
	return keeps && record->unlisted != (record->minutes == 0) ? "minutes out of bounds" : NULL;
}

/* The window, then what is in it: in order, and none empty. */
static const char *busy_fault(const struct record *record)
{
	uint32_t end = 0;
	for (uint16_t i = 0; i < record->busy_count; i++) {
		const struct record_busy window = record_busy(record, 0);
		const struct record_busy busy = record_busy(record, i);
		if (busy.start >= busy.end || busy.end >= (uint32_t)DAY_COUNT * MINUTES_PER_DAY) {
			return "interval out of bounds";
		}
		if (i > 0 && (busy.start < window.start || busy.end > window.end || busy.start < end)) {
			return "interval out of the window, or out of order";
		}
		end = i > 0 ? busy.end : 0;
	}
	return NULL;
}

static const char *text_fault(struct span text)
{
	for (size_t i = 0; i < text.size; i++) {
		if (text.at[i] < ' ' || text.at[i] > '~') {
			return "text that cannot be read";
		}
	}
	return NULL;
}

static const char *tokens_fault(const struct record *record)
{
	if (record->psychologist.size != 0 && !token_valid(record->psychologist)) {
		return "psychologist is no token";
	}
	if (record->client.size != 0 && !token_valid(record->client)) {
		return "client is no token";
	}
	if (record->from.psychologist.size != 0 && !token_valid(record->from.psychologist)) {
		return "psychologist left is no token";
	}
	if (record->source.size != 0 && !token_valid(record->source)) {
		return "source is no token";
	}
	return NULL;
}

bool record_joins_group(enum record_type type)
{
	return type == RECORD_BOOK || type == RECORD_CANCEL || type == RECORD_STATUS || type == RECORD_HOLD ||
	       type == RECORD_MOVE;
}

/* Of a group: whether there are as many members as it says, each a record that may be one, and nothing else. */
static const char *members_fault(const struct record *group)
{
	struct span rest = group->members;
	uint16_t count = 0;
	while (rest.size > 0) {
		struct record member;
		/* The type first: a group in a group must not be read into. */
		if (rest.size < RECORD_HEADER_SIZE || !record_joins_group((enum record_type)rest.at[TYPE_OFFSET])) {
			return "a member that cannot be one";
		}
		const size_t size = record_decode(rest, &member, NULL);
		if (size == 0 || member.at_ms != group->at_ms) {
			return "a member that is not a record of this moment";
		}
		rest = (struct span){rest.at + size, rest.size - size};
		count++;
	}
	return count == group->member_count ? NULL : "not as many members as it says";
}

static const char *contents_fault(const struct record *record)
{
	const char *fault = slots_fault(record);
	if (fault == NULL) {
		fault = from_fault(&record->from);
	}
	if (fault == NULL) {
		fault = import_fault(record);
	}
	if (fault == NULL) {
		fault = busy_fault(record);
	}
	if (fault == NULL) {
		fault = text_fault(record->text);
	}
	if (fault == NULL) {
		fault = tokens_fault(record);
	}
	return fault == NULL ? members_fault(record) : fault;
}

bool record_next_member(struct span *rest, struct record *member)
{
	if (rest->size == 0) {
		return false;
	}
	const size_t size = record_decode(*rest, member, NULL);
	CHECK(size > 0); /* checked when the group was decoded */
	*rest = (struct span){rest->at + size, rest->size - size};
	return true;
}

size_t record_group_size(size_t members_size)
{
	return RECORD_HEADER_SIZE + members_size;
}

/* Bytes before the padding. */
static size_t content_size(const struct record *record)
{
	return RECORD_HEADER_SIZE + (size_t)record->slot_count * RECORD_SLOT_SIZE +
	       (size_t)record->busy_count * RECORD_BUSY_SIZE + (record->type == RECORD_MOVE ? RECORD_FROM_SIZE : 0) +
	       (record->type == RECORD_IMPORT ? RECORD_IMPORT_SIZE : 0) + record->psychologist.size +
	       record->client.size + record->from.psychologist.size + record->source.size + record->reason.size +
	       record->text.size + record->members.size;
}

static size_t padded(size_t size)
{
	return (size + 7) & ~(size_t)7;
}

size_t record_size(const struct record *record)
{
	return padded(content_size(record));
}

static uint8_t *put(uint8_t *at, const void *bytes, size_t size)
{
	if (size != 0) {
		memcpy(at, bytes, size);
	}
	return at + size;
}

static uint8_t *put_from(uint8_t *at, const struct record_from *from)
{
	store16(at, from->day);
	store16(at + 2, from->minute);
	store16(at + 4, from->minutes);
	store16(at + 6, 0);
	return at + RECORD_FROM_SIZE;
}

static uint8_t *put_origin(uint8_t *at, const struct record *record)
{
	memset(at, 0, RECORD_IMPORT_SIZE);
	store64(at, record->created_ms);
	store16(at + 8, record->version);
	return at + RECORD_IMPORT_SIZE;
}

/* False if what must be zero is not. */
static bool take_origin(const uint8_t **at, struct record *record)
{
	const uint8_t *bytes = *at;
	record->created_ms = load64(bytes);
	record->version = load16(bytes + 8);
	*at += RECORD_IMPORT_SIZE;
	return load16(bytes + 10) == 0 && load32(bytes + 12) == 0;
}

/* False if what must be zero is not. */
static bool take_from(const uint8_t **at, struct record_from *from)
{
	const uint8_t *bytes = *at;
	from->day = load16(bytes);
	from->minute = load16(bytes + 2);
	from->minutes = load16(bytes + 4);
	*at += RECORD_FROM_SIZE;
	return load16(bytes + 6) == 0;
}

/* The last field of the header, which is of one of four fields. */
static uint16_t count_of(const struct record *record)
{
	/* The others are zero. */
	return (uint16_t)(record->slot_count | record->member_count | record->busy_count | record->hold_seconds);
}

static void set_count(struct record *record, uint16_t count)
{
	const struct record_shape *shape = shape_of(record->type);
	const unsigned fields = shape != NULL ? shape->fields : 0;
	if ((fields & FIELD_MEMBERS) != 0) {
		record->member_count = count;
	} else if ((fields & FIELD_SOURCE) != 0) {
		record->busy_count = count;
	} else if ((fields & FIELD_SECONDS) != 0) {
		record->hold_seconds = count;
	} else {
		record->slot_count = count;
	}
}

/* The token behind the psychologist: of each type another. */
static struct span *second_token(struct record *record)
{
	switch (record->type) {
	case RECORD_MOVE:
		return &record->from.psychologist;
	case RECORD_BUSY:
		return &record->source;
	default:
		return &record->client;
	}
}

/* What stands at the end: of each type another. */
static struct span *last_part(struct record *record)
{
	switch (record->type) {
	case RECORD_GROUP:
		return &record->members;
	case RECORD_HOURS:
	case RECORD_CALENDAR:
		return &record->text;
	default:
		return &record->reason;
	}
}

size_t record_encode(const struct record *record, uint8_t *bytes)
{
	CHECK(numbers_fault(record) == NULL);
	CHECK(from_fault(&record->from) == NULL);
	CHECK(import_fault(record) == NULL);
	CHECK(busy_fault(record) == NULL);
	CHECK(text_fault(record->text) == NULL);
	size_t size = record_size(record);
	CHECK(size <= RECORD_SIZE_MAX);

	struct record_header header = {
	    .size = (uint16_t)size,
	    .type = (uint8_t)record->type,
	    .flags = (uint8_t)((record->unlisted ? RECORD_FLAG_UNLISTED : 0) | record->status << RECORD_STATUS_SHIFT),
	    .psychologist_size = (uint8_t)record->psychologist.size,
	    .client_size = (uint8_t)(record->client.size + record->from.psychologist.size + record->source.size),
	    .reason_size = (uint16_t)(record->members.size + record->reason.size + record->text.size), /* one of them */
	    .at_ms = record->at_ms,
	    .session = record->session + record->generation, /* one of them is zero */
	    .day = record->day,
	    .minute = record->minute,
	    .minutes = record->minutes,
	    .count = count_of(record),
	};
	uint8_t *at = put(bytes, &header, sizeof header);
	at = put(at, record->slots, (size_t)record->slot_count * RECORD_SLOT_SIZE);
	at = put(at, record->busy, (size_t)record->busy_count * RECORD_BUSY_SIZE);
	at = record->type == RECORD_MOVE ? put_from(at, &record->from) : at;
	at = record->type == RECORD_IMPORT ? put_origin(at, record) : at;
	at = put(at, record->psychologist.at, record->psychologist.size);
	at = put(at, record->client.at, record->client.size);
	at = put(at, record->from.psychologist.at, record->from.psychologist.size);
	at = put(at, record->source.at, record->source.size);
	at = put(at, record->reason.at, record->reason.size);
	at = put(at, record->text.at, record->text.size);
	at = put(at, record->members.at, record->members.size);
	while (at < bytes + size) {
		*at++ = 0;
	}
	return size;
}

static size_t refuse(struct error *error, const char *fault)
{
	error_set(error, ERROR_DAMAGED, "not a record: %s", fault);
	return 0;
}

static struct span take(const uint8_t **at, size_t size)
{
	struct span span = {size == 0 ? NULL : *at, size};
	*at += size;
	return span;
}

/* What varies in length, its sizes being in the record already. False if padding between it is not zero. */
static bool take_parts(const uint8_t **at, struct record *record)
{
	record->slots = take(at, (size_t)record->slot_count * RECORD_SLOT_SIZE).at;
	record->busy = take(at, (size_t)record->busy_count * RECORD_BUSY_SIZE).at;
	bool ok = record->type != RECORD_MOVE || take_from(at, &record->from);
	ok = record->type == RECORD_IMPORT ? take_origin(at, record) : ok;
	record->psychologist = take(at, record->psychologist.size);
	struct span *second = second_token(record);
	*second = take(at, second->size);
	struct span *last = last_part(record);
	*last = take(at, last->size);
	return ok;
}

static_assert(DAY_COUNT > UINT16_MAX, "any day can be");

/* A BOOK, which nearly all records of a long log are: what it must be like, and nothing else. 0 if it is not, which is for
 * record_decode to say. */
static size_t decode_book(const struct record_header *header, struct span bytes, struct record *record)
{
	const bool unlisted = header->flags == RECORD_FLAG_UNLISTED;
	const size_t size = RECORD_HEADER_SIZE + (size_t)header->psychologist_size + header->client_size;
	if ((header->flags != 0 && !unlisted) || header->reason_size != 0 || header->count != 0 ||
	    header->session == 0 || header->at_ms > RECORD_AT_MS_MAX || header->minute >= MINUTES_PER_DAY ||
	    header->minutes > SLOT_MINUTES_MAX || unlisted != (header->minutes == 0) || header->size != padded(size)) {
		return 0;
	}
	*record = (struct record){
	    .type = RECORD_BOOK,
	    .at_ms = header->at_ms,
	    .session = header->session,
	    .psychologist = {bytes.at + RECORD_HEADER_SIZE, header->psychologist_size},
	    .client = {bytes.at + RECORD_HEADER_SIZE + header->psychologist_size, header->client_size},
	    .day = header->day,
	    .minute = header->minute,
	    .minutes = header->minutes,
	    .unlisted = unlisted,
	};
	uint8_t padding = 0;
	for (size_t at = size; at < header->size; at++) {
		padding |= bytes.at[at];
	}
	return padding == 0 && token_valid(record->psychologist) && token_valid(record->client) ? header->size : 0;
}

size_t record_decode(struct span bytes, struct record *record, struct error *error)
{
	struct record_header header;
	if (bytes.size < sizeof header) {
		return refuse(error, "fewer bytes than a header");
	}
	memcpy(&header, bytes.at, sizeof header);
	if (header.size < sizeof header || header.size > RECORD_SIZE_MAX || header.size % 8 != 0) {
		return refuse(error, "size out of bounds");
	}
	if (header.size > bytes.size) {
		return refuse(error, "longer than the bytes there are");
	}
	if (header.type == RECORD_BOOK && decode_book(&header, bytes, record) != 0) {
		return header.size;
	}
	if ((header.flags & ((1u << RECORD_STATUS_SHIFT) - 1) & ~RECORD_FLAG_UNLISTED) != 0) {
		return refuse(error, "unknown flags");
	}

	const bool is_busy = header.type == RECORD_BUSY;
	*record = (struct record){
	    .type = (enum record_type)header.type,
	    .at_ms = header.at_ms,
	    .session = is_busy ? 0 : header.session,
	    .generation = is_busy ? header.session : 0,
	    .psychologist.size = header.psychologist_size,
	    .day = header.day,
	    .minute = header.minute,
	    .minutes = header.minutes,
	    .unlisted = (header.flags & RECORD_FLAG_UNLISTED) != 0,
	    .status = (enum session_status)(header.flags >> RECORD_STATUS_SHIFT),
	};
	second_token(record)->size = header.client_size;
	last_part(record)->size = header.reason_size;
	set_count(record, header.count);
	const char *fault = numbers_fault(record);
	if (fault != NULL) {
		return refuse(error, fault);
	}
	if (header.size != record_size(record)) {
		return refuse(error, "size is not that of its parts");
	}

	const uint8_t *at = bytes.at + sizeof header;
	if (!take_parts(&at, record)) {
		return refuse(error, "padding is not zero");
	}
	fault = contents_fault(record);
	if (fault != NULL) {
		return refuse(error, fault);
	}
	while (at < bytes.at + header.size) {
		if (*at++ != 0) {
			return refuse(error, "padding is not zero");
		}
	}
	return header.size;
}
