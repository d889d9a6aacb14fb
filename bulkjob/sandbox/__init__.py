"""A local server that behaves as Rocket.Chat's Omnichannel endpoints do, for rehearsals, demos and tests.

In: a workspace, then calls, one by one. Out: replies, and the workspace as it is by then. Touches nothing: rules and state need neither
sockets nor an event loop; `bulkjob.sandbox.web` puts them on a port. It shares nothing with the rest of bulkjob: it is a second reading of
the same endpoints.
"""

from bulkjob.sandbox.kinds import Fault
from bulkjob.sandbox.reply import Reply
from bulkjob.sandbox.server import Sandbox

__all__ = ["Fault", "Reply", "Sandbox"]
