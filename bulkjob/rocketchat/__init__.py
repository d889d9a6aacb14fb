"""Rocket.Chat's REST API as this job uses it: `wire` and `pace` decide, `client` and `http` do."""
