from .reading import survey as survey
from .secret import Secret as Secret
from .table import settings_of as settings_of
from .values import MaxRemovals as MaxRemovals
from .values import Settings as Settings
