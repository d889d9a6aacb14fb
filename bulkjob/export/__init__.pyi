from .files import MOST_WORKBOOK_ROWS as MOST_WORKBOOK_ROWS
from .files import Extent as Extent
from .files import Origin as Origin
from .files import render_csv as render_csv
from .files import render_template as render_template
from .files import render_xlsx as render_xlsx
from .rows import Export as Export
from .rows import export_of as export_of
