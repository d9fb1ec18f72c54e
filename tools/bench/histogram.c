/*
 * histogram: see histogram.h.
 *
 * The cell of a value is its leading HISTOGRAM_CELL_BITS + 1 bits with the number of bits dropped in front; for values
 * that have no more bits than that, nothing is dropped and the cell is the value itself.
 */
#include <assert.h>
#include <base/check.h>
#include <bench/histogram.h>
#include <stdbool.h>

static_assert(HISTOGRAM_SIZE < UINT32_MAX, "a cell has a 32-bit number");

static uint32_t cell_of(uint64_t value)
{
	if (value >= HISTOGRAM_VALUE_LIMIT) {
		return HISTOGRAM_SIZE - 1;
	}
	const uint32_t bits = 64 - (uint32_t)__builtin_clzll(value | 1);
	const uint32_t dropped = bits > HISTOGRAM_CELL_BITS + 1 ? bits - (HISTOGRAM_CELL_BITS + 1) : 0;
	return dropped * HISTOGRAM_CELLS + (uint32_t)(value >> dropped);
}

/* The greatest value that falls into the cell. */
static uint64_t cell_end(uint32_t cell)
{
	if (cell < 2 * HISTOGRAM_CELLS) {
		return cell;
	}
	const uint32_t dropped = cell / HISTOGRAM_CELLS - 1;
	const uint64_t leading = cell - dropped * HISTOGRAM_CELLS;
	return ((leading + 1) << dropped) - 1;
}

void histogram_add(struct histogram *histogram, uint64_t value)
{
	if (histogram->count == 0 || value < histogram->least) {
		histogram->least = value;
	}
	if (value > histogram->greatest) {
		histogram->greatest = value;
	}
	histogram->count++;
	histogram->sum += value;
	histogram->cells[cell_of(value)]++;
}

void histogram_merge(struct histogram *target, const struct histogram *source)
{
	if (source->count == 0) {
		return;
	}
	if (target->count == 0 || source->least < target->least) {
		target->least = source->least;
	}
	if (source->greatest > target->greatest) {
		target->greatest = source->greatest;
	}
	target->count += source->count;
	target->sum += source->sum;
	for (uint32_t i = 0; i < HISTOGRAM_SIZE; i++) {
		target->cells[i] += source->cells[i];
	}
}

uint64_t histogram_quantile(const struct histogram *histogram, double quantile)
{
	CHECK(quantile >= 0);
	CHECK(quantile <= 1);
	const double rank = quantile * (double)histogram->count;
	uint64_t passed = 0;
	for (uint32_t i = 0; i < HISTOGRAM_SIZE - 1; i++) {
		passed += histogram->cells[i];
		if (passed > 0 && (double)passed >= rank) {
			return histogram_cell_value(histogram, i);
		}
	}
	return histogram_cell_value(histogram, HISTOGRAM_SIZE - 1);
}

uint64_t histogram_cell_value(const struct histogram *histogram, uint32_t cell)
{
	CHECK(cell < HISTOGRAM_SIZE);
	/* The last cell has no end of its own. */
	const bool ends = cell < HISTOGRAM_SIZE - 1 && cell_end(cell) < histogram->greatest;
	return ends ? cell_end(cell) : histogram->greatest;
}

double histogram_average(const struct histogram *histogram)
{
	return histogram->count == 0 ? 0 : (double)histogram->sum / (double)histogram->count;
}
