from .apostrophe import guard as guard
from .checks import LARGEST_NUMBER as LARGEST_NUMBER
from .checks import check as check
from .reading import read_sheet as read_sheet
from .text import column_index as column_index
from .text import column_letter as column_letter
from .text import comparable as comparable
from .text import stripped as stripped
