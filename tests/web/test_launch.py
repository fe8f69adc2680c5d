import subprocess
import sys
from pathlib import Path

import pytest

from wva.fleet.errors import UserError
from wva.web.launch import launch


async def test_without_nicegui_it_is_said_how_to_get_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("wva.web.launch.find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"pip install 'wva\[dashboard\]'"):
        await launch(tmp_path, "127.0.0.1", 0)


def test_what_wva_up_loads_of_the_page_does_not_load_nicegui() -> None:
    code = "import sys, wva.cli.page_beside, wva.cli.web; sys.exit('nicegui' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
