"""The web page itself: what is where, and what it says."""

from __future__ import annotations

import html
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

import gradio as gr

from sapiens_mm.paths import EXAMPLES
from sapiens_mm.tasks import TASKS
from sapiens_mm.webui.request import TITLES, Answer, Menu, PageRequest

TITLE = 'Sapiens: pose, body parts, depth and normals'
INTRO = (
    'Keypoints, body-part segmentation, relative depth and surface normals of people '
    'in images. Images stay on the machine that serves this page.'
)
CSS = """
.gradio-container {width: 100% !important; max-width: 1400px !important;
  margin: 0 auto !important}
#title h1 {margin-bottom: 0}
#title p {margin-top: 4px; opacity: .75}
#task label {padding: 6px 12px}
#task input {position: absolute; opacity: 0}
#task label span {margin-left: 0}
#gallery {min-height: 420px}
#gallery .grid-wrap {max-height: none !important; overflow: hidden}
#gallery .caption-label {right: auto; left: var(--size-1)}
#say .html-container, #details .html-container {padding: 0 !important}
.say {border-radius: 8px; padding: 10px 14px; margin-bottom: 6px;
  border: 1px solid var(--border-color-primary);
  background: var(--block-background-fill)}
.say.working {border-color: var(--color-accent)}
.say.error {border-color: #dc2626; background: #dc262618; font-weight: 600}
.say.note {border-color: #d9770680; background: #d9770612}
.say table {width: 100%; border-collapse: collapse; margin: 0; font-size: 13px}
.say table, .say tr, .say td {border: 0 !important}
.say td {padding: 3px 12px 3px 0; vertical-align: top}
.say td:last-child {text-align: right; white-space: nowrap; padding-right: 0}
.say .small {opacity: .75; font-size: 13px}
"""
# names of fonts that systems have; gradio's own themes may ask a font server
FONTS = ('Segoe UI', 'Roboto', 'Helvetica Neue', 'Ubuntu', 'Arial', 'sans-serif')
MONO = ('Consolas', 'Menlo', 'DejaVu Sans Mono', 'monospace')
LOOK: dict[str, Any] = dict(
    css=CSS,
    theme=gr.themes.Soft(
        primary_hue='teal', neutral_hue='slate', font=FONTS, font_mono=MONO
    ),
)


class Run(Protocol):
    """What does the work: ``RemoteRun``, or ``PageRun`` in this process."""

    @property
    def menu(self) -> Menu:
        """The models to choose from."""

    def check(self, image: Path) -> str:
        """Return what is wrong with an image, in one sentence, or ''."""

    def __call__(self, asked: PageRequest) -> Iterator[Answer]:
        """Yield the answer as it grows; never raises."""


def build_page(run: Run) -> gr.Blocks:
    """Lay out the page.

    Args:
        run: Does what is asked for.

    Returns:
        The page, with its queue of one request at a time; not yet served.
    """
    gr.set_static_paths([EXAMPLES])
    with gr.Blocks(title=TITLE, analytics_enabled=False) as page:
        gr.Markdown(f'# {TITLE}\n{INTRO}', elem_id='title')
        with gr.Row():
            with gr.Column(scale=5, min_width=340):
                image = image_input()
                examples = sorted(EXAMPLES.glob('*.jpg'))
                gr.Examples(
                    [[str(path)] for path in examples], [image], elem_id='examples'
                )
                task = gr.Radio(
                    [('All', 'all'), *((TITLES[t], t) for t in TASKS)],
                    value='all',
                    label='Task',
                    elem_id='task',
                )
                button = gr.Button('Run', variant='primary', elem_id='run')
                models = model_menus(run.menu)
                options = option_inputs(run.menu)
            with gr.Column(scale=7, min_width=400):
                outputs = result_outputs()
        _connect(run, button, image, task, [*options, *models], models, outputs)
    for block in page.blocks.values():
        keep_to_uploads(block)
    return page.queue(default_concurrency_limit=1, max_size=20, api_open=False)


def _connect(
    run: Run,
    button: gr.Button,
    image: gr.Image,
    task: gr.Radio,
    inputs: list[gr.components.Component],
    models: list[gr.Dropdown],
    outputs: list[gr.components.Component],
) -> None:
    """Say what the button, another image and another task do."""
    button.click(
        _click_of(run),
        [image, task, *inputs],
        outputs,
        api_name='run',
        concurrency_limit=1,
        show_progress='minimal',
    )

    def change(image: str | None) -> tuple:
        # results of another image are none of this one
        error = run.check(Path(image)) if image else ''
        text = sentences_html(Answer(doing='', errors=[error])) if error else IDLE
        return text, None, gr.update(value=None, visible=False), ''

    image.change(
        change,
        [image],
        outputs,
        queue=False,
        api_visibility='private',
        show_progress='hidden',
    )
    task.change(
        lambda task: [gr.update(visible=task in (t, 'all')) for t in TASKS],
        [task],
        models,
        queue=False,
        api_visibility='private',
        show_progress='hidden',
    )


def _click_of(run: Run) -> Callable[..., Iterator[tuple]]:
    """Return what a click on the button does."""

    def click(
        image: str | None,
        task: str,
        detect: str,
        cut_out: bool,
        score_threshold: float,
        opacity: float,
        relief: bool,
        pose: str,
        seg: str,
        depth: str,
        normal: str,
    ) -> Iterator[tuple]:
        asked = PageRequest(
            image=Path(image) if image else None,
            task=task,
            models=dict(pose=pose, seg=seg, depth=depth, normal=normal),
            detect=detect == 'detector',
            cut_out=cut_out,
            score_threshold=score_threshold,
            opacity=opacity,
            relief=relief,
        )
        for answer in run(asked):
            yield shown(answer, task)

    return click


