"""bulkjob: puts Rocket.Chat Omnichannel departments, units and agents where a spreadsheet says."""

__version__ = "0.1.0"
