"""The public names of this package, each with the module it is loaded from on first use."""

from .html import format_html as format_html
from .json import format_json as format_json
from .json import record as record
from .markdown import format_markdown as format_markdown
from .plain_text import format_text as format_text
from .summary import Report as Report
from .writer import write_report as write_report
