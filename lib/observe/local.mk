# lib/observe
