# services/coordinator
