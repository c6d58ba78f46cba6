"""One HTML page that opens offline, from the JSON and small pictures of a run folder."""
