# SPDX-License-Identifier: Apache-2.0
# What the C compiler is asked for: warnings, hardening, sanitizers, and how the
# launcher is linked. The user's CFLAGS are never touched; ours go in AM_CFLAGS.

# HG_CHECK_CFLAG(FLAG, VARIABLE): append FLAG to VARIABLE if the compiler takes it.
AC_DEFUN([HG_CHECK_CFLAG], [
	AS_VAR_PUSHDEF([cachevar], [hg_cv_cflag_$1])
	AC_CACHE_CHECK([whether $CC accepts $1], [cachevar], [
		hg_save_CFLAGS=$CFLAGS
		CFLAGS="$CFLAGS -Werror $1"
		AC_COMPILE_IFELSE([AC_LANG_PROGRAM()],
			[AS_VAR_SET([cachevar], [yes])],
			[AS_VAR_SET([cachevar], [no])])
		CFLAGS=$hg_save_CFLAGS
	])
	AS_VAR_IF([cachevar], [yes], [AS_VAR_APPEND([$2], [" $1"])])
	AS_VAR_POPDEF([cachevar])
])

AC_DEFUN([HG_WARNINGS], [
	AC_ARG_ENABLE([strict],
		[AS_HELP_STRING([--enable-strict],
			[more warnings, and warnings are errors (for developers)])],
		[hg_strict=$enableval], [hg_strict=no])
	HG_CFLAGS="-std=gnu17 -Wall -Wextra"
	AS_IF([test "$hg_strict" = yes], [
		HG_CFLAGS="$HG_CFLAGS -Werror"
		m4_foreach_w([flag], [-Wshadow -Wpointer-arith
			-Wstrict-prototypes -Wold-style-definition
			-Wmissing-prototypes -Wmissing-declarations
			-Wwrite-strings -Wcast-qual -Wformat=2 -Wvla -Walloca
			-Wundef -Wnull-dereference -Wdate-time
			-Wredundant-decls -Wswitch-enum -Wduplicated-cond
			-Wlogical-op -Wcomma],
			[HG_CHECK_CFLAG(flag, [HG_CFLAGS])])
	])
	AC_SUBST([HG_CFLAGS])
])

AC_DEFUN([HG_HARDENING], [
	HG_HARDEN_CFLAGS=
	m4_foreach_w([flag], [-fstack-protector-strong
		-fstack-clash-protection -fcf-protection -fno-common],
		[HG_CHECK_CFLAG(flag, [HG_HARDEN_CFLAGS])])
	HG_HARDEN_CPPFLAGS="-D_GLIBC_ASSERTIONS"
	HG_HARDEN_LDFLAGS="-Wl,-z,relro,-z,now"
	AC_SUBST([HG_HARDEN_CFLAGS])
	AC_SUBST([HG_HARDEN_CPPFLAGS])
	AC_SUBST([HG_HARDEN_LDFLAGS])
])

AC_DEFUN([HG_SANITIZERS], [
	AC_ARG_ENABLE([sanitizers],
		[AS_HELP_STRING([--enable-sanitizers@<:@=LIST@:>@],
			[build with sanitizers (default list: address,undefined)])],
		[hg_sanitizers=$enableval], [hg_sanitizers=no])
	AS_IF([test "$hg_sanitizers" = yes],
		[hg_sanitizers=address,undefined])
	HG_SANITIZE=
	AS_IF([test "$hg_sanitizers" != no], [
		HG_SANITIZE="-fsanitize=$hg_sanitizers -fno-omit-frame-pointer"
		HG_SANITIZE="$HG_SANITIZE -fno-sanitize-recover=all"
	])
	AC_SUBST([HG_SANITIZE])
	AM_CONDITIONAL([SANITIZE], [test "$hg_sanitizers" != no])
])

