# lib/cc
