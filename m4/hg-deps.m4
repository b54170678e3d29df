# SPDX-License-Identifier: Apache-2.0
# The libraries we build on. Each check names the Debian package to install.

# HG_PKG(VARIABLE, MODULE-SPEC, DEBIAN-PACKAGE)
AC_DEFUN([HG_PKG], [
	PKG_CHECK_MODULES([$1], [$2], [],
		[AC_MSG_ERROR([$2 is missing: install $3 (or run ./bootstrap)])])
])

# iniparser 4.1 of Debian 12 has no .pc file; 4.2 has one.
AC_DEFUN([HG_INIPARSER], [
	AC_CHECK_HEADER([iniparser/iniparser.h],
		[INIPARSER_CFLAGS=-I/usr/include/iniparser],
		[AC_CHECK_HEADER([iniparser.h], [INIPARSER_CFLAGS=],
			[AC_MSG_ERROR([iniparser.h is missing: install libiniparser-dev])])])
	AC_CHECK_LIB([iniparser], [iniparser_load],
		[INIPARSER_LIBS=-liniparser],
		[AC_MSG_ERROR([libiniparser is missing: install libiniparser-dev])])
	AC_CHECK_HEADERS([iniparser/iniparser.h])
	AC_SUBST([INIPARSER_CFLAGS])
	AC_SUBST([INIPARSER_LIBS])
])

AC_DEFUN([HG_DEPENDENCIES], [
	PKG_PROG_PKG_CONFIG([0.29])
	HG_PKG([GRPC], [grpc >= 29 gpr], [libgrpc-dev])
	HG_PKG([PROTOBUF_C], [libprotobuf-c >= 1.4], [libprotobuf-c-dev])
	HG_PKG([ARCHIVE], [libarchive >= 3.6], [libarchive-dev])
	HG_PKG([CRYPTO], [libcrypto >= 3.0], [libssl-dev])
	HG_PKG([XXHASH], [libxxhash >= 0.8], [libxxhash-dev])
	HG_PKG([ZSTD], [libzstd >= 1.4], [libzstd-dev])
	HG_PKG([JANSSON], [jansson >= 2.12], [libjansson-dev])
	HG_PKG([CURL], [libcurl >= 7.68], [libcurl4-openssl-dev])
	HG_INIPARSER
	PKG_CHECK_MODULES([CHECK], [check >= 0.15], [hg_check=yes],
		[AC_MSG_ERROR([check >= 0.15 is missing: install check])])
])

# The tests play an independent gRPC peer in Python: the first python3 on PATH
# that has the modules, else any (those tests then skip).
AC_DEFUN([HG_PYTHON3], [
	AC_CACHE_CHECK([for a python3 with grpcio], [ac_cv_path_PYTHON3], [
		AC_PATH_PROGS_FEATURE_CHECK([PYTHON3], [python3], [
			AS_IF(["$ac_path_PYTHON3" -c "import google.protobuf, grpc" \
				>/dev/null 2>&1],
				[ac_cv_path_PYTHON3=$ac_path_PYTHON3
				 ac_path_PYTHON3_found=:])],
			[ac_cv_path_PYTHON3=python3])
	])
	PYTHON3=$ac_cv_path_PYTHON3
	AC_SUBST([PYTHON3])
])
