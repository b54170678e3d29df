# lib/rpc
