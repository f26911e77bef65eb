from __future__ import annotations

import stat
from pathlib import Path

from prism.demo.keeping import PASSWORD, kept_environment


def test_what_was_generated_once_stays_and_only_its_owner_may_read_it(tmp_path: Path) -> None:
    path = tmp_path / "demo.env"
    first = kept_environment(path)
    assert set(first) == {"SECRET_KEY", "FERNET_KEYS", PASSWORD}
    assert len(first["SECRET_KEY"]) >= 50
    assert len(first["FERNET_KEYS"]) >= 32
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert kept_environment(path) == first


def test_a_file_that_lacks_a_line_gets_it_and_keeps_the_others(tmp_path: Path) -> None:
    path = tmp_path / "demo.env"
    first = kept_environment(path)
    path.write_text(f"FERNET_KEYS={first['FERNET_KEYS']}\nEXTRA=a=b\n")
    second = kept_environment(path)
    assert second["FERNET_KEYS"] == first["FERNET_KEYS"]
    assert second["EXTRA"] == "a=b"
    assert second["SECRET_KEY"] != first["SECRET_KEY"]
