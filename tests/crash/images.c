/*
 * images: see images.h.
 */
#include "images.h"
#include "audit.h"
#include "ledger.h"
#include "load.h"
#include "platter.h"
#include <base/check.h>
#include <base/hash.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROGRESS_IMAGES 50 /* between two lines that say how far it is */

/* The ledger as it was at some position. */
struct past {
	struct ledger ledger;
	struct ledger_entry asked[LEDGER_SLOTS][LEDGER_CLIENTS];
	size_t step; /* the first that is not in it */
};

struct check {
	const struct images *images;
	struct past past;
	struct ledger ledger; /* its copy that an image is held against; its counts are those of all images */
	struct platter platter;
	uint64_t done[CUT_WAYS];
	uint64_t bad;
};

static const char *const way_names[CUT_WAYS] = {"flushed", "all", "some", "torn"};

static void path_in(const struct images *images, const char *name, char *path, size_t size)
{
	snprintf(path, size, "%s/%s", images->place, name);
}

const struct recording *images_recording(const char *place)
{
	char path[SERVER_PATH_SIZE];
	snprintf(path, sizeof path, "%s/recording", place);
	const int file = open(path, O_RDONLY | O_CLOEXEC);
	void *at = file >= 0 ? mmap(NULL, RECORDING_ENTRIES_AT, PROT_READ, MAP_SHARED, file, 0) : MAP_FAILED;
	if (file >= 0) {
		close(file);
	}
	if (at == MAP_FAILED) {
		printf("%s: %s\n", path, strerror(errno));
		return NULL;
	}
	return at;
}

/* ------------------------------------------------------------------------------------------------------------- the past */

static void take_step(struct past *past, const struct step *step)
{
	struct ledger_entry *asked = &past->asked[step->slot][step->client >= 0 ? step->client : 0];
	switch (step->kind) {
	case STEP_ASKED:
		*asked = ledger_ask(&past->ledger, step->slot, step->client, step->flag);
		break;
	case STEP_WON:
		ledger_won(&past->ledger, asked, step->id);
		break;
	case STEP_TAKEN:
		ledger_taken(&past->ledger, asked);
		break;
	case STEP_CANCELLED:
		ledger_cancelled(&past->ledger, asked);
		break;
	case STEP_VERIFIED:
		ledger_verify(&past->ledger, step->slot, step->client, step->id);
		break;
	}
}

/* Everything that was known at the position. */
static void go_to(struct past *past, const struct journal *journal, uint64_t position)
{
	while (past->step < journal->count && journal->steps[past->step].position <= position) {
		take_step(past, &journal->steps[past->step++]);
	}
}

/* ------------------------------------------------------------------------------------------------------------- the cuts */

static int compare_cuts(const void *left, const void *right)
{
	const uint64_t a = ((const struct cut *)left)->position;
	const uint64_t b = ((const struct cut *)right)->position;
	return (a > b) - (a < b);
}

static struct cut *choose_cuts(const struct check *check)
{
	const struct images *images = check->images;
	const struct journal *journal = images->journal;
	const uint64_t first = journal->steps[0].position;
	const uint64_t last = journal->steps[journal->count - 1].position;
	struct cut *cuts = calloc(images->count, sizeof *cuts);
	CHECK(cuts != NULL);
	for (uint32_t i = 0; i < images->count; i++) {
		const uint64_t dice = hash_u64(i, images->seed);
		cuts[i] = (struct cut){
		    .position = first + dice % (last - first + 1),
		    .seed = hash_u64(dice, images->seed),
		    .way = (enum cut_way)(i % CUT_WAYS),
		};
		if (cuts[i].way == CUT_FLUSHED) {
			cuts[i].position = platter_flushed(&check->platter, cuts[i].position);
		}
	}
	qsort(cuts, images->count, sizeof *cuts, compare_cuts);
	return cuts;
}

/* ----------------------------------------------------------------------------------------------------------- the images */

/* The counts, relaxed: no other thread is left. */
static uint64_t count_of(const _Atomic uint64_t *counter)
{
	return atomic_load_explicit(counter, memory_order_relaxed);
}

static uint64_t wrongs(const struct ledger *ledger)
{
	return count_of(&ledger->lost) + count_of(&ledger->doubled) + count_of(&ledger->ghosts);
}

static bool server_stands_by_it(struct check *check)
{
	struct server *server = check->images->server;
	const uint64_t before = wrongs(&check->ledger);
	struct error error;
	if (!server_start(server, &error)) {
		printf("on an image: %s\n", error.text);
		return false;
	}
	int status = 0;
	const bool told = audit(&check->ledger, server);
	const bool ended =
	    server_stop(server, SIGTERM, &status, &error) && WIFEXITED(status) && WEXITSTATUS(status) == 0;
	if (!ended) {
		printf("on an image the server did not end well on SIGTERM, status %#x\n", (unsigned)status);
	}
	return told && ended && wrongs(&check->ledger) == before;
}

static bool make_image(struct check *check, const struct cut *cut, const char *name)
{
	char path[SERVER_PATH_SIZE];
	path_in(check->images, name, path, sizeof path);
	const bool made = platter_write(&check->platter, cut, path);
	if (!made) {
		printf("%s: %s\n", path, strerror(errno));
	}
	return made;
}

static void check_cut(struct check *check, const struct cut *cut)
{
	const struct images *images = check->images;
	go_to(&check->past, images->journal, cut->position + images->early);
	ledger_copy(&check->ledger, &check->past.ledger);
	check->done[cut->way]++;
	if (make_image(check, cut, "image") && system(images->show) == 0 && audit_log(images->server) &&
	    server_stands_by_it(check)) {
		return;
	}
	printf("bad: the cut at position %" PRIu64 ", way '%s'\n", cut->position, way_names[cut->way]);
	if (check->bad++ == 0) {
		(void)make_image(check, cut, "bad"); /* the server has changed the other */
	}
}

static void report(const struct check *check)
{
	const struct images *images = check->images;
	const struct ledger *ledger = &check->ledger;
	printf("images=%" PRIu32, images->count);
	for (enum cut_way way = 0; way < CUT_WAYS; way++) {
		printf(" %s=%" PRIu64, way_names[way], check->done[way]);
	}
	printf(" bad=%" PRIu64 " lost=%" PRIu64 " doubled=%" PRIu64 " ghosts=%" PRIu64 " positions=%" PRIu64
	       " seed=%" PRIu64 "\n",
	       check->bad, count_of(&ledger->lost), count_of(&ledger->doubled), count_of(&ledger->ghosts),
	       count_of(&images->journal->recording->count), images->seed);
}

bool images_check(const struct images *images)
{
	static struct check check;
	char path[SERVER_PATH_SIZE];
	check.images = images;
	path_in(images, "recording", path, sizeof path);
	if (images->journal->count == 0 || !platter_init(&check.platter, path, images->journal->recording->size)) {
		printf("nothing to make images of: %s\n", path);
		return false;
	}
	ledger_init(&check.past.ledger);
	ledger_init(&check.ledger);
	struct cut *cuts = choose_cuts(&check);
	for (uint32_t i = 0; i < images->count; i++) {
		check_cut(&check, &cuts[i]);
		if ((i + 1) % PROGRESS_IMAGES == 0 && i + 1 < images->count) {
			printf("... %" PRIu32 " of %" PRIu32 ", %" PRIu64 " bad\n", i + 1, images->count, check.bad);
		}
	}
	report(&check);
	free(cuts);
	ledger_fini(&check.ledger);
	ledger_fini(&check.past.ledger);
	platter_fini(&check.platter);
	return check.bad == 0;
}
