/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One line per event on stderr, in logfmt. Only services and hgbuild log; the
 * libraries return errors, and the launcher is silent on stderr.
 *
 *   hg_log(HG_LOG_NOTICE, "worker joined", "worker=%s slots=%d", id, slots);
 *   -> 2026-01-17T10:30:00Z notice msg="worker joined" worker=w1 slots=4
 *
 * Under systemd (JOURNAL_STREAM set) the line starts with <N> instead of a time.
 */
#ifndef HG_BASE_LOG_H
#define HG_BASE_LOG_H

enum hg_log_level {
	HG_LOG_ERR,
	HG_LOG_WARNING,
	HG_LOG_NOTICE,
	HG_LOG_INFO,
	HG_LOG_DEBUG,
};

/* Sets the least important level still written; called once by main. */
void hg_log_open(enum hg_log_level level);
/* "err", "warning", "notice", "info", "debug"; 0 or -HG_INVALID. */
int hg_log_level_parse(const char *text, enum hg_log_level *ret);
/* fields may be NULL; values with spaces are the caller's to quote. */
void hg_log(enum hg_log_level level, const char *msg, const char *fields, ...)
    __attribute__((format(printf, 3, 4)));

#endif
