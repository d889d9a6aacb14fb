from .of_plan import Planned as Planned
from .of_plan import story_of_plan as story_of_plan
from .of_run import story_of_run as story_of_run
from .page import render_page as render_page
