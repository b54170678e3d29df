/* SPDX-License-Identifier: Apache-2.0 */
/* Cache entries as text. */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cli/inspect.h"
#include "cli/text.h"
#include "lib/base/strbuf.h"

static const char *
member(const json_t *j, const char *name)
{
	const char *s = json_string_value(json_object_get(j, name));

	return s ? s : "";
}

static json_int_t
number(const json_t *j, const char *name)
{
	return json_integer_value(json_object_get(j, name));
}

/* Size and age of an entry. */
static void
print_file(const json_t *j)
{
	int64_t ago = (int64_t)time(NULL) - (int64_t)number(j, "used");
	struct hg_strbuf out = HG_STRBUF_INIT;

	hg_text_bytes((uint64_t)number(j, "bytes"), &out);
	hg_strbuf_adds(&out, ", of use ");
	hg_text_seconds(ago > 0 ? (double)ago : 0, &out);
	printf("%s ago\n", out.buf);
	hg_strbuf_release(&out);
}

static void
print_set(const json_t *set)
{
	const json_t *one;
	size_t i;

	printf("\nset: leads to result %s%s\n", member(set, "result"),
	    json_is_true(json_object_get(set, "present"))
		? ""
		: ", which is no longer there");
	printf("  compile     %.1f ms\n",
	    (double)number(set, "compile_us") / 1000);
	if (*member(set, "shared"))
		printf("  shared      %s\n", member(set, "shared"));
	if (json_is_true(json_object_get(set, "bound_to_names")))
		printf("  only for outputs of the same names\n");
	json_array_foreach (json_object_get(set, "inputs"), i, one)
		printf("  %-10s  %s  %s\n", member(one, "kind"),
		    *member(one, "digest") ? member(one, "digest")
					   : "                                ",
		    member(one, "path"));
	json_array_foreach (json_object_get(set, "missing"), i, one)
		printf("  missing     %s\n", json_string_value(one));
}

static void
print_manifest(const json_t *j)
{
	const json_t *set;
	size_t i;

	printf("manifest %s\n", member(j, "key"));
	print_file(j);
	if (*member(j, "namespace"))
		printf("namespace %s\n", member(j, "namespace"));
	json_array_foreach (json_object_get(j, "sets"), i, set)
		print_set(set);
}

static void
print_result(const json_t *j)
{
	const json_t *o;
	size_t i;

	printf("result %s\n", member(j, "key"));
	print_file(j);
	printf("exit code %d\n", (int)number(j, "exit_code"));
	json_array_foreach (json_object_get(j, "outputs"), i, o)
		printf("  %-8s  %s  %10" PRId64 " bytes  %s%s%s\n",
		    member(o, "role"), member(o, "mode"),
		    (int64_t)number(o, "bytes"), member(o, "path"),
		    json_is_true(json_object_get(o, "linked")) ? "  linked"
							      : "",
		    json_is_true(json_object_get(o, "intact")) ? ""
							      : "  DAMAGED");
	if (*member(j, "stdout"))
		printf("stdout:\n%s\n", member(j, "stdout"));
	if (*member(j, "stderr"))
		printf("stderr:\n%s\n", member(j, "stderr"));
}

void
hg_inspect_print(const json_t *entry)
{
	if (strcmp(member(entry, "kind"), "manifest") == 0)
		print_manifest(entry);
	else
		print_result(entry);
}
