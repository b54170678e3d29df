/* SPDX-License-Identifier: Apache-2.0 */
/*
 * services/worker: which image, which folders, what of a container is whose; and
 * lib/http where nobody answers. Compiles in real containers are t42xx's.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/strvec.h"
#include "lib/base/time.h"
#include "lib/http/http.h"
#include "lib/wire/wire.h"
#include "services/worker/capability.h"
#include "services/worker/docker_execute.h"
#include "services/worker/docker_images.h"
#include "services/worker/view.h"
#include "tests/lib/unit.h"

static void
check_image(const char *setting, const char *arch, const char *os,
    const char *wanted, bool wanted_configured)
{
	bool configured;
	char *image = hg_docker_image(setting, arch, os, &configured);

	if (wanted)
		ck_assert_str_eq(image, wanted);
	else
		ck_assert_ptr_null(image);
	ck_assert_int_eq(configured, wanted_configured);
	free(image);
}

START_TEST(images_have_dockcross_names)
{
	check_image("", "arm64", "linux", "dockcross/linux-arm64", false);
	check_image("", "aarch64", "", "dockcross/linux-arm64", false);
	check_image("", "x86_64", "Linux", "dockcross/linux-x64", false);
	check_image("", "amd64", "windows", "dockcross/windows-static-x64",
	    false);
	check_image("", "sparc", "linux", NULL, false);
	check_image("", "amd64", "plan9", NULL, false);
}
END_TEST

START_TEST(a_setting_names_others)
{
	const char *setting = " linux-arm64=a/b:1,linux-sparc=c@sha256:0f\n";
	struct utsname self;
	char *own;

	ck_assert_int_eq(
	    hg_docker_images_check("linux-arm64=a/b:1, x-y=c", NULL), 0);
	check_image(setting, "aarch64", "linux", "a/b:1", true);
	check_image("linux-arm64=a linux-arm=b", "arm", "linux", "b", true);
	check_image("linux-arm64=a", "arm", "linux", "dockcross/linux-armv7",
	    false);
	uname(&self);
	own = hg_xasprintf(
	    "linux-%s=own", hg_capability_architecture(self.machine));
	check_image(own, "", "", "own", true);
	free(own);
}
END_TEST

START_TEST(a_setting_that_is_no_list_of_images_is_refused)
{
	static const char *const wrong[] = {
		"linux-arm64",
		"linux-arm64=",
		"arm64=a",
		"=a",
		"linux-arm64=a?b",
		"linux-arm64=a b",
		"linux-arm64=/a",
		"linux-arm64=a#b",
	};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		ck_assert_int_eq(
		    hg_docker_images_check(wrong[i], NULL), -HG_INVALID);
}
END_TEST

/* The fields of messages are not const, and nothing writes to them. */
static char *
text(const char *s)
{
	return (char *)(uintptr_t)s;
}

/* Areas of a request with one input, each followed by a blank. */
static int
areas_of(const char *cwd, const char *input, bool folder, char ret[512])
{
	struct hg_wire_input in = { .path = text(input), .folder = folder };
	struct hg_wire_compile request = {
		.cwd = text(cwd),
		.source_file = text("a.c"),
	};
	struct hg_strvec areas = HG_STRVEC_INIT;
	int rc = hg_docker_areas(&request, &in, 1, &areas, NULL);
	int n = 0;

	for (size_t i = 0; rc == 0 && i < areas.n; i++)
		n += snprintf(ret + n, 512 - (size_t)n, "%s ", areas.v[i]);
	hg_strvec_release(&areas);
	return rc;
}

START_TEST(areas_are_what_is_the_clients)
{
	static const struct {
		const char *cwd, *input, *areas;
	} cases[] = {
		{ "/home/u/p", "/home/v/x.h",
		    "/home /tmp /usr/include /usr/local/include " },
		{ "/", "/usr/lib/gcc/x.h",
		    "/tmp /usr/include /usr/local/include " },
		{ "/tmp/b", "/usr/include/x.h",
		    "/tmp /usr/include /usr/local/include " },
		{ "/src/p", "/usr/local/cuda/x.h",
		    "/src /tmp /usr/include /usr/local/cuda "
		    "/usr/local/include " },
		{ "/usr/src/p", "/opt/x/y.h",
		    "/opt /tmp /usr/include /usr/local/include /usr/src " },
	};
	char got[512];

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		ck_assert_int_eq(
		    areas_of(cases[i].cwd, cases[i].input, false, got), 0);
		ck_assert_str_eq(got, cases[i].areas);
	}
}
END_TEST

START_TEST(what_cannot_be_shown_is_declined)
{
	static const char *const paths[] = { "/etc/x.h", "/dev/x", "/x.h",
		"/.hybridgrid/x", "/usr/x.h", "/usr/local/cuda" };
	char got[512];

	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++)
		ck_assert_int_eq(areas_of("/home/u", paths[i], false, got),
		    -HG_UNSUPPORTED);
	ck_assert_int_eq(areas_of("/home/u", "/usr/local/cuda", true, got), 0);
	ck_assert_int_eq(areas_of("/home/u", "/etc", true, got), 0);
	ck_assert_str_eq(got, "/home /tmp /usr/include /usr/local/include ");
}
END_TEST

START_TEST(a_containers_areas_are_the_compiles_and_the_rest_the_images)
{
	struct hg_strvec areas = HG_STRVEC_INIT;
	struct hg_view v;
	char *real;
	bool host;

	hg_strvec_add(&areas, "/build");
	hg_strvec_add(&areas, "/usr/include");
	hg_view_init_container(&v, "/nonexistent", &areas);
	ck_assert(!hg_view_is_host(&v, "/build"));
	ck_assert(!hg_view_is_host(&v, "/build/a"));
	ck_assert(!hg_view_is_host(&v, "/usr"));
	ck_assert(!hg_view_is_host(&v, ""));
	ck_assert(hg_view_is_host(&v, "/builder"));
	ck_assert(hg_view_is_host(&v, "/usr/lib"));
	real = hg_view_resolve(&v, "/build", "../usr/lib/x", &host, NULL);
	ck_assert_str_eq(real, "/nonexistent/usr/lib/x");
	ck_assert(host);
	free(real);
	hg_view_release(&v);
	hg_strvec_release(&areas);
}
END_TEST

START_TEST(http_tells_when_nobody_serves)
{
	const struct hg_http_request request = {
		.socket = "/nonexistent/socket",
		.method = "GET",
		.target = "/version",
		.timeout_ns = HG_NS_PER_SEC,
		.max_bytes = 100,
	};
	struct hg_http_answer answer;
	struct hg_error err;

	ck_assert_int_eq(
	    hg_http_call(&request, &answer, &err), -HG_UNAVAILABLE);
	ck_assert_ptr_nonnull(strstr(err.text, "/nonexistent/socket"));
	hg_http_answer_release(&answer);
}
END_TEST

START_TEST(http_encodes_all_but_plain_characters)
{
	char *encoded = hg_http_encode("a{\"b\":[1]}~");

	ck_assert_str_eq(encoded, "a%7B%22b%22%3A%5B1%5D%7D~");
	free(encoded);
}
END_TEST

UNIT_MAIN("docker", images_have_dockcross_names, a_setting_names_others,
    a_setting_that_is_no_list_of_images_is_refused,
    areas_are_what_is_the_clients, what_cannot_be_shown_is_declined,
    a_containers_areas_are_the_compiles_and_the_rest_the_images,
    http_tells_when_nobody_serves, http_encodes_all_but_plain_characters)
