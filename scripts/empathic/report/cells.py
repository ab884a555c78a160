"""Running the cells and the inline code of a Quarto document without Quarto.

What is understood of Quarto is what the report uses: cells with the options `include: false` or `output: asis`, and
inline code that gives Prose. Anything else is refused, so that the two roads to a page cannot part unseen.
"""

import json
import re
import sys
from pathlib import Path
from typing import Any

import jupytext
import yaml
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, DeadKernelError
from nbformat import NotebookNode

from empathic.errors import InputError

INLINE = re.compile(r"(?<!`)`\{python\}[ \t]+([^`]+)`")
OPTION = re.compile(r"^#\|[ \t]?(.*)$", re.MULTILINE)
KNOWN = ({"include": False}, {"output": "asis"})
KERNEL = "python3"
REMEDY = "Mend the report, or what it reads; the traceback is in the log"


def write_kernel(folder: Path) -> Path:
    """Declare a kernel of this very Python below a folder, and return the folder of kernels.

    The kernels that a user has installed may run another Python, with other packages.
    """
    kernel = folder / "kernels" / KERNEL
    kernel.mkdir(parents=True)
    command = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    spec = {"argv": command, "display_name": "The report's Python", "language": "python"}
    (kernel / "kernel.json").write_text(json.dumps(spec), encoding="utf-8")
    return kernel.parent


def run(text: str, folder: Path, kernels: Path, environment: dict[str, str]) -> str:
    """Run a document's code in a folder and return its Markdown, with what the code gave in the code's place.

    Raises InputError where code fails, or asks for what only Quarto could do.
    """
    # From a text, and as R Markdown: given a path, or told that it is Quarto's, jupytext would call Quarto.
    notebook = jupytext.reads(text, "Rmd")
    manager = AsyncKernelManager(
        kernel_name=KERNEL,
        kernel_spec_manager=KernelSpecManager(kernel_dirs=[str(kernels)]),
        connection_file=str(folder / "kernel.json"),
    )
    client = NotebookClient(notebook, km=manager, resources={"metadata": {"path": str(folder)}}, timeout=None)
    with client.setup_kernel(cleanup_kc=True, env=environment):
        parts = [_part(client, cell, place) for place, cell in enumerate(notebook.cells)]
    return "\n\n".join(parts) + "\n"


def _part(client: NotebookClient, cell: NotebookNode, place: int) -> str:
    if cell.cell_type == "code":
        return _code(client, cell, place)
    return cell.source if cell.cell_type == "raw" else _inline(client, cell.source)


def _code(client: NotebookClient, cell: NotebookNode, place: int) -> str:
    options = yaml.safe_load("\n".join(OPTION.findall(cell.source))) or {}
    if options not in KNOWN:
        raise InputError(
            "report",
            f"a cell has the options {options}",
            "Without Quarto a cell has `include: false` or `output: asis`",
        )
    try:
        client.execute_cell(cell, place)
    except CellExecutionError as error:
        print(error)
        raise failure(error.ename, error.evalue) from None
    except DeadKernelError as error:
        raise failure("DeadKernelError", str(error)) from None
    return "".join(_printed(output) for output in cell.outputs) if options == {"output": "asis"} else ""


def _printed(output: dict[str, Any]) -> str:
    if output["output_type"] == "stream" and output["name"] == "stdout":
        return output["text"]
    if output["output_type"] == "stream":
        print(output["text"], file=sys.stderr)
        return ""
    kinds = ", ".join(output.get("data", {}))
    raise InputError(
        "report", f"a cell gave an output of type {kinds}", "Print Markdown, as empathic.report.blocks makes it"
    )


def _inline(client: NotebookClient, source: str) -> str:
    expressions = {str(place): match for place, match in enumerate(INLINE.findall(source))}
    if not expressions:
        return source
    request = client.kc.execute("", user_expressions=expressions)
    results = client.wait_for_reply(request)["content"]["user_expressions"]
    values = iter(_value(results[place], expression) for place, expression in expressions.items())
    return INLINE.sub(lambda _: next(values), source)


def _value(result: dict[str, Any], expression: str) -> str:
    if result["status"] == "error":
        raise failure(result["ename"], result["evalue"], f" in the inline code `{expression}`")
    if "text/markdown" not in result["data"]:
        raise InputError(
            "report",
            f"the inline code `{expression}` gives no Prose",
            "Use what empathic.report.words makes (prose, count, number): escaped and rounded one way",
        )
    return result["data"]["text/markdown"]


def failure(name: str, value: str, place: str = "") -> InputError:
    """The one message for code of the report that failed."""
    return InputError("report", f"its code failed{place} with {name}: {value.rstrip('.')}", REMEDY)
