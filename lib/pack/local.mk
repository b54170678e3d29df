# lib/pack
