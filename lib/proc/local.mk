# lib/proc
