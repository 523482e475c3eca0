"""Settings: what is wrong is named, what exists is described."""

from pathlib import Path

import pytest

from services.kit.settings import SERVICES, CannotStart, Settings

DATABASES = {f"ZHURNAL_{name.upper()}_DSN": f"postgresql://localhost/{name}" for name in SERVICES}


def test_with_nothing_set_the_system_runs_for_itself() -> None:
    settings = Settings.load({})
    assert settings.embedded
    assert settings.data == Path(".zhurnal")
    assert (settings.host, settings.port) == ("127.0.0.1", 8080)
    assert settings.zoneinfo.key == "Asia/Barnaul"
    assert settings.demo == "class"


def test_the_command_line_goes_before_the_environment_and_the_environment_before_the_default() -> None:
    environment = {"ZHURNAL_PORT": "9000", "ZHURNAL_HOST": "0.0.0.0", "PATH": "/bin"}
    settings = Settings.load(environment, port=9001, host=None)
    assert (settings.port, settings.host) == (9001, "0.0.0.0")


def test_the_process_environment_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZHURNAL_ZONE", "Europe/Moscow")
    assert Settings.load().zone == "Europe/Moscow"


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("ZHURNAL_PORT", "eighty"),
        ("ZHURNAL_PORT", "70000"),
        ("ZHURNAL_ZONE", "Barnaul"),
        ("ZHURNAL_ZONE", "../etc/passwd"),
        ("ZHURNAL_DEMO", "school"),
        ("ZHURNAL_LOG_LEVEL", "loud"),
        ("ZHURNAL_GRADEBOOK_DSN", "nonsense with secret"),
        ("ZHURNAL_PROT", "8080"),
    ],
)
def test_what_is_wrong_is_one_sentence_that_names_the_variable(variable: str, value: str) -> None:
    with pytest.raises(CannotStart) as refused:
        Settings.load({variable: value})
    for text in refused.value.text:
        assert variable in text
        assert text.count("\n") == 0
        assert "secret" not in text


def test_databases_are_given_for_all_services_or_for_none() -> None:
    settings = Settings.load({**DATABASES, "ZHURNAL_GRADEBOOK_OWNER_DSN": "postgresql://owner@localhost/gradebook"})
    assert not settings.embedded
    assert settings.database("gradebook") == (
        "postgresql://localhost/gradebook",
        "postgresql://owner@localhost/gradebook",
    )
    assert settings.database("schedule").owner_dsn is None
    assert settings.require_databases() is settings
    assert Settings.load({}).require_databases().embedded
    for variable in DATABASES:
        with pytest.raises(CannotStart, match=variable):
            Settings.load({key: value for key, value in DATABASES.items() if key != variable}).require_databases()
    with pytest.raises(CannotStart, match="ZHURNAL_IDENTITY_DSN"):
        Settings.load({"ZHURNAL_GRADEBOOK_OWNER_DSN": "postgresql://localhost/gradebook"}).require_databases()


def test_every_setting_is_documented() -> None:
    variables = list(Settings.variables())
    assert len(variables) == len(Settings.model_fields)
    for name, _, description in variables:
        assert description.endswith("."), f"{name} has no description"
