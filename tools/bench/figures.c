/*
 * figures: see figures.h.
 */
#include <bench/figures.h>
#include <bench/hgrm.h>
#include <errno.h>

#define NS_PER_US 1e3

bool figures_open(struct figures *figures, const struct options *options, struct error *error)
{
	*figures = (struct figures){.options = options, .row = options->row, .who = options->who, .keeps = true};
	if (options->sheet == NULL) {
		return true;
	}
	figures->sheet = fopen(options->sheet, "a");
	return figures->sheet != NULL || error_errno(error, errno, "opening %s", options->sheet);
}

bool figures_close(struct figures *figures, struct error *error)
{
	if (figures->sheet != NULL && fclose(figures->sheet) != 0) {
		return error_errno(error, errno, "writing %s", figures->options->sheet);
	}
	return true;
}

void figures_keep(const struct figures *figures, const char *metric, double value)
{
	if (figures->sheet != NULL && figures->keeps) {
		fprintf(figures->sheet, "%s %s %u %s %.9g\n", figures->row, figures->who, figures->options->repetition,
			metric, value);
	}
}

void figures_add(struct figures *figures, const char *metric, double value)
{
	printf(" %s %.1f", metric, value);
	figures_keep(figures, metric, value);
}

bool figures_add_latency(struct figures *figures, const struct histogram *latency_ns, struct error *error)
{
	static const struct {
		const char *metric;
		double quantile;
	} quantiles[] = {{"p50_us", 0.5}, {"p90_us", 0.9}, {"p99_us", 0.99}, {"p999_us", 0.999}, {"p9999_us", 0.9999}};
	for (size_t i = 0; i < sizeof quantiles / sizeof quantiles[0]; i++) {
		figures_add(figures, quantiles[i].metric,
			    (double)histogram_quantile(latency_ns, quantiles[i].quantile) / NS_PER_US);
	}
	figures_add(figures, "max_us", (double)latency_ns->greatest / NS_PER_US);
	figures_add(figures, "average_us", histogram_average(latency_ns) / NS_PER_US);
	if (figures->options->hgrm == NULL) {
		return true;
	}
	FILE *file = fopen(figures->options->hgrm, "w");
	if (file == NULL) {
		return error_errno(error, errno, "opening %s", figures->options->hgrm);
	}
	hgrm_print(file, latency_ns, NS_PER_US);
	return fclose(file) == 0 || error_errno(error, errno, "writing %s", figures->options->hgrm);
}
