/*
 * sim_options: see the header.
 */
#include <base/bytes.h>
#include <base/hash.h>
#include <getopt.h>
#include <sim/sim_crew.h>
#include <sim/sim_options.h>
#include <stdio.h>

static bool usage(const char *program, const char *const *canaries, uint32_t count)
{
	fprintf(stderr, "usage: %s [--seconds N] [--crashes N] [--seed N] [--processes N] [--canary all", program);
	for (uint32_t i = 0; i < count; i++) {
		fprintf(stderr, "|%s", canaries[i]);
	}
	fputs("]\n", stderr);
	return false;
}

/* Which bugs `name` says; NULL: nobody said. */
static bool read_canary(struct sim_options *options, const char *name, const char *const *canaries, uint32_t count)
{
	if (name == NULL || strcmp(name, "all") == 0) {
		options->canary_first = 1;
		options->canary_end = count;
		options->real = name == NULL;
		return true;
	}
	uint32_t at = 0;
	while (at < count && strcmp(name, canaries[at]) != 0) {
		at++;
	}
	options->real = at == 0;
	options->canary_first = at;
	options->canary_end = at == 0 ? 0 : at + 1;
	return at < count;
}

bool sim_options_read(struct sim_options *options, int argc, char **argv, const char *const *canaries, uint32_t count)
{
	static const struct option words[] = {
	    {"seconds", required_argument, NULL, 's'}, {"crashes", required_argument, NULL, 'c'},
	    {"seed", required_argument, NULL, 'r'},    {"processes", required_argument, NULL, 'p'},
	    {"canary", required_argument, NULL, 'k'},  {0}};
	uint64_t processes = sim_crew_cores();
	const char *canary = NULL;
	*options = (struct sim_options){.crashes = UINT64_MAX, .seed = hash_seed_random() % 1000000000};
	for (int word; (word = getopt_long(argc, argv, "", words, NULL)) != -1;) {
		uint64_t *number = word == 's'   ? &options->seconds
				   : word == 'c' ? &options->crashes
				   : word == 'r' ? &options->seed
						 : &processes;
		if (word == 'k') {
			canary = optarg;
		} else if (word == '?' || !span_number(span_of(optarg), UINT64_MAX, number)) {
			return usage(argv[0], canaries, count);
		}
	}
	if (optind != argc || processes == 0 || processes > SIM_PROCESSES_MAX ||
	    !read_canary(options, canary, canaries, count)) {
		return usage(argv[0], canaries, count);
	}
	options->processes = (uint32_t)processes;
	options->seconds = options->seconds == 0 && options->crashes == UINT64_MAX ? 10 : options->seconds;
	return true;
}
