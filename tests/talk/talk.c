/*
 * talk: runs conversations against the real server; the format is in README.md beside this file.
 *
 * usage: talk [--bin DIR] [--keep] [FILE.talk]... [--markdown FILE.md]...
 *
 * A .talk file is one conversation with a server of its own. A document is one too, made of its fenced blocks marked
 * `talk` or `console talk`, with the demo hours loaded: what the documentation shows is what the server does. In a
 * `console talk` block `$ command` lines are run and the other lines are what they print.
 *
 * Prints what failed, with file and line, and "N passed, M failed"; exits 1 if one failed. --keep keeps the directories
 * of servers (data and output) of failed conversations.
 */
#include "conversation.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a line of a document is part of. */
enum fence {
	FENCE_NONE,
	FENCE_OTHER, /* a block that is not ours */
	FENCE_TALK,
	FENCE_CONSOLE,
};

struct runner {
	const char *bin;
	bool keep;
	unsigned passed;
	unsigned failed;
};

/* The fence a line opens or closes; other lines leave it. */
static enum fence fence_after(enum fence fence, const char *line)
{
	if (strncmp(line, "```", 3) != 0) {
		return fence;
	}
	if (fence != FENCE_NONE) {
		return FENCE_NONE;
	}
	return strcmp(line, "```talk") == 0           ? FENCE_TALK
	       : strcmp(line, "```console talk") == 0 ? FENCE_CONSOLE
						      : FENCE_OTHER;
}

/* One line of a console block as a step. The port that documents write is the server's here. */
static bool console_step(struct conversation *conversation, const char *line)
{
	char step[2048];
	if (strncmp(line, "$ ", 2) != 0) {
		snprintf(step, sizeof step, "< %s", line);
		return conversation_step(conversation, step);
	}
	const char *port = strstr(line, "5545");
	const int before = port != NULL ? (int)(port - line) - 2 : (int)strlen(line) - 2;
	snprintf(step, sizeof step, ":sh %.*s%s%s", before, line + 2, port != NULL ? "$PORT" : "",
		 port != NULL ? port + 4 : "");
	return conversation_step(conversation, step);
}

/* One line of a document. */
static bool markdown_line(struct conversation *conversation, enum fence *fence, const char *line)
{
	const enum fence before = *fence;
	*fence = fence_after(before, line);
	if (*fence == FENCE_NONE && (before == FENCE_TALK || before == FENCE_CONSOLE)) {
		return conversation_hang_up(conversation);
	}
	if (*fence != before) {
		return true;
	}
	return *fence == FENCE_TALK      ? conversation_step(conversation, line)
	       : *fence == FENCE_CONSOLE ? console_step(conversation, line)
					 : true;
}

/* Shows the end of what the server printed. */
static void show_output(const struct conversation *conversation)
{
	FILE *file = fopen(conversation->server.output, "r");
	if (file == NULL) {
		return;
	}
	char text[4096];
	(void)fseek(file, -(long)sizeof text, SEEK_END); /* shorter than that: from the start */
	const size_t size = fread(text, 1, sizeof text, file);
	fclose(file);
	if (size > 0) {
		printf("  the server printed:\n%.*s", (int)size, text);
	}
}

static bool converse(struct conversation *conversation, FILE *file, const char *path, bool markdown)
{
	char *line = NULL;
	size_t capacity = 0;
	unsigned number = 0;
	enum fence fence = FENCE_NONE;
	bool ok = true;
	for (ssize_t size; ok && (size = getline(&line, &capacity, file)) > 0;) {
		number++;
		line[strcspn(line, "\r\n")] = '\0';
		ok = markdown ? markdown_line(conversation, &fence, line) : conversation_step(conversation, line);
	}
	if (!ok) {
		printf("%s:%u: %s\n  %s\n", path, number, line, conversation->failure);
	} else if (!conversation_end(conversation)) {
		ok = false;
		printf("%s: at the end: %s\n", path, conversation->failure);
	}
	free(line);
	return ok;
}

static void run_file(struct runner *runner, const char *path, bool markdown)
{
	FILE *file = fopen(path, "r");
	struct conversation conversation;
	if (file == NULL) {
		printf("%s: %s\n", path, strerror(errno));
		runner->failed++;
		return;
	}
	bool ok = conversation_init(&conversation, runner->bin);
	if (!ok) {
		printf("%s: %s\n", path, conversation.failure);
	}
	conversation.demo = markdown;
	ok = ok && converse(&conversation, file, path, markdown);
	if (!ok) {
		show_output(&conversation);
		printf("  again: %s/talk/talk --bin %s --keep %s%s\n", runner->bin, runner->bin,
		       markdown ? "--markdown " : "", path);
	}
	if (!ok && runner->keep) {
		printf("  kept: %s\n", conversation.server.root);
	}
	conversation_fini(&conversation, !ok && runner->keep);
	fclose(file);
	runner->passed += ok;
	runner->failed += !ok;
	fflush(stdout);
}

int main(int argc, char **argv)
{
	struct runner runner = {.bin = "build/release"};
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--keep") == 0) {
			runner.keep = true;
		} else if (strcmp(argv[i], "--bin") == 0 && i + 1 < argc) {
			runner.bin = argv[++i];
		} else if (strcmp(argv[i], "--markdown") == 0 && i + 1 < argc) {
			run_file(&runner, argv[++i], true);
		} else if (argv[i][0] != '-') {
			run_file(&runner, argv[i], false);
		} else {
			fprintf(stderr, "usage: talk [--bin DIR] [--keep] [FILE.talk]... [--markdown FILE.md]...\n");
			return 2;
		}
	}
	printf("%u passed, %u failed\n", runner.passed, runner.failed);
	return runner.failed > 0;
}
