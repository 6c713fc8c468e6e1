"""The way in: judging a request, keeping the event, running its handlers. Floor 4."""
