/*
 * snapshot_file: the pieces of a snapshot (docs/LOG_FORMAT.md), read one after the other.
 *
 * Threads: one.
 */
#pragma once

#include <log/block.h>
#include <log/snapshot.h>
#include <log/window.h>
#include <slot/settings.h>

enum piece_kind {
	PIECE_BEGIN = 1,
	PIECE_SLOTS,
	PIECE_SESSIONS,
	PIECE_PSYCHOLOGISTS,
	PIECE_CLIENTS,
	PIECE_END,
	PIECE_BUSY,  /* behind the sessions, */
	PIECE_HOURS, /* and these behind that */
	PIECE_CALENDARS,
};

/* The pieces of a snapshot come in this order. */
static inline uint32_t piece_rank(enum piece_kind kind)
{
	const uint32_t step = 8;
	return kind >= PIECE_BUSY ? step * PIECE_SESSIONS + (uint32_t)kind - PIECE_BUSY + 1 : step * (uint32_t)kind;
}

/* The payload of a piece: its kind in 8 bytes, then one of these, or copies. */
#define PIECE_HEAD 8

struct piece_begin {
	uint64_t log_id;
	uint64_t lsn;
	uint64_t created_at_ms;
	uint64_t removed_lsn;
	uint64_t purged_before_day;
};

struct piece_end {
	uint64_t end_lsn;
	uint64_t slots;
	uint64_t sessions;
	uint64_t tokens;
};

/* A token: number (4), size (1), bytes, zeros to a multiple of 8. */
#define PIECE_TOKEN_HEAD 5
static inline size_t piece_token_size(size_t token_size)
{
	return (PIECE_TOKEN_HEAD + token_size + 7) & ~(size_t)7;
}

/* What a calendar says: psychologist (4), intervals (4), generation (8), synced_ms (8), lsn (8), size of its name (1), name,
 * zeros to a multiple of 8, then start (4) and end (4) of each interval. */
#define PIECE_BUSY_HEAD 33
static inline size_t piece_busy_size(size_t name_size, size_t intervals)
{
	return ((PIECE_BUSY_HEAD + name_size + 7) & ~(size_t)7) + 8 * intervals;
}

/* A setting: psychologist (4), size (4), lsn (8), text, zeros to a multiple of 8. */
#define PIECE_SETTING_HEAD 16
static inline size_t piece_setting_size(size_t text_size)
{
	return (PIECE_SETTING_HEAD + text_size + 7) & ~(size_t)7;
}
static inline enum setting_kind piece_setting(enum piece_kind kind)
{
	return kind == PIECE_HOURS ? SETTING_HOURS : SETTING_CALENDAR;
}

/* Where a piece belongs: never a place where a block of the log could. */
struct block_place snapshot_place(uint64_t log_id, uint64_t lsn, uint64_t offset);

/* The lsn of the snapshots of the directory, newest first; malloc'd for the caller. */
bool snapshot_list(struct disk *disk, uint64_t **lsns, size_t *count, struct error *error);

struct snapshot_file {
	struct disk *disk;
	char name[DISK_NAME_SIZE];
	disk_file file;
	struct window window;
	struct piece_begin begin;
	struct snapshot_info info; /* whole once the end was read */
	uint64_t offset;           /* of the next piece */
	uint64_t previous;
	enum piece_kind kind; /* of the last piece */
	uint64_t slots, sessions, tokens;
};

/* Opens the file that is to be the snapshot of this lsn and reads its begin. ERROR_DAMAGED, ERROR_NEWER, or the disk's. */
bool snapshot_file_open(struct snapshot_file *file, struct disk *disk, const char *name, uint64_t lsn,
			struct error *error);
void snapshot_file_close(struct snapshot_file *file);

/* The next piece, PIECE_END being the last; its copies are good until the next call. */
struct piece {
	enum piece_kind kind;
	uint32_t count;
	struct span copies;
	/* the block it is, and where */
	uint8_t *bytes;
	size_t size;
	struct block_header header;
	uint64_t offset;
};
bool snapshot_file_next(struct snapshot_file *file, struct piece *piece, struct error *error);

/* The same in three steps. What the first says may be anything until the second was true for all pieces up to the end; whoever
 * moves the bytes (piece_move) may do the first for others before. */
bool snapshot_file_look(struct snapshot_file *file, struct piece *piece, struct error *error);
bool snapshot_file_matches(const struct snapshot_file *file, struct piece *piece);
bool snapshot_file_follows(struct snapshot_file *file, const struct piece *piece, struct error *error);
/* The piece as it stands in a copy of its bytes. */
void piece_move(struct piece *piece, uint8_t *bytes);

/* What the end says, by itself: a hint, as long as the pieces before it were not seen. False if none stands there. */
bool snapshot_file_hint(const struct snapshot_file *file, struct piece_end *end);

/* Takes the first source off the copies; its intervals are borrowed from them. False if it is none. */
bool piece_take_source(struct span *copies, uint32_t *psychologist, struct busy_source *source);

/* Takes the first setting off the copies; its text is borrowed from them. False if it is none. */
bool piece_take_setting(struct span *copies, uint32_t *psychologist, struct span *text, uint64_t *lsn);

/* Takes the first token off the copies. False if it is none. */
bool piece_take_token(struct span *copies, uint32_t *number, struct span *token);
