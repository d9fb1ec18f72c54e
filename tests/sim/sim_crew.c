/*
 * sim_crew: see the header.
 */
#include <sim/sim_crew.h>

#include <base/check.h>
#include <base/clock.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* What a process tells. Nobody else looks before it has ended. */
struct member {
	pid_t pid;
	uint64_t seed; /* of the history it runs */
	uint64_t histories;
	bool violated;
	char violation[SIM_VIOLATION_SIZE];
};

/* In memory that the processes share. Relaxed: numbers to stop by, early or late. */
struct board {
	_Atomic uint64_t count;
	_Atomic bool stop;
	struct member members[SIM_PROCESSES_MAX];
	uint64_t counts[]; /* of each member */
};

static uint64_t now_ms(void)
{
	const struct clock clock = clock_real();
	return clock_monotonic_ns(&clock) / 1000000;
}

static uint64_t children_used_ms(void)
{
	struct rusage usage;
	CHECK(getrusage(RUSAGE_CHILDREN, &usage) == 0);
	return (uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000 +
	       (uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1000;
}

static bool goes_on(const struct sim_crew *crew, const struct board *board, uint64_t end_ms)
{
	return !atomic_load_explicit(&board->stop, memory_order_relaxed) &&
	       atomic_load_explicit(&board->count, memory_order_relaxed) < crew->count_limit &&
	       (crew->seconds == 0 || now_ms() < end_ms);
}

static void work(const struct sim_crew *crew, struct board *board, uint32_t number, uint64_t end_ms)
{
	struct member *member = &board->members[number];
	for (uint64_t k = number; goes_on(crew, board, end_ms); k += crew->processes) {
		const uint64_t before = crew->counts[0];
		member->seed = crew->seed + k;
		member->violated = !crew->run(crew->context, member->seed);
		member->histories++;
		atomic_fetch_add_explicit(&board->count, crew->counts[0] - before, memory_order_relaxed);
		if (member->violated) {
			atomic_store_explicit(&board->stop, true, memory_order_relaxed);
			memcpy(member->violation, crew->violation, sizeof member->violation);
		}
	}
	if (crew->end != NULL) {
		crew->end(crew->context);
	}
	memcpy(&board->counts[(size_t)number * crew->count_size], crew->counts,
	       crew->count_size * sizeof *crew->counts);
}

/* Waits for a process to end and takes over what it has to tell; false if that is a violation. */
static bool collect(struct sim_crew *crew, struct board *board)
{
	int status;
	const pid_t pid = wait(&status);
	CHECK(pid > 0);
	uint32_t number = 0;
	while (board->members[number].pid != pid) {
		number++;
		CHECK(number < crew->processes);
	}
	struct member *member = &board->members[number];
	if (!member->violated && (!WIFEXITED(status) || WEXITSTATUS(status) != 0)) {
		member->violated = true;
		snprintf(member->violation, sizeof member->violation, "the process ended with %s %d",
			 WIFSIGNALED(status) ? "signal" : "status",
			 WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
		atomic_store_explicit(&board->stop, true, memory_order_relaxed);
	}
	crew->histories += member->histories;
	for (uint32_t i = 0; i < crew->count_size; i++) {
		crew->counts[i] += board->counts[(size_t)number * crew->count_size + i];
	}
	if (member->violated) {
		crew->violated_seed = member->seed;
		memcpy(crew->violation, member->violation, sizeof member->violation);
	}
	return !member->violated;
}

bool sim_crew_run(struct sim_crew *crew)
{
	CHECK(crew->processes > 0 && crew->processes <= SIM_PROCESSES_MAX);
	const uint64_t begin_ms = now_ms();
	const uint64_t used_before_ms = children_used_ms();
	const size_t size = sizeof(struct board) + (size_t)crew->processes * crew->count_size * sizeof *crew->counts;
	struct board *board = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(board != MAP_FAILED);
	fflush(NULL);
	memset(crew->counts, 0, crew->count_size * sizeof *crew->counts);
	for (uint32_t i = 0; i < crew->processes; i++) {
		const pid_t pid = fork();
		CHECK(pid >= 0);
		if (pid == 0) {
			work(crew, board, i, begin_ms + crew->seconds * 1000);
			fflush(NULL);
			_exit(0);
		}
		board->members[i].pid = pid; /* not before: the board is the child's, too */
	}
	bool passed = true;
	crew->histories = 0;
	for (uint32_t i = 0; i < crew->processes; i++) {
		passed = collect(crew, board) && passed;
	}
	CHECK(munmap(board, size) == 0);
	crew->took_ms = now_ms() - begin_ms;
	crew->used_ms = children_used_ms() - used_before_ms;
	return passed;
}

uint32_t sim_crew_cores(void)
{
	const long cores = sysconf(_SC_NPROCESSORS_ONLN);
	return cores < 1 ? 1 : cores > SIM_PROCESSES_MAX ? SIM_PROCESSES_MAX : (uint32_t)cores;
}
