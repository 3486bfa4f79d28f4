"""Compare what is sent and where: parameters, bodies, responses, servers, and how callers authenticate. Pure."""
