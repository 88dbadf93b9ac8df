"""The pages as a site; requirements/docs.txt says with what, and why.

    python -m sphinx -W --keep-going -c docs . outputs/site

The sources are the repository's own Markdown files, where they lie, so that each link
in them leads to the same place here and on a page of the repository. A link to a file
that is no page, such as a module, becomes a download of that file. ``-W`` makes errors
of links to nothing, of anchors that no heading has and of pages that are not below.
"""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

# what somebody wants to do -> the pages for it, in the order of reading
NAVIGATION = {
    'Start': ['docs/README', 'docs/install', 'docs/tiny_models', 'docs/trust'],
    'Use models': [
        *('docs/commands', 'docs/inference', 'docs/video', 'docs/webui'),
        *('docs/checkpoints', 'docs/model_zoo'),
    ],
    'Train on your own data': [
        *('docs/finetune', 'docs/configs', 'docs/hosts'),
        *('docs/synth', 'docs/multitask'),
    ],
    'Tasks': [
        *('docs/pose', 'docs/goliath308_format', 'docs/seg', 'docs/depth'),
        *('docs/normal', 'docs/evaluation'),
    ],
    'Look up and extend': [
        *('docs/conventions', 'docs/where_is', 'docs/house', 'docs/extend'),
        *('CONTRIBUTING', 'CHANGELOG', 'SECURITY'),
    ],
}

project = 'sapiens_mm'
copyright = 'The sapiens_mm authors'
# not imported: that would want nothing today, but a site needs no package of ours
version = release = re.search(
    r"^__version__ = '(.+)'$", (ROOT / 'sapiens_mm/__init__.py').read_text(), re.M
).group(1)

root_doc = 'README'
include_patterns = ['*.md', 'docs/*.md']
# named so that folders of thousands of files are not walked through
exclude_patterns = [
    *('.venv*', '.git', '.github', '.bootstrap', 'build', 'dist', 'data'),
    *(
        'outputs',
        'work_dirs',
        'configs',
        'sapiens_mm',
        'tests',
        'tools',
        '**/*.egg-info',
    ),
]

extensions = ['myst_parser']
myst_enable_extensions = []  # what a page of the repository shows as well, no more
myst_heading_anchors = 4

html_theme = 'furo'
html_title = f'sapiens_mm {release}'
html_copy_source = False
# of the web's pages only scholarly ones are cited, and those refuse programs at times
linkcheck_retries = 2
linkcheck_timeout = 20


def _add_navigation(app, docname, source):
    """Put the side bar into the first page, which has no words of Sphinx in it."""
    if docname != root_doc:
        return
    for caption, pages in NAVIGATION.items():
        lines = '\n'.join(f'/{page}' for page in pages)
        source[0] += (
            f'\n\n```{{toctree}}\n:hidden:\n:caption: {caption}\n\n{lines}\n```\n'
        )


def _add_index(app, error):
    """Web servers ask for index.html; the first page has its file's name."""
    if error is None and app.builder.format == 'html':
        page = f'<meta http-equiv="refresh" content="0; url={root_doc}.html">\n'
        (Path(app.outdir) / 'index.html').write_text(page, encoding='utf-8')


def setup(app):
    """Connect the two."""
    app.connect('source-read', _add_navigation)
    app.connect('build-finished', _add_index)
