/*
 * log_line: a line is put together on the stack and leaves in one write(2), so that lines of different threads never
 * mix.
 *
 * Where stderr is the journal (JOURNAL_STREAM names it by device and inode), the line starts with its priority as <N>
 * and has no time of its own: the journal has one.
 *
 * See: sd-daemon(3), systemd.exec(5) on JOURNAL_STREAM
 */
#include <serve/log_line.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* Longest line; what is longer is cut. The last byte is always the LF. */
#define TEXT_SIZE_MAX 2048

struct line {
	char text[TEXT_SIZE_MAX];
	size_t size;
};

static const struct {
	const char *name;
	int priority; /* of syslog(3) */
} levels[] = {
    [LOG_DEBUG] = {"debug", 7},
    [LOG_INFO] = {"info", 6},
    [LOG_WARNING] = {"warning", 4},
    [LOG_ERROR] = {"error", 3},
};

/* Relaxed: set once at start; a line more or less during a change does not matter. */
static _Atomic int least_level = LOG_INFO;

void log_line_level(enum log_level least)
{
	atomic_store_explicit(&least_level, (int)least, memory_order_relaxed);
}

static void add_byte(struct line *line, char byte)
{
	if (line->size < sizeof line->text - 1) {
		line->text[line->size++] = byte;
	}
}

/* Adds text with control bytes escaped, and with `quoted` also what would end the quotes. */
static void add_text(struct line *line, const char *text, bool quoted)
{
	static const char digits[] = "0123456789abcdef";
	for (; *text != '\0'; text++) {
		const unsigned char byte = (unsigned char)*text;
		if (byte == '\n') {
			add_byte(line, '\\');
			add_byte(line, 'n');
		} else if (byte < ' ' || byte == 0x7f) {
			add_byte(line, '\\');
			add_byte(line, 'x');
			add_byte(line, digits[byte >> 4]);
			add_byte(line, digits[byte & 15]);
		} else {
			if (quoted && (byte == '"' || byte == '\\')) {
				add_byte(line, '\\');
			}
			add_byte(line, (char)byte);
		}
	}
}

static bool stderr_is_journal(void)
{
	const char *journal = getenv("JOURNAL_STREAM");
	uintmax_t device;
	uintmax_t inode;
	struct stat status;
	return journal != NULL && sscanf(journal, "%ju:%ju", &device, &inode) == 2 &&
	       fstat(STDERR_FILENO, &status) == 0 && status.st_dev == device && status.st_ino == inode;
}

static void add_start(struct line *line, enum log_level level)
{
	char text[64];
	if (stderr_is_journal()) {
		snprintf(text, sizeof text, "<%d>level=%s", levels[level].priority, levels[level].name);
	} else {
		struct timespec now;
		struct tm civil;
		char second[32];
		clock_gettime(CLOCK_REALTIME, &now);
		gmtime_r(&now.tv_sec, &civil);
		strftime(second, sizeof second, "%Y-%m-%dT%H:%M:%S", &civil);
		snprintf(text, sizeof text, "ts=%s.%03ldZ level=%s", second, now.tv_nsec / 1000000, levels[level].name);
	}
	add_text(line, text, false);
}

void log_line(enum log_level level, const char *text, const char *pairs, ...)
{
	if ((int)level < atomic_load_explicit(&least_level, memory_order_relaxed)) {
		return;
	}
	char words[TEXT_SIZE_MAX];
	va_list arguments;
	va_start(arguments, pairs);
	vsnprintf(words, sizeof words, pairs, arguments);
	va_end(arguments);

	struct line line = {.size = 0};
	add_start(&line, level);
	add_text(&line, " msg=\"", false);
	add_text(&line, text, true);
	add_text(&line, words[0] != '\0' ? "\" " : "\"", false);
	add_text(&line, words, false);
	line.text[line.size++] = '\n';
	/* Nobody is left to be told if even this fails. */
	const ssize_t written = write(STDERR_FILENO, line.text, line.size);
	(void)written;
}
