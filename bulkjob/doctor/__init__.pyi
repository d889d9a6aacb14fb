from .findings import exit_code_of as exit_code_of
from .findings import findings_of as findings_of
from .look import gather_facts as gather_facts
from .table import findings_lines as findings_lines
