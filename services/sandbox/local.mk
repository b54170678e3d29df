# services/sandbox
