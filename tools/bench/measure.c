/*
 * measure: see measure.h. Mode probe is in probe.c.
 */
#include <base/check.h>
#include <bench/device.h>
#include <bench/figures.h>
#include <bench/measure.h>
#include <bench/server.h>
#include <bench/services.h>
#include <inttypes.h>
#include <stdio.h>

#define NS_PER_S UINT64_C(1000000000)
/* This part of the time is spent before anything is counted, on connections of its own. */
#define WARM_UP_PART 10

struct measurement {
	const struct options *options;
	struct server server;
	struct connection control; /* asks slotd for its INFO; closed for other peers */
	struct device device;
	bool counts_device;
	struct traffic traffic;
	struct figures figures;
};

/* What is counted outside of the client. */
struct counts {
	struct device_counts device;
	uint64_t commits; /* slotd's own count */
};

static bool is_slotd(const struct measurement *measurement)
{
	return measurement->options->peer == &peer_slotd;
}

static bool read_counts(struct measurement *measurement, struct counts *counts, struct error *error)
{
	*counts = (struct counts){.commits = 0};
	return (!measurement->counts_device || device_read(&measurement->device, &counts->device, error)) &&
	       (!is_slotd(measurement) ||
		server_info_number(&measurement->control, "commits", &counts->commits, error));
}

static void add_counts(struct measurement *measurement, const struct counts *before, const struct counts *after,
		       const struct traffic_result *result)
{
	struct figures *figures = &measurement->figures;
	const double seconds = (double)result->elapsed_ns / (double)NS_PER_S;
	const double answered = (double)result->answered;
	if (is_slotd(measurement) && after->commits > before->commits) {
		const double commits = (double)(after->commits - before->commits);
		figures_add(figures, "commits_per_s", commits / seconds);
		figures_add(figures, "claims_per_commit", answered / commits);
	}
	const double flushes = (double)(after->device.flushes - before->device.flushes);
	if (measurement->counts_device && flushes > 0) {
		figures_add(figures, "flushes_per_s", flushes / seconds);
		figures_add(figures, "claims_per_flush", answered / flushes);
		figures_add(figures, "writes_per_flush",
			    (double)(after->device.writes - before->device.writes) / flushes);
		figures_add(figures, "bytes_per_claim",
			    512 * (double)(after->device.sectors - before->device.sectors) / answered);
	}
}

/* Is the work that was answered the work that was asked for: claims that were won, by a server that flushed? */
static bool is_sound(const struct measurement *measurement, const struct counts *before, const struct counts *after,
		     const struct traffic_result *result, struct error *error)
{
	const struct traffic *traffic = &measurement->traffic;
	if (result->lost > 0) {
		return error_set(error, ERROR_INVALID,
				 "%" PRIu64 " claims were lost, and nobody else claims these slots", result->lost);
	}
	const uint64_t flushes = after->device.flushes - before->device.flushes;
	const uint64_t waiting = (uint64_t)traffic->connections * traffic->pipeline;
	if (measurement->options->durable && traffic->rate == 0 && result->answered > (flushes + 1) * waiting) {
		return error_set(error, ERROR_INVALID,
				 "NOT DURABLE: %" PRIu64 " claims were answered with %" PRIu64
				 " flushes of the device, and no more than %" PRIu64 " waited at a time",
				 result->answered, flushes, waiting);
	}
	return true;
}

static bool is_rate_kept(const struct traffic *traffic, const struct traffic_result *result, struct error *error)
{
	return traffic->rate == 0 || schedule_kept(traffic_rate(result), (double)traffic->rate) ||
	       error_set(error, ERROR_INVALID,
			 "%.0f of %" PRIu64 " requests a second were reached, less than 99 %%: the latencies only show "
			 "the backlog",
			 traffic_rate(result), traffic->rate);
}

/* One run: a warm-up, then what counts. */
static bool run(struct measurement *measurement, const char *who, struct error *error)
{
	struct traffic *traffic = &measurement->traffic;
	struct traffic_result result;
	if (traffic->request_most == 0) {
		struct traffic warm_up = *traffic;
		warm_up.duration_ns /= WARM_UP_PART;
		if (!traffic_run(&warm_up, &result, error)) {
			return false;
		}
		traffic->first += result.asked;
	}
	struct counts before;
	struct counts after;
	if (!read_counts(measurement, &before, error) || !traffic_run(traffic, &result, error) ||
	    !read_counts(measurement, &after, error)) {
		return false;
	}
	traffic->first += result.asked;
	struct figures *figures = &measurement->figures;
	const bool sound = is_sound(measurement, &before, &after, &result, error);
	figures->who = who;
	figures->keeps = sound; /* a rate that proves nothing is shown, and goes into no ratio */
	printf("%s %s:", measurement->options->row, who);
	figures_add(figures, "rate", traffic_rate(&result));
	const bool printed = figures_add_latency(figures, &result.latency_ns, error);
	add_counts(measurement, &before, &after, &result);
	putchar('\n');
	return printed && sound && is_rate_kept(traffic, &result, error);
}

