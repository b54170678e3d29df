/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The mounts of a sandbox. The root folder was filled by somebody who is not
 * trusted, so a place in it to mount on is reached one component at a time
 * without following symbolic links, and is from then on known by descriptor
 * only (/proc/self/fd/N): no name can lead a mount out of the folder.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/base/alloc.h"
#include "lib/base/fd.h"
#include "lib/base/path.h"
#include "lib/base/strvec.h"
#include "services/sandbox/mounts.h"
#include "services/sandbox/options.h"

/* Size of a file system in memory, unless it was said otherwise. */
#define TMPFS_OPTIONS "mode=755,size=64m"

/* Room in a root folder in memory for this many files at least. */
#define MIN_FILES 65536

#define DIR_FLAGS (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

/* "/proc/self/fd/N" */
struct fd_path {
	char text[32];
};

static struct fd_path
fd_path(int fd)
{
	struct fd_path p;

	snprintf(p.text, sizeof(p.text), "/proc/self/fd/%d", fd);
	return p;
}

static int
open_dir(const char *path)
{
	int fd = open(path, DIR_FLAGS);

	if (fd < 0)
		hg_sandbox_die("cannot open folder %s", path);
	return fd;
}

/* Goes down one component of path, which is made when it is missing. */
static int
enter(int dir, const char *name, const char *path)
{
	int fd;

	if (mkdirat(dir, name, 0755) < 0 && errno != EEXIST)
		hg_sandbox_die("cannot make folder %s of %s", name, path);
	fd = openat(dir, name, DIR_FLAGS);
	if (fd < 0)
		hg_sandbox_die("%s of %s is not a folder that can be used",
		    name, path);
	close(dir);
	return fd;
}

/*
 * The folder that holds path's last component, as a descriptor; *ret_name is
 * that component, owned.
 */
static int
open_parent(const char *root, const char *path, char **ret_name)
{
	const char *rest = path + strspn(path, "/");
	int dir = open_dir(root);

	if (!hg_path_is_beneath(rest))
		hg_sandbox_refuse("%s is not a plain absolute path", path);
	for (;;) {
		size_t n = strcspn(rest, "/");
		char *name = hg_xstrndup(rest, n);

		if (rest[n] == '\0') {
			*ret_name = name;
			return dir;
		}
		dir = enter(dir, name, path);
		free(name);
		rest += n + 1;
	}
}

/* A place to mount a folder or, where the source is a file, a file. */
static int
open_target(const char *root, const char *path, bool folder)
{
	char *name;
	int dir = open_parent(root, path, &name);
	int fd;

	if (folder) {
		fd = enter(dir, name, path);
	} else {
		fd = openat(dir, name,
		    O_RDONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0444);
		if (fd < 0)
			hg_sandbox_die("cannot make %s to mount on", path);
		close(dir);
	}
	free(name);
	return fd;
}

static void
restrict_mount(int fd, uint64_t attributes, unsigned int flags, const char *path)
{
	struct mount_attr attr = { .attr_set = attributes };

	if (syscall(SYS_mount_setattr, fd, "", AT_EMPTY_PATH | flags, &attr,
		sizeof(attr)) < 0)
		hg_sandbox_die("cannot restrict the mount of %s", path);
}

/* Mounts of the same place again, so the topmost one must be asked for anew. */
static void
restrict_path(
    const char *root, const char *path, uint64_t attributes, unsigned int flags)
{
	int fd = open_target(root, path, true);

	restrict_mount(fd, attributes, flags, path);
	close(fd);
}

static void
change_root_to(int dir)
{
	if (fchdir(dir) < 0 || chroot(".") < 0)
		hg_sandbox_die("cannot change the root folder");
}

/*
 * In a plain chroot "/" is no mount, and those of the namespace can be neither
 * made private nor left behind. So the real root is looked for: from a working
 * folder that is outside of its root, ".." leads up to it. Nothing is gained by
 * that which the caller, root, did not have.
 */
