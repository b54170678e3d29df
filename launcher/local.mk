bin_PROGRAMS += bin/hg-launcher
bin_hg_launcher_SOURCES = launcher/main.c
