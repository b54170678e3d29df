/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Docker Engine's API. Everything that we ask has been in it since version
 * 1.30, so any version from there on that the engine offers will do; engines
 * drop old ones with time.
 */
#include "config.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/time.h"
#include "lib/http/http.h"
#include "services/worker/engine.h"

/* Versions 1.N of the API: the first that will do, and the one we like best. */
#define OLDEST_API 30
#define BEST_API 41

#define MAX_ANSWER_BYTES ((size_t)8 << 20)

/* Engines answer these at once; the others do work first. */
#define ASK_TIMEOUT_NS (2 * HG_NS_PER_SEC)
#define WORK_TIMEOUT_NS (60 * HG_NS_PER_SEC)

/* Tells containers of ours from others. */
#define LABEL "hybridgrid.worker"

/* One that was made so many seconds ago and never started is nobody's. */
#define UNBORN_SECONDS 120

/* Files that a compile may have open, and the size of one. */
#define MAX_OPEN 4096
#define MAX_FILE ((json_int_t)4 << 30)

/* ---- asking ------------------------------------------------------------ */

/* What the engine says is wrong. */
static int
refused(const char *what, const struct hg_http_answer *a, json_t *json,
    struct hg_error *err)
{
	const char *text = json_string_value(json_object_get(json, "message"));

	return hg_fail(err, a->status == 404 ? HG_NOTFOUND : HG_INTERNAL,
	    "the Docker engine: %s: %s", what, text ? text : "no reason given");
}

/*
 * Sends body (may be NULL) and takes the answer's JSON, NULL if it has none;
 * owned.
 */
static int
ask(const struct hg_http_request *request, const char *what, json_t **ret,
    struct hg_error *err)
{
	struct hg_http_answer answer;
	json_t *json = NULL;
	int rc = hg_http_call(request, &answer, err);

	if (rc == 0) {
		json = json_loadb(answer.body.buf, answer.body.len,
		    JSON_REJECT_DUPLICATES, NULL);
		/* 304: it was so already */
		if (answer.status >= 400 || answer.status < 200)
			rc = refused(what, &answer, json, err);
	}
	hg_http_answer_release(&answer);
	if (rc == 0)
		*ret = json;
	else
		json_decref(json);
	return rc;
}

static int
ask_engine(const struct hg_engine *e, const char *method, const char *target,
    json_t *body, json_t **ret, struct hg_error *err)
{
	char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
	char *full = hg_xasprintf("/v%s%s", e->version, target);
	const struct hg_http_request request = {
		.socket = e->socket,
		.method = method,
		.target = full,
		.body = text,
		.timeout_ns = strcmp(method, "GET") == 0 ? ASK_TIMEOUT_NS
							 : WORK_TIMEOUT_NS,
		.max_bytes = MAX_ANSWER_BYTES,
	};
	int rc = ask(&request, target, ret, err);

	free(full);
	free(text);
	return rc;
}

/* ---- versions and images ----------------------------------------------- */

/* N of "1.N"; -1 for anything else. */
static int
minor_version(const char *text)
{
	unsigned n;

	return text && sscanf(text, "1.%4u", &n) == 1 ? (int)n : -1;
}

static int
choose_version(json_t *json, struct hg_engine *ret, struct hg_error *err)
{
	int newest = minor_version(
	    json_string_value(json_object_get(json, "ApiVersion")));
	int oldest = minor_version(
	    json_string_value(json_object_get(json, "MinAPIVersion")));
	int n = BEST_API;

	if (newest < OLDEST_API)
		return hg_fail(err, HG_UNAVAILABLE,
		    "the Docker engine at %s is too old: its API is below 1.%d",
		    ret->socket, OLDEST_API);
	if (n > newest)
		n = newest;
	if (n < oldest)
		n = oldest;
	snprintf(ret->version, sizeof(ret->version), "1.%d", n);
	return 0;
}

int
hg_engine_probe(const char *socket, struct hg_engine *ret, struct hg_error *err)
{
	const struct hg_http_request request = {
		.socket = socket,
		.method = "GET",
		.target = "/version",
		.timeout_ns = ASK_TIMEOUT_NS,
		.max_bytes = MAX_ANSWER_BYTES,
	};
	struct hg_engine engine = { .socket = socket };
	json_t *json = NULL;
	int rc = ask(&request, "version", &json, err);

	if (rc == 0)
		rc = choose_version(json, &engine, err);
	json_decref(json);
	if (rc == 0)
		*ret = engine;
	return rc;
}

int
hg_engine_image_env(const struct hg_engine *e, const char *image,
    struct hg_strvec *ret, struct hg_error *err)
{
	char *target = hg_xasprintf("/images/%s/json", image);
	json_t *json = NULL, *env, *word;
	size_t i;
	int rc = ask_engine(e, "GET", target, NULL, &json, err);

	free(target);
	env = json_object_get(json_object_get(json, "Config"), "Env");
	json_array_foreach(env, i, word)
		if (json_string_value(word))
			hg_strvec_add(ret, json_string_value(word));
	json_decref(json);
	return rc;
}

/* ---- containers -------------------------------------------------------- */

static json_t *
string_list(const struct hg_strvec *v, const char *suffix)
{
	json_t *list = json_array();

	for (size_t i = 0; i < v->n; i++)
		json_array_append_new(
		    list, json_sprintf("%s%s", v->v[i], suffix));
	return list;
}