static bool run_storm(struct measurement *measurement, struct error *error)
{
	const struct options *options = measurement->options;
	struct services services;
	uint64_t requests;
	struct error failure;
	if (!is_slotd(measurement)) {
		return error_set(error, ERROR_INVALID, "only slotd has the services of a storm");
	}
	if (!run(measurement, "quiet", error) ||
	    !services_start(&services, options->beside, &measurement->server.address, options->timeout_ms, error)) {
		return false;
	}
	const bool good = run(measurement, "storm", error);
	if (!services_stop(&services, &requests, &failure)) {
		return error_set(error, ERROR_IO, "beside the claims: %.400s", failure.text);
	}
	printf("beside the claims, %s: %" PRIu64 " requests\n", options->beside, requests);
	return good;
}

static bool can_mix(const struct peer *peer, enum traffic_mix mix)
{
	switch (mix) {
	case TRAFFIC_PING:
		return peer->can(REQUEST_PING);
	case TRAFFIC_CLAIM:
		return peer->can(REQUEST_CLAIM);
	case TRAFFIC_MIXED:
		return peer->can(REQUEST_CLAIM) && peer->can(REQUEST_LIST) && peer->can(REQUEST_CANCEL);
	}
	WRONG("no such mix");
}

/* The server, and what is to be known of it and its device. */
static bool prepare(struct measurement *measurement, struct error *error)
{
	const struct options *options = measurement->options;
	struct traffic *traffic = &measurement->traffic;
	if (!can_mix(options->peer, traffic->mix)) {
		return error_set(error, ERROR_INVALID, "%s has no such requests", options->peer->name);
	}
	if (!is_slotd(measurement) && options->server == NULL) {
		return error_set(error, ERROR_INVALID, "--peer %s needs --server: only slotd is started here",
				 options->peer->name);
	}
	if (is_slotd(measurement)) {
		if (!server_start(&measurement->server, options, error) ||
		    !connection_open(&measurement->control, &measurement->server.address, options->timeout_ms, error)) {
			return false;
		}
		traffic->server = measurement->server.name;
	}
	const char *directory = is_slotd(measurement) ? measurement->server.directory : options->dir;
	measurement->counts_device = directory != NULL && directory[0] != '\0';
	if (measurement->counts_device && !device_open(&measurement->device, directory, error)) {
		measurement->counts_device = false;
		if (!options->durable) {
			printf("The device is not counted: %s.\n", error->text);
			return true;
		}
		return false;
	}
	if (options->durable && !measurement->counts_device) {
		return error_set(error, ERROR_INVALID,
				 "--durable needs --dir: the directory whose device is to be counted");
	}
	return true;
}

typedef bool run_f(struct measurement *measurement, struct error *error);

static bool run_plain(struct measurement *measurement, struct error *error)
{
	return run(measurement, measurement->options->who, error);
}

static int measure(const struct options *options, enum traffic_mix mix, run_f *run_mode)
{
	struct measurement measurement = {
	    .options = options,
	    .control = {.descriptor = -1},
	    .traffic =
		{
		    .peer = options->peer,
		    .server = options->server,
		    .mix = mix,
		    .connections = options->connections,
		    .pipeline = options->pipeline,
		    .rate = options->rate,
		    .duration_ns = options->seconds * NS_PER_S,
		    .request_most = options->requests,
		    .timeout_ms = options->timeout_ms,
		    .tag = draw_tag_now(),
		},
	};
	struct error error;
	bool good = prepare(&measurement, &error);
	good = good && figures_open(&measurement.figures, options, &error);
	if (good) {
		good = run_mode(&measurement, &error);
		good = figures_close(&measurement.figures, &error) && good;
	}
	connection_close(&measurement.control);
	struct error stopping;
	if (measurement.server.started_here && good) {
		good = server_stop(&measurement.server, &stopping);
		error = good ? error : stopping;
	}
	server_discard(&measurement.server, false);
	if (!good) {
		const char *who = measurement.figures.who != NULL ? measurement.figures.who : options->who;
		fprintf(stderr, "FAIL: %s %s: %s\n", options->row, who, error.text);
	}
	return good ? 0 : 1;
}

int measure_ping(const struct options *options)
{
	return measure(options, TRAFFIC_PING, run_plain);
}

int measure_claim(const struct options *options)
{
	return measure(options, TRAFFIC_CLAIM, run_plain);
}

int measure_mixed(const struct options *options)
{
	return measure(options, TRAFFIC_MIXED, run_plain);
}

int measure_storm(const struct options *options)
{
	return measure(options, TRAFFIC_CLAIM, run_storm);
}
