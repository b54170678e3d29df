/* SPDX-License-Identifier: Apache-2.0 */
/* Text to numbers. */
#include "config.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/base/error.h"
#include "lib/base/parse.h"
#include "lib/base/time.h"

int
hg_parse_u64(const char *text, uint64_t min, uint64_t max, uint64_t *ret,
    struct hg_error *err)
{
	char *end;
	uintmax_t v;

	errno = 0;
	v = isdigit((unsigned char)*text) ? strtoumax(text, &end, 10) : 0;
	if (!isdigit((unsigned char)*text) || errno || *end)
		return hg_fail(
		    err, HG_INVALID, "'%.60s' is not a whole number", text);
	if (v < min || v > max)
		return hg_fail(err, HG_INVALID,
		    "%.60s is not between %" PRIu64 " and %" PRIu64, text, min,
		    max);
	*ret = v;
	return 0;
}

/*
 * The decimal that text begins with, like strtod(). That is not called for short
 * and plain ones, which all defaults are, as the launcher reads them for each
 * compile; the quotient of two whole numbers below 2^53 is as exact.
 */
static double
read_decimal(const char *text, char **ret_end)
{
	enum { MAX_CHARS = 15 };
	uint64_t digits = 0, scale = 1;
	bool fraction = false, minus = *text == '-';
	const char *p = text + minus;

	for (; p - text < MAX_CHARS; p++) {
		if (*p == '.' && !fraction) {
			fraction = true;
		} else if (isdigit((unsigned char)*p)) {
			digits = digits * 10 + (uint64_t)(*p - '0');
			scale *= fraction ? 10 : 1;
		} else {
			break;
		}
	}
	if (!isdigit((unsigned char)text[minus]) || p - text == MAX_CHARS ||
	    (*p && strchr(".eExX", *p)))
		return strtod(text, ret_end);
	*ret_end = (char *)(uintptr_t)p;
	return (minus ? -1 : 1) * ((double)digits / (double)scale);
}

/* A non-negative decimal with a unit behind it; *ret_unit points at the unit. */
static int
split_number(const char *text, double *ret, const char **ret_unit)
{
	char *end;

	if (!isdigit((unsigned char)*text))
		return -1;
	errno = 0;
	*ret = read_decimal(text, &end);
	if (errno || !isfinite(*ret))
		return -1;
	while (*end == ' ')
		end++;
	*ret_unit = end;
	return 0;
}

int
hg_parse_size(const char *text, uint64_t *ret, struct hg_error *err)
{
	static const char letters[] = "kMGTP";
	const char *unit, *at;
	double v, step = 1000;

	if (split_number(text, &v, &unit))
		goto bad;
	if (*unit && *unit != 'B') {
		at = strchr(letters, *unit == 'K' ? 'k' : *unit);
		if (!at)
			goto bad;
		unit++;
		if (*unit == 'i') {
			step = 1024;
			unit++;
		}
		for (const char *p = letters; p <= at; p++)
			v *= step;
	}
	if (*unit == 'B')
		unit++;
	if (*unit || v >= 9.2e18)
		goto bad;
	*ret = (uint64_t)v;
	return 0;
bad:
	return hg_fail(err, HG_INVALID,
	    "'%.60s' is not a size (write 500M, 5G or 5GiB)", text);
}

int
hg_parse_duration(const char *text, uint64_t *ret, struct hg_error *err)
{
	static const struct {
		const char *unit;
		double seconds;
	} units[] = {
		{ "", 1 },
		{ "ms", 1e-3 },
		{ "s", 1 },
		{ "m", 60 },
		{ "h", 3600 },
		{ "d", 86400 },
	};
	const char *unit;
	double v;

	if (split_number(text, &v, &unit) == 0) {
		for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++) {
			if (strcmp(unit, units[i].unit) != 0)
				continue;
			v *= units[i].seconds;
			if (v > 3.2e9)
				break;
			*ret = (uint64_t)(v * (double)HG_NS_PER_SEC);
			return 0;
		}
	}
	return hg_fail(err, HG_INVALID,
	    "'%.60s' is not a duration (write 250ms, 10s, 5m, 2h or 7d)", text);
}

int
hg_parse_bool(const char *text, bool *ret, struct hg_error *err)
{
	static const char *const words[][2] = {
		{ "false", "true" },
		{ "no", "yes" },
		{ "off", "on" },
		{ "0", "1" },
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		for (int v = 0; v < 2; v++) {
			if (strcasecmp(text, words[i][v]) == 0) {
				*ret = v;
				return 0;
			}
		}
	}
	return hg_fail(
	    err, HG_INVALID, "'%.60s' is neither true nor false", text);
}

int
hg_parse_double(const char *text, double *ret, struct hg_error *err)
{
	char *end;
	double v;

	errno = 0;
	v = read_decimal(text, &end);
	if (end == text || *end || errno || !isfinite(v))
		return hg_fail(err, HG_INVALID, "'%.60s' is not a number", text);
	*ret = v;
	return 0;
}