/* Emptied after each compile by us, so they have to be ours. */
static json_t *
tmpfs_list(const struct hg_engine_container *spec)
{
	json_t *list = json_object();

	for (size_t i = 0; i < spec->tmpfs->n; i++)
		json_object_set_new(list, spec->tmpfs->v[i],
		    json_sprintf("rw,noexec,nosuid,nodev,size=%lld,mode=%s,"
				 "uid=%u,gid=%u",
			(long long)spec->tmpfs_bytes, spec->tmpfs_modes->v[i],
			(unsigned)geteuid(), (unsigned)getegid()));
	return list;
}

static json_t *
ulimit(const char *name, json_int_t limit)
{
	return json_pack("{s:s, s:I, s:I}", "Name", name, "Soft", limit, "Hard",
	    limit);
}

/* What holds whatever the image says. */
static json_t *
host_config(const struct hg_engine_container *spec)
{
	json_t *limits = json_array();

	json_array_append_new(limits, ulimit("core", 0));
	json_array_append_new(limits, ulimit("fsize", MAX_FILE));
	json_array_append_new(limits, ulimit("nofile", MAX_OPEN));
	return json_pack(
	    "{s:s, s:s, s:[s], s:[s], s:b, s:b, s:I, s:I, s:I, s:I, s:o, s:o,"
	    " s:o, s:{s:s}, s:{s:s}}",
	    "NetworkMode", "none", "IpcMode", "none", "CapDrop", "ALL",
	    "SecurityOpt", "no-new-privileges", "ReadonlyRootfs", 1,
	    "AutoRemove", 1, "Memory", (json_int_t)spec->memory_bytes,
	    "MemorySwap", (json_int_t)spec->memory_bytes, "PidsLimit",
	    (json_int_t)spec->pids, "NanoCpus", (json_int_t)(spec->cpus * 1e9),
	    "Binds", string_list(spec->binds, ":ro"), "Tmpfs", tmpfs_list(spec),
	    "Ulimits", limits, "LogConfig", "Type", "none", "RestartPolicy",
	    "Name", "no");
}

static json_t *
container_config(const struct hg_engine_container *spec)
{
	return json_pack("{s:s, s:o, s:[], s:o, s:s, s:b, s:{s:s}, s:{s:[s]},"
			 " s:o}",
	    "Image", spec->image, "Entrypoint",
	    string_list(spec->entrypoint, ""), "Cmd", "User",
	    json_sprintf("%u:%u", (unsigned)geteuid(), (unsigned)getegid()),
	    "WorkingDir", "/", "NetworkDisabled", 1, "Labels", LABEL, "1",
	    "Healthcheck", "Test", "NONE", "HostConfig", host_config(spec));
}

int
hg_engine_create(const struct hg_engine *e,
    const struct hg_engine_container *spec, char **ret_id,
    struct hg_error *err)
{
	json_t *body = container_config(spec);
	json_t *json = NULL;
	const char *id;
	int rc;

	hg_assert(body != NULL);
	rc = ask_engine(e, "POST", "/containers/create", body, &json, err);
	id = json_string_value(json_object_get(json, "Id"));
	if (rc == 0 && (!id || strspn(id, "0123456789abcdef") < strlen(id)))
		rc = hg_fail(err, HG_PROTOCOL,
		    "the Docker engine made a container without an id");
	if (rc == 0)
		*ret_id = hg_xstrdup(id);
	json_decref(json);
	json_decref(body);
	return rc;
}

int
hg_engine_start(
    const struct hg_engine *e, const char *id, struct hg_error *err)
{
	char *target = hg_xasprintf("/containers/%s/start", id);
	json_t *json = NULL;
	int rc = ask_engine(e, "POST", target, NULL, &json, err);

	free(target);
	json_decref(json);
	return rc;
}

int
hg_engine_remove(
    const struct hg_engine *e, const char *id, struct hg_error *err)
{
	char *target = hg_xasprintf("/containers/%s?force=1&v=1", id);
	json_t *json = NULL;
	int rc = ask_engine(e, "DELETE", target, NULL, &json, err);

	free(target);
	json_decref(json);
	return rc == -HG_NOTFOUND ? 0 : rc;
}

/* One that was just made may be about to be started by another worker. */
static void
take_if_dead(json_t *c, struct hg_strvec *ret)
{
	const char *id = json_string_value(json_object_get(c, "Id"));
	const char *state = json_string_value(json_object_get(c, "State"));
	json_int_t made = json_integer_value(json_object_get(c, "Created"));

	if (!id || !state || strspn(id, "0123456789abcdef") < strlen(id))
		return;
	if (strcmp(state, "exited") == 0 || strcmp(state, "dead") == 0 ||
	    (strcmp(state, "created") == 0 &&
		made + UNBORN_SECONDS < (json_int_t)time(NULL)))
		hg_strvec_add(ret, id);
}

int
hg_engine_list_dead(
    const struct hg_engine *e, struct hg_strvec *ret, struct hg_error *err)
{
	char *filters = hg_http_encode("{\"label\":[\"" LABEL "\"]}");
	char *target =
	    hg_xasprintf("/containers/json?all=1&filters=%s", filters);
	json_t *json = NULL, *c;
	size_t i;
	int rc = ask_engine(e, "GET", target, NULL, &json, err);

	json_array_foreach(json, i, c)
		take_if_dead(c, ret);
	json_decref(json);
	free(target);
	free(filters);
	return rc;
}
