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
])
