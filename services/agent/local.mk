# services/agent
