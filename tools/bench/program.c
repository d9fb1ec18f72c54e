/*
 * program: see program.h. A mode is a function of the options that returns the exit status: 0 all is well, 1 something is
 * wrong, 2 bad usage. docs/BENCHMARKS.md says how to read what they print.
 */
#include <bench/measure.h>
#include <bench/options.h>
#include <bench/program.h>
#include <bench/race.h>
#include <bench/summary.h>

static const char usage[] =
    "usage: slotd-bench [MODE] [OPTION]...\n"
    "\n"
    "Modes\n"
    "  race     N connections claim one slot at the same moment, the background services running (the default)\n"
    "  claim    every request claims a slot of its own, for a client of its own\n"
    "  mixed    of ten requests: six claims, three lists of a day, one cancellation\n"
    "  ping     PING\n"
    "  storm    claims beside nothing, then beside the services\n"
    "  probe    no server: one 4 KiB write and its flush after the other, in --dir\n"
    "  summary  medians and ratios of the measurements in --sheet, as Markdown\n"
    "  medians  the same as plain lines: row, who, metric, median, least, greatest\n"
    "\n"
    "Server, of any mode\n"
    "  --server HOST:PORT     a server that runs already; without it slotd is started, on a free loopback port with\n"
    "                         2 GB maxmemory, and stopped at the end. The services beside races and storms purge past\n"
    "                         days there: never point them at a server with records to keep\n"
    "  --dir DIR              data directory of the server that is started, and is kept (a temporary one);\n"
    "                         with --server, where its log is, to check it and to count its device\n"
    "  --timeout SECONDS      longest wait for an answer (10)\n"
    "\n"
    "Races\n"
    "  --levels N,N,...       connections of a race, up to 10000 each (5,10,20,30,100,1000)\n"
    "  --rounds N             races of each level (20)\n"
    "  --threads N            client threads that drive the connections (2, or 1 on fewer than 4 processors)\n"
    "  --background-rate N    operations a second of each background service (1000)\n"
    "  --no-background        races alone\n"
    "\n"
    "Traffic (one client thread)\n"
    "  --peer NAME            what the server is: slotd, redis (Valkey too); slotd-bench-postgres: postgres too\n"
    "  --connections N        up to 1000 (50)\n"
    "  --pipeline N           requests sent at once by a connection (1)\n"
    "  --rate N               open loop: N requests a second, latency from when each was due; without it a closed "
    "loop\n"
    "  --seconds N            how long (2), after a warm-up of a tenth of it\n"
    "  --requests N           so many instead, without a warm-up\n"
    "  --durable              fail if the device was flushed too seldom for what was answered\n"
    "  --beside WHAT          of a storm: services (OPEN, CLOSE, PURGE, SLOTS, SLOT), growth (OPEN), snapshot\n"
    "\n"
    "Figures\n"
    "  --hgrm FILE            percentiles as HdrHistogram prints them, in microseconds\n"
    "  --sheet FILE           adds a line for each figure: --row WORD --who WORD --repetition N metric value\n"
    "  --help                 this text\n"
    "\n"
    "Exit status: 0 all is well; 1 a duplicate, a lost answer, a timeout, an unexpected reply, a rate that was not\n"
    "reached, a server that does not flush, start or stop; 2 bad usage.\n";

static const struct {
	const char *name;
	int (*run)(const struct options *options);
} modes[] = {
    {"race", race_run},       {"claim", measure_claim}, {"mixed", measure_mixed}, {"ping", measure_ping},
    {"storm", measure_storm}, {"probe", measure_probe}, {"summary", summary_run}, {"medians", summary_medians},
};

int program_run(int argc, char **argv, const struct peer *const *peers)
{
	const struct options options = options_read(argc, argv, peers, usage);
	for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
		if (strcmp(modes[i].name, options.mode) == 0) {
			return modes[i].run(&options);
		}
	}
	options_refuse("mode", options.mode, "unknown");
}