# The launcher starts once per compile, so its start-up is most of a hit's time:
# it is linked statically where the C library allows it.
AC_DEFUN([HG_LAUNCHER_LINK], [
	AC_ARG_ENABLE([static-launcher],
		[AS_HELP_STRING([--disable-static-launcher],
			[link hg-launcher dynamically])],
		[hg_static=$enableval], [hg_static=yes])
	AS_IF([test "$hg_sanitizers" != no], [hg_static=no])
	HG_LAUNCHER_LDFLAGS=
	hg_launcher_link=dynamic
	AS_IF([test "$hg_static" = yes], [
		hg_save_LDFLAGS=$LDFLAGS
		LDFLAGS="$LDFLAGS -static"
		AC_CACHE_CHECK([whether static programs link], [hg_cv_static],
			[AC_LINK_IFELSE([AC_LANG_PROGRAM()],
				[hg_cv_static=yes], [hg_cv_static=no])])
		LDFLAGS=$hg_save_LDFLAGS
		AS_IF([test "$hg_cv_static" = yes], [
			HG_LAUNCHER_LDFLAGS="-static"
			hg_launcher_link=static
		])
	])
	AC_SUBST([HG_LAUNCHER_LDFLAGS])
	HG_LAUNCHER_APART
])

# glibc's start-up asks the processor some twenty questions, each of which costs
# 17 us on a virtual machine: more than half of a cache hit. A launcher built
# with a compiler for another C library (musl-gcc) starts in a quarter of the
# time. It takes the same sources, and the static libraries built for glibc.
AC_DEFUN([HG_LAUNCHER_APART], [
	AC_ARG_WITH([launcher-cc],
		[AS_HELP_STRING([--with-launcher-cc=CC],
			[build hg-launcher with CC, e.g. musl-gcc (default: musl-gcc if
			it is there and works; no: with the other programs)])],
		[], [with_launcher_cc=check])
	AS_IF([test "$hg_static" != yes], [with_launcher_cc=no])
	AS_CASE([$with_launcher_cc],
		[check|yes], [AC_CHECK_PROG([LAUNCHER_CC], [musl-gcc], [musl-gcc])],
		[no], [LAUNCHER_CC=],
		[LAUNCHER_CC=$with_launcher_cc])
	LAUNCHER_CPPFLAGS=
	LAUNCHER_LIBS=
	AS_IF([test -n "$LAUNCHER_CC"], [
		hg_multiarch=`$CC -print-multiarch 2>/dev/null`
		LAUNCHER_CPPFLAGS="-idirafter /usr/include"
		AS_IF([test -n "$hg_multiarch"],
			[LAUNCHER_CPPFLAGS="$LAUNCHER_CPPFLAGS -idirafter /usr/include/$hg_multiarch"])
		LAUNCHER_LIBS="`$CC -print-file-name=libiniparser.a`"
		LAUNCHER_LIBS="$LAUNCHER_LIBS `$CC -print-file-name=libprotobuf-c.a`"
		LAUNCHER_LIBS="$LAUNCHER_LIBS `$CC -print-file-name=libzstd.a`"
		AC_MSG_CHECKING([whether $LAUNCHER_CC links the launcher's libraries])
		AS_ECHO(['#include <iniparser/iniparser.h>
#include <protobuf-c/protobuf-c.h>
#include <xxhash.h>
#include <zstd.h>
int main(void) { return !protobuf_c_version() || iniparser_load("/") || !ZSTD_createDStream(); }']) >conftest.c
		mkdir -p conftest.dir && : >conftest.dir/config.h
		AS_IF([$LAUNCHER_CC -static -Iconftest.dir $LAUNCHER_CPPFLAGS conftest.c \
			"$srcdir/launcher/fortify.c" $LAUNCHER_LIBS -o conftest.exe \
			>&AS_MESSAGE_LOG_FD 2>&1],
			[AC_MSG_RESULT([yes])
			hg_launcher_link="static, by $LAUNCHER_CC"],
			[AC_MSG_RESULT([no])
			AS_CASE([$with_launcher_cc], [check], [],
				[AC_MSG_ERROR([--with-launcher-cc=$with_launcher_cc does not work; config.log tells why])])
			LAUNCHER_CC=])
		rm -rf conftest.c conftest.exe  conftest.dir
	])
	AC_SUBST([LAUNCHER_CC])
	AC_SUBST([LAUNCHER_CPPFLAGS])
	AC_SUBST([LAUNCHER_LIBS])
	AM_CONDITIONAL([LAUNCHER_APART], [test -n "$LAUNCHER_CC"])
])
