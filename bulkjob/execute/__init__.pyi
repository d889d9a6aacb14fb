from .executor import Execution as Execution
from .executor import Executor as Executor
