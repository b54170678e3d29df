# services/worker
