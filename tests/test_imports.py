"""The layers of the package: who may import whom, and that importing it is cheap."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import sapiens_mm

PACKAGE = Path(sapiens_mm.__file__).parent
HOSTS = {'mmengine', 'mmcv', 'mmpose', 'mmseg', 'mmdet', 'mmpretrain'}

PAGE = Path(__file__).resolve().parents[1] / 'docs/house.md'


def read_floors(folder):
    """Return room -> floor from the drawing of a folder in docs/house.md."""
    text = PAGE.read_text(encoding='utf-8')
    drawing = text.partition(f'floor  rooms of {folder}\n')[2].partition('```')[0]
    rows = [line.split() for line in drawing.splitlines()]
    assert rows
    return {room: int(floor) for floor, *rooms in rows for room in rooms}


# room -> its floor; imports go down only. Files of the root are rooms of their own.
LAYERS = read_floors('sapiens_mm/')


def read_hosts():
    """Return room -> hosts that its files may import at their top, of the same page.

    Inside functions nothing is asked.
    """
    table = PAGE.read_text(encoding='utf-8').partition('## The generator')[0]
    found = {}
    for row in re.findall(r'^\| (`.*?) \|.*\| (.*?) \|$', table, re.M):
        rooms, hosts = re.findall(r'`(\w+)`', row[0]), row[1].split('; ')
        hosts = hosts if len(hosts) > 1 else hosts * len(rooms)
        for room, names in zip(rooms, hosts, strict=True):
            found[room] = set(names.split(', ')) - {'none'}
            if found[room]:
                found[room] |= {'mmengine', 'mmcv'}  # what every installation has
    return found


TOP_HOSTS = read_hosts()
HOST_ROOMS = {'pretrain', 'pose', 'seg', 'geometry'}


def room_of(path):
    first = path.relative_to(PACKAGE).parts[0]
    return first.removesuffix('.py')


FILES = [
    path
    for path in sorted(PACKAGE.rglob('*.py'))
    if '.mim' not in path.relative_to(PACKAGE).parts
]


def imports_of(path):
    """Yield (module, at the top of the file) for every import of a file.

    Imports for type checkers only do not run and do not count; those under another
    ``if`` or a ``try`` run with the file.
    """
    tree = ast.parse(path.read_text(encoding='utf-8'))
    parts = ('sapiens_mm', *path.relative_to(PACKAGE).with_suffix('').parts)

    def walk(node, top):
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.If) and 'TYPE_CHECKING' in ast.dump(child.test):
                continue
            if isinstance(child, ast.Import):
                yield from ((alias.name, top) for alias in child.names)
            elif isinstance(child, ast.ImportFrom):
                module = child.module or ''
                if child.level:
                    module = '.'.join([*parts[: -child.level], *module.split('.')])
                if module == 'sapiens_mm':
                    yield from (
                        (f'{module}.{alias.name}', top) for alias in child.names
                    )
                else:
                    yield module.rstrip('.'), top
            function = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
            yield from walk(child, top and not isinstance(child, function))

    return list(walk(tree, True))


def our_rooms(path, top=None):
    """Rooms of ours that a file imports."""
    rooms = set()
    for module, at_top in imports_of(path):
        package, _, rest = module.partition('.')
        if package == 'sapiens_mm' and top in (None, at_top):
            room = rest.split('.')[0]
            rooms.add(room if room in LAYERS else '__init__')
    return rooms - {room_of(path)}


def test_every_room_is_on_the_page():
    assert {room_of(path) for path in FILES} == set(LAYERS)
    assert set(TOP_HOSTS) == set(LAYERS) - {'__init__', '__main__', 'testing'}


def test_imports_go_down_only():
    wrong = []
    for path in FILES:
        room = room_of(path)
        at_top, lazily = our_rooms(path, top=True), our_rooms(path, top=False)
        wrong += [(path, other) for other in at_top if LAYERS[other] >= LAYERS[room]]
        # inside functions, neighbours are allowed
        wrong += [(path, other) for other in lazily if LAYERS[other] > LAYERS[room]]
    assert not wrong


def test_the_generator_imports_down_only():
    floors, root = read_floors('sapiens_mm/synth/'), PACKAGE / 'synth'
    wrong, seen = [], set()
    for path in sorted(root.rglob('*.py')):
        room = path.relative_to(root).parts[0].removesuffix('.py')
        if room == '__init__':
            continue
        seen.add(room)
        for module, _ in imports_of(path):
            package, _, rest = module.partition('sapiens_mm.synth.')
            other = rest.split('.')[0]
            if not package and other in floors and other != room:
                wrong += [(path, other)] * (floors[other] >= floors[room])
    assert not wrong
    assert seen == set(floors)


def test_host_rooms_never_import_one_another():
    files = [path for path in FILES if room_of(path) in HOST_ROOMS]
    assert files
    assert not [path for path in files if our_rooms(path) & HOST_ROOMS]


def test_tables_and_the_generator_stand_alone():
    files = [path for path in FILES if room_of(path) in {'synth', 'tables'}]
    assert files
    assert not [
        path
        for path in files
        if our_rooms(path) - {'tables', 'tasks', 'images', 'files'}
    ]


def test_hosts_are_imported_where_they_are_allowed():
    wrong = []
    for path in FILES:
        at_top = {m.split('.')[0] for m, top in imports_of(path) if top}
        wrong += [
            (path, host)
            for host in at_top & HOSTS - TOP_HOSTS.get(room_of(path), set())
        ]
    assert not wrong


def test_host_rooms_do_not_guard_their_imports():
    wrong = []
    for path in FILES:
        if room_of(path) not in HOST_ROOMS | {'backbones'}:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding='utf-8'))):
            if isinstance(node, ast.Try):
                inside = ast.walk(node)
                wrong += [
                    (path, n.lineno)
                    for n in inside
                    if isinstance(n, ast.Import | ast.ImportFrom)
                ]
    assert not wrong


def test_the_walk_sees_what_it_should(tmp_path, monkeypatch):
    monkeypatch.setattr(sys.modules[__name__], 'PACKAGE', tmp_path)
    file = tmp_path / 'pose' / 'part.py'
    file.parent.mkdir()
    file.write_text(
        'import mmpose.apis as a\n'
        'from sapiens_mm import hosts\n'
        'from . import near\n'
        'from ..seg.head import x\n'
        'if TYPE_CHECKING:\n    import mmdet\n'
        'try:\n    import mmcv\nexcept ImportError:\n    pass\n'
        'class A:\n    import numpy\n'
        'def f():\n    from mmseg import y\n'
    )
    assert imports_of(file) == [
        ('mmpose.apis', True),
        ('sapiens_mm.hosts', True),
        ('sapiens_mm.pose', True),
        ('sapiens_mm.seg.head', True),
        ('mmcv', True),
        ('numpy', True),
        ('mmseg', False),
    ]


def test_importing_the_package_is_light():
    code = (
        'import sys; before = set(sys.modules); import sapiens_mm; '
        'print(*sorted({m.partition(".")[0] for m in set(sys.modules) - before}))'
    )
    done = subprocess.run(
        [sys.executable, '-c', code], capture_output=True, text=True, check=True
    )
    loaded = set(done.stdout.split())
    assert 'sapiens_mm' in loaded
    assert loaded - {'sapiens_mm'} <= set(sys.stdlib_module_names)


def modules_of(node, package):
    """Return the names that an import may give modules of ours, relative ones too."""
    module = node.module or ''
    if node.level:
        module = '.'.join([*package[: len(package) + 1 - node.level], module])
    return {module.rstrip('.'), *(f'{module}.{a.name}'.lstrip('.') for a in node.names)}


def test_no_module_comes_back_to_itself():
    """Neither by an import inside a function nor by one for type checkers."""
    imports = {}
    for path in FILES:
        if path.name == '__init__.py':
            continue  # a package's names are those of its modules
        parts = ('sapiens_mm', *path.relative_to(PACKAGE).with_suffix('').parts)
        nodes = ast.walk(ast.parse(path.read_text(encoding='utf-8')))
        found = [
            modules_of(node, parts[:-1])
            for node in nodes
            if isinstance(node, ast.ImportFrom)
        ]
        imports['.'.join(parts)] = set().union(*found)
    assert 'sapiens_mm.images.headers' in imports['sapiens_mm.images.decode']
    # take away, again and again, what imports nothing that is left
    while leaves := {n for n, found in imports.items() if not found & imports.keys()}:
        for name in leaves:
            del imports[name]
    assert not imports, f'circles are among {sorted(imports)}'
