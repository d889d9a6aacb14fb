"""Rocket.Chat's REST API as this job uses it: `wire`, `answers` and `pace` decide, `client` and `http` do."""
