from .clock import ServerClock as ServerClock
from .gate import Gate as Gate
from .lengths import WindowLength as WindowLength
from .tickets import DEFAULT_WINDOW as DEFAULT_WINDOW
from .tickets import Limit as Limit
from .tickets import RateLimit as RateLimit
from .tickets import ServerTime as ServerTime
from .tickets import Ticket as Ticket