static int
find_real_root(const char *root)
{
	int here = open_dir("/");
	int real;

	if (chdir("/") < 0 || chroot(root) < 0)
		hg_sandbox_die("cannot leave the chroot");
	for (int i = 0; i < PATH_MAX / 2; i++)
		if (chdir("..") < 0)
			hg_sandbox_die("cannot leave the chroot");
	real = open_dir(".");
	change_root_to(real);
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		hg_sandbox_die("cannot make the mounts private");
	change_root_to(here);
	close(here);
	return real;
}

int
hg_sandbox_part_mounts(const char *root)
{
	/* while we wait, a disk that is unmounted outside must not stay here */
	if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) == 0)
		return -1;
	if (errno != EINVAL)
		hg_sandbox_die("cannot part the mounts from those outside");
	return find_real_root(root);
}

void
hg_sandbox_make_mounts_private(int real_root)
{
	if (real_root < 0 &&
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		hg_sandbox_die("cannot make the mounts private");
}

/* Files are bounded too, as each takes memory beside its content. */
static void
mount_scratch(const char *root, uint64_t bytes)
{
	uint64_t files = bytes / 16384 > MIN_FILES ? bytes / 16384 : MIN_FILES;
	char *options = hg_xasprintf("mode=755,size=%llu,nr_inodes=%llu",
	    (unsigned long long)bytes, (unsigned long long)files);

	if (mount("tmpfs", root, "tmpfs", MS_NOSUID | MS_NODEV, options) < 0)
		hg_sandbox_die("cannot mount a root folder in memory on %s",
		    root);
	free(options);
}

void
hg_sandbox_mount_root(const char *root, uint64_t scratch_bytes)
{
	int fd;

	if (scratch_bytes > 0) {
		mount_scratch(root, scratch_bytes);
		return;
	}
	if (mount(root, root, NULL, MS_BIND, NULL) < 0)
		hg_sandbox_die("cannot bind the root folder %s", root);
	fd = open_dir(root);
	restrict_mount(fd, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, 0, root);
	close(fd);
}

/*
 * Read-only, or else a compile of root could change the mode of the machine's own
 * device; what is written to it is no change of its file.
 */
static void
bind_device(int dev, const char *name)
{
	char *source = hg_xasprintf("/dev/%s", name);
	int fd = openat(dev, name, O_RDONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0444);

	if (fd < 0)
		hg_sandbox_die("cannot make %s in the sandbox", source);
	if (mount(source, fd_path(fd).text, NULL, MS_BIND, NULL) < 0)
		hg_sandbox_die("cannot bind %s", source);
	close(fd);
	fd = openat(dev, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		hg_sandbox_die("cannot open %s in the sandbox", source);
	restrict_mount(fd,
	    MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC, 0,
	    source);
	close(fd);
	free(source);
}

void
hg_sandbox_mount_dev(const char *root)
{
	static const char *const devices[] = {
		"null",
		"zero",
		"full",
		"random",
		"urandom",
	};
	static const char *const links[][2] = {
		{ "fd", "/proc/self/fd" },
		{ "stdin", "/proc/self/fd/0" },
		{ "stdout", "/proc/self/fd/1" },
		{ "stderr", "/proc/self/fd/2" },
	};
	int fd = open_target(root, "/dev", true);

	if (mount("tmpfs", fd_path(fd).text, "tmpfs", MS_NOSUID | MS_NOEXEC,
		TMPFS_OPTIONS) < 0)
		hg_sandbox_die("cannot mount /dev");
	close(fd);
	fd = open_target(root, "/dev", true);
	for (size_t i = 0; i < sizeof(devices) / sizeof(*devices); i++)
		bind_device(fd, devices[i]);
	for (size_t i = 0; i < sizeof(links) / sizeof(*links); i++)
		if (symlinkat(links[i][1], fd, links[i][0]) < 0)
			hg_sandbox_die("cannot make /dev/%s", links[i][0]);
	close(fd);
}

void
hg_sandbox_seal_dev(const char *root)
{
	restrict_path(root, "/dev", MOUNT_ATTR_RDONLY, 0);
}

void
hg_sandbox_mount_proc(const char *root)
{
	int fd = open_target(root, "/proc", true);

	if (mount("proc", fd_path(fd).text, "proc",
		MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0)
		hg_sandbox_die("cannot mount /proc%s", errno == EPERM
			? " (containers that hide parts of theirs forbid it)"
			: "");
	close(fd);
	restrict_path(root, "/proc", MOUNT_ATTR_RDONLY, 0);
}

void
hg_sandbox_make_tmp(const char *root)
{
	int fd = open_target(root, "/tmp", true);

	if (fchmod(fd, 01777) < 0)
		hg_sandbox_die("cannot open /tmp to everybody");
	close(fd);
}

void
hg_sandbox_mount_tmpfs(const char *root, const struct hg_strvec *paths)
{
	for (size_t i = 0; i < paths->n; i++) {
		int fd = open_target(root, paths->v[i], true);

		if (mount("tmpfs", fd_path(fd).text, "tmpfs",
			MS_NOSUID | MS_NODEV, TMPFS_OPTIONS) < 0)
			hg_sandbox_die("cannot mount %s", paths->v[i]);
		close(fd);
	}
}

/* Reads the link of that name into text; false if it is none. */
static bool
read_link(int dir, const char *name, char text[PATH_MAX])
{
	ssize_t n = readlinkat(dir, name, text, PATH_MAX - 1);

	text[n > 0 ? n : 0] = '\0';
	return n > 0;
}

/*
 * One that leads to the same place, such as /bin to usr/bin. It may be there
 * already, if it is the same.
 */
static void
make_link(const char *root, const char *source, const char *target)
{
	char text[PATH_MAX], there[PATH_MAX];
	char *name;
	int dir;

	if (!read_link(AT_FDCWD, source, text))
		hg_sandbox_die("cannot read the link %s", source);
	dir = open_parent(root, target, &name);
	if ((!read_link(dir, name, there) || strcmp(text, there) != 0) &&
	    symlinkat(text, dir, name) < 0)
		hg_sandbox_die("cannot make the link %s", target);
	close(dir);
	free(name);
}

static void
bind_one(const char *root, const char *source, const char *target)
{
	struct stat st;
	int fd;

	if (lstat(source, &st) < 0)
		hg_sandbox_die("cannot look at %s", source);
	if (S_ISLNK(st.st_mode)) {
		make_link(root, source, target);
		return;
	}
	fd = open_target(root, target, S_ISDIR(st.st_mode));
	if (mount(source, fd_path(fd).text, NULL, MS_BIND | MS_REC, NULL) < 0)
		hg_sandbox_die("cannot bind %s", source);
	close(fd);
	fd = open_target(root, target, S_ISDIR(st.st_mode));
	restrict_mount(fd,
	    MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV,
	    AT_RECURSIVE, target);
	close(fd);
}

void
hg_sandbox_bind_readonly(const char *root, const struct hg_strvec *binds)
{
	for (size_t i = 0; i < binds->n; i++) {
		char *source = hg_xstrdup(binds->v[i]);
		char *target = strchr(source, ':');

		if (target)
			*target++ = '\0';
		bind_one(root, source, target ? target : source);
		free(source);
	}
}

void
hg_sandbox_change_root(const char *root, int real_root)
{
	int fd = open_dir(root);

	if (real_root >= 0)
		change_root_to(real_root);
	if (fchdir(fd) < 0)
		hg_sandbox_die("cannot enter %s", root);
	/* both at one place: the old root then lies on top of the new one */
	if (syscall(SYS_pivot_root, ".", ".") < 0)
		hg_sandbox_die("cannot make %s the root", root);
	if (umount2(".", MNT_DETACH) < 0)
		hg_sandbox_die("cannot take the old root away");
	if (chdir("/") < 0)
		hg_sandbox_die("cannot enter the new root");
}