def result_outputs() -> list[gr.components.Component]:
    """Return what shows an answer, in the order of :func:`shown`."""
    say = gr.HTML(IDLE, elem_id='say')
    gallery = gr.Gallery(
        label='Results',
        columns=2,
        height='auto',
        object_fit='contain',
        elem_id='gallery',
    )
    details = gr.HTML('', elem_id='details')
    files = gr.File(
        label='Data files',
        file_count='multiple',
        interactive=False,
        visible=False,
        elem_id='files',
    )
    return [say, gallery, files, details]


def image_input() -> gr.Image:
    """Return an input whose value is the path of the file as it was uploaded."""
    image = gr.Image(
        label='Image',
        type='filepath',
        image_mode=None,
        sources=['upload', 'webcam', 'clipboard'],
        # a mirrored person has left and right exchanged
        webcam_options=gr.WebcamOptions(mirror=False),
        height=380,
        elem_id='image',
    )
    opened_by_gradio = image.preprocess

    def preprocess(payload: Any) -> str | None:
        # gradio opens the file, and what is wrong with it would not reach the page. Its
        # components cannot be subclassed without files appearing beside this one.
        if payload is None or not payload.path:
            return opened_by_gradio(payload)
        return payload.path

    image.preprocess = preprocess
    return image


def keep_to_uploads(block: Any) -> None:
    """Make a component refuse addresses, which gradio would fetch for a visitor."""
    move = getattr(block, 'async_move_resource_to_block_cache', None)
    if move is None:
        return

    async def move_file(source: Any) -> str | None:
        if source is not None and '://' in str(source):
            raise gr.Error(
                'This page takes files, no addresses.', print_exception=False
            )
        return await move(source)

    block.async_move_resource_to_block_cache = move_file


def model_menus(menu: Menu) -> list[gr.Dropdown]:
    """Return a menu of models for each task."""
    menus = []
    something_to_choose = any(len(labels) > 1 for labels in menu.labels.values())
    with gr.Accordion('Models', open=something_to_choose), gr.Row():
        for task in TASKS:
            labels = list(menu.labels[task])
            dropdown = gr.Dropdown(
                labels,
                value=labels[0],
                label=TITLES[task],
                filterable=False,
                min_width=220,
                elem_id=f'model_{task}',
            )
            menus.append(dropdown)
    return menus


def option_inputs(menu: Menu) -> list[gr.components.Component]:
    """Return the inputs of the options, in the order of the click's arguments."""
    there = menu.has_detector
    with gr.Accordion('Options', open=True):
        detect = gr.Radio(
            [('Whole image is one person', 'whole'), ('Detector', 'detector')],
            value='detector' if there else 'whole',
            interactive=there,
            label='Persons, for pose',
            info=None if there else 'Start with --detector to find several persons.',
        )
        cut_out = gr.Checkbox(
            True,
            label='Depth and normals on people only',
            info='Runs the model of body parts too; the data files stay whole.',
        )
        threshold = gr.Slider(0, 1, 0.3, step=0.05, label='Keypoint threshold')
        opacity = gr.Slider(0, 1, 0.5, step=0.05, label='Opacity of body parts')
        relief = gr.Checkbox(False, label='Image of the surface that depth describes')
    return [detect, cut_out, threshold, opacity, relief]


IDLE = '<div class="say" data-state="idle">Choose an image and press Run.</div>'


def shown(answer: Answer, task: str) -> tuple[str, Any, Any, str]:
    """Return what sentences, gallery, files and details show of an answer."""
    gallery = gr.update(
        value=[(str(path), caption) for path, caption in answer.images],
        columns=2 if task == 'all' else 1,
    )
    files = [] if answer.doing else [str(path) for path in answer.files]
    return (
        sentences_html(answer),
        gallery,
        gr.update(value=files or None, visible=bool(files)),
        details_html(answer) if files else '',
    )


def sentences_html(answer: Answer) -> str:
    """Bring what is being done, errors and notes into HTML."""
    blocks = [('error', error) for error in answer.errors]
    if answer.doing:
        state = 'working'
        blocks.append(('working', f'{answer.doing} …'))
    elif answer.images:
        state = 'done'
        text = f'Done in {answer.seconds:.1f} s'
        if answer.loading_s:
            text += f', {answer.loading_s:.1f} s of it to load models'
        remarks = dict.fromkeys(ran.note for ran in answer.ran if ran.note)
        blocks.append(('', '. '.join([text, *map(_capital, remarks)]) + '.'))
    else:
        state = 'failed'
    blocks += [('note', note) for note in answer.notes]
    rows = [f'<div class="say {kind}">{html.escape(t)}</div>' for kind, t in blocks]
    return f'<div data-state="{state}">{"".join(rows)}</div>'


def details_html(answer: Answer) -> str:
    """Bring the models that ran and their times into HTML."""
    rows = []
    for ran in answer.ran:
        cells = (TITLES[ran.task], ran.model, f'{ran.seconds:.2f} s')
        rows.append(''.join(f'<td>{html.escape(cell)}</td>' for cell in cells))
    table = ''.join(f'<tr>{row}</tr>' for row in rows)
    return f'<div class="say"><table>{table}</table></div>'


def _capital(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]
