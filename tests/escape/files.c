/* SPDX-License-Identifier: Apache-2.0 */
/* Reading what is this machine's, and writing what others will see. */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "tests/escape/escape.h"

static bool
host_files(const char **ret_how)
{
	static const char *const paths[] = {
		"/etc/shadow",
		"/etc/passwd",
		"/root",
		"/home",
		"/var",
		"/run",
		"/boot",
		"/sys",
		"/proc/1/root/etc/shadow",
		"/proc/1/cwd/etc/shadow",
		"/../../etc/shadow",
	};

	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
		if (!can_open(paths[i], O_RDONLY))
			continue;
		*ret_how = paths[i];
		return false;
	}
	return true;
}

static bool
workers_config(const char **ret_how)
{
	*ret_how = told("CONFIG");
	return **ret_how && !can_open(*ret_how, O_RDONLY);
}

static bool
workers_folder(const char **ret_how)
{
	*ret_how = told("WORK_DIR");
	return **ret_how && !can_open(*ret_how, O_RDONLY);
}

/* A folder that stays open outside of the root is the way out of a chroot. */
static bool
way_up(const char **ret_how)
{
	struct stat root, up;

	(void)ret_how;
	mkdir("/tmp/deep", 0755);
	if (chroot("/tmp/deep") == 0)
		return false;
	if (chdir("/") < 0)
		return false;
	for (int i = 0; i < 64; i++)
		if (chdir("..") < 0)
			break;
	return stat("/", &root) == 0 && stat(".", &up) == 0 &&
	    root.st_ino == up.st_ino && root.st_dev == up.st_dev;
}

static bool
open_descriptors(const char **ret_how)
{
	DIR *d = opendir("/proc/self/fd");
	struct dirent *e;
	bool held = true;

	(void)ret_how;
	while (d && (e = readdir(d))) {
		char *end;
		long fd = strtol(e->d_name, &end, 10);
		struct stat st;

		if (*end || end == e->d_name || fd == dirfd(d) ||
		    fstat((int)fd, &st) < 0)
			continue;
		held &= !S_ISDIR(st.st_mode) && !S_ISSOCK(st.st_mode);
	}
	if (d)
		closedir(d);
	return d && held;
}

static bool
devices(const char **ret_how)
{
	static const char *const names[] = {
		"/dev/mem",
		"/dev/kmsg",
		"/dev/sda",
		"/dev/vda",
		"/dev/tty",
		"/dev/ptmx",
		"/dev/kvm",
		"/dev/fuse",
		"/dev/net/tun",
		"/dev/shm",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (can_open(names[i], O_RDONLY)) {
			*ret_how = names[i];
			return false;
		}
	/* that of memory, and that of the first disk */
	return mknod("/tmp/mem", S_IFCHR | 0666, makedev(1, 1)) < 0 &&
	    mknod("/tmp/disk", S_IFBLK | 0666, makedev(8, 0)) < 0;
}

/* They are this machine's own, whatever folder shows them. */
static bool
mode_of_devices(const char **ret_how)
{
	struct stat st;

	(void)ret_how;
	if (chmod("/dev/null", 0666) == 0 || chown("/dev/null", 0, 0) == 0 ||
	    utimensat(AT_FDCWD, "/dev/zero", NULL, 0) == 0)
		return false;
	return stat("/dev/null", &st) == 0 && S_ISCHR(st.st_mode);
}

static bool
kernel_settings(const char **ret_how)
{
	static const char *const paths[] = {
		"/proc/sys/kernel/core_pattern",
		"/proc/sys/kernel/hostname",
		"/proc/sys/kernel/modprobe",
		"/proc/sys/vm/overcommit_memory",
		"/proc/sysrq-trigger",
		"/proc/kcore",
		"/proc/kmsg",
		"/proc/self/oom_score_adj",
		"/proc/self/uid_map",
		"/proc/self/setgroups",
		"/proc/1/mem",
		"/proc/1/environ",
	};

	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++)
		if (can_open(paths[i], O_RDWR)) {
			*ret_how = paths[i];
			return false;
		}
	return true;
}

/* Everything that can be done to a file, to one of the toolchain. */
static bool
toolchain_file(const char **ret_how)
{
	static const char path[] = "/usr/bin/gcc";

	*ret_how = path;
	return !can_open(path, O_WRONLY) && !can_open(path, O_RDWR) &&
	    truncate(path, 0) < 0 && chmod(path, 0777) < 0 &&
	    lchown(path, 0, 0) < 0 && unlink(path) < 0 &&
	    rename(path, "/usr/bin/gcc-old") < 0 &&
	    utimensat(AT_FDCWD, path, NULL, 0) < 0 &&
	    setxattr(path, "user.x", "x", 1, 0) < 0 &&
	    link(path, "/usr/bin/gcc-new") < 0 && link(path, "/tmp/gcc") < 0;
}

static bool
toolchain_folders(const char **ret_how)
{
	static const char *const paths[] = {
		"/usr/bin/new",
		"/usr/lib/new",
		"/lib/new",
		"/bin/new",
		"/usr/include/new.h",
		"/dev/new",
		"/proc/new",
	};

	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++)
		if (can_open(paths[i], O_WRONLY | O_CREAT | O_EXCL)) {
			*ret_how = paths[i];
			return false;
		}
	return !can_open("/etc/ld.so.cache", O_WRONLY);
}

static bool
set_id_programs(const char **ret_how)
{
	struct statvfs fs;

	*ret_how = "/usr/bin";
	if (statvfs("/usr/bin", &fs) < 0 || !(fs.f_flag & ST_NOSUID))
		return false;
	*ret_how = "/tmp";
	return statvfs("/tmp", &fs) == 0 && (fs.f_flag & ST_NOSUID) &&
	    (fs.f_flag & ST_NODEV);
}

static const struct attempt attempts[] = {
	{ "this machine's files cannot be read", host_files },
	{ "the worker's settings cannot be read", workers_config },
	{ "the folders of other compiles cannot be read", workers_folder },
	{ "nothing is above the root folder", way_up },
	{ "no descriptor leads outside", open_descriptors },
	{ "there are no devices but the harmless ones", devices },
	{ "the harmless devices cannot be changed", mode_of_devices },
	{ "settings of the kernel cannot be written", kernel_settings },
	{ "a program of the toolchain cannot be changed", toolchain_file },
	{ "nothing can be added to the toolchain", toolchain_folders },
	{ "set-id programs and devices have no effect", set_id_programs },
};

ATTEMPTS(escape_files, attempts);
