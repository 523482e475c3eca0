"""OneRoster 1.1 and 1.2 CSV (folder or ZIP, bulk or delta) and layouts close to it → `roster.Roster`.

Pure: nothing is stored, nothing but files is read, and whatever the files hold, the answer is a `Reading` and never an
exception. The source of a roster is the name given, else its root organisation, so that successive exports of one
college agree; else, for a full export, the folder's name. Passwords and profiles of other systems are not read.
"""

from pathlib import Path
from typing import Final

from services.importing.archive import open_set
from services.importing.columns import FILES, LAYOUTS, NOT_TAKEN, FileName, Layout
from services.importing.findings import Findings
from services.importing.intake import Desk
from services.importing.members import Members, read_enrolments, read_guardians, read_roles, read_users
from services.importing.roster import Kind, Reading, Roster, Scope
from services.importing.structure import Frame, read_classes, read_courses, read_orgs, read_sessions, root_org
from services.importing.tables import Table, read_lines, read_table

_MODES: Final[dict[str, Scope]] = {"bulk": "bulk", "delta": "delta", "absent": "absent"}
_MANIFEST: Final = "manifest.csv"


def read(path: Path, source: str | None = None) -> Reading:
    """Read a set. `source` names the origin that ids are made from; give the same name for every export of it."""
    findings = Findings()
    roster = _read(path, source, findings)
    return Reading(roster=None if findings.fatal else roster, findings=tuple(findings.all))


def _read(path: Path, source: str | None, findings: Findings) -> Roster | None:
    files = _by_lower_name(open_set(path, findings), findings)
    if findings.fatal:
        return None
    tables = _tables(files, path, findings)
    scope = _scopes(files, tables, findings)
    if findings.fatal:
        return None
    root = root_org(tables.get("orgs"), scope["orgs"])
    name = _source(source, root, path, scope, findings)
    if name is None:
        return None
    desk = Desk(name, tables, scope, findings)
    frame = Frame(root)
    members = Members()
    read_orgs(desk, frame)
    read_sessions(desk, frame)
    read_courses(desk, frame)
    read_classes(desk, frame)
    read_users(desk, frame, members)
    read_roles(desk, frame, members)
    read_enrolments(desk, frame, members)
    read_guardians(desk, members)
    return Roster(
        source=name,
        scope=_silence(desk),
        orgs=tuple(frame.orgs.values()),
        years=tuple(frame.years.values()),
        periods=tuple(frame.periods.values()),
        disciplines=tuple(frame.disciplines.values()),
        groups=tuple(frame.groups.values()),
        teaching=tuple(members.teaching),
        people=tuple(members.people.values()),
        roles=(*members.roles, *members.concluded.values()),
        guardians=tuple(members.guardians.values()),
        enrolments=tuple(members.enrolments),
        deleted=tuple(desk.deleted.values()),
        outside=tuple(desk.outside.values()),
    )


def _by_lower_name(files: dict[str, bytes], findings: Findings) -> dict[str, tuple[str, bytes]]:
    """Files by their name in lower case, with the name as written."""
    found: dict[str, tuple[str, bytes]] = {}
    for name, data in files.items():
        if name.lower() in found:
            findings.add("duplicate_file", name, value=found[name.lower()][0])
        found[name.lower()] = (name, data)
    return found


def _tables(files: dict[str, tuple[str, bytes]], path: Path, findings: Findings) -> dict[FileName, Table]:
    layout = next((x for x in LAYOUTS if all(s.file in files for s in x.files.values())), None)
    if layout is not None:
        findings.add("layout", value=layout.name)
    names = {name: layout.files[name].file if layout else f"{name.lower()}.csv" for name in _files_of(layout)}
    found = {name: files[file] for name, file in names.items() if file in files}
    if not found:
        findings.add("no_files", path.name)
    _report_others(files, {*names.values(), _MANIFEST}, findings)
    return {
        name: read_table(file, data, FILES[name], layout.files[name] if layout else None, findings)
        for name, (file, data) in found.items()
    }


def _files_of(layout: Layout | None) -> list[FileName]:
    return list(layout.files if layout else FILES)


def _report_others(files: dict[str, tuple[str, bytes]], read_: set[str], findings: Findings) -> None:
    marks = {f"{name.lower()}.csv": mark for name, mark in NOT_TAKEN.items()}
    for lower, (name, data) in files.items():
        if lower in read_:
            continue
        if lower not in marks:
            findings.add("file_unknown", name)
            continue
        findings.add("file_not_taken", name)
        header = next(read_lines(name, data, Findings()), (0, []))[1]
        if marks[lower].lower() not in (cell.strip().lower() for cell in header):
            findings.add("file_other_header", name, 1, column=marks[lower])


def _scopes(
    files: dict[str, tuple[str, bytes]], tables: dict[FileName, Table], findings: Findings
) -> dict[FileName, Scope]:
    """How each file was exported, by the manifest; without one everything that is there is a full export."""
    present: dict[FileName, Scope] = {name: "bulk" if name in tables else "absent" for name in FILES}
    if _MANIFEST not in files:
        if tables:
            findings.add("no_manifest")
        return present
    manifest, data = files[_MANIFEST]
    known = {f"file.{name.lower()}": name for name in FILES}
    declared: dict[FileName, Scope] = {}
    for line, cells in read_lines(manifest, data, findings):
        key, value = (cell.strip() for cell in (*cells, "", "")[:2])
        name = known.get(key.lower())
        if name is None or not value:
            continue
        mode = _MODES.get(value.lower())
        if mode is None:
            findings.add("bad_manifest", manifest, line, column=key, value=value)
            continue
        declared[name] = mode
        if mode == "absent" and name in tables:
            findings.add("file_undeclared", tables[name].file)
        if mode != "absent" and name not in tables:
            findings.add("file_missing", f"{name}.csv", value=mode)
    # a delta taken for bulk would read as deletions, the other way round nothing is lost
    default: Scope = "delta" if "delta" in declared.values() else "bulk"
    for name in tables:
        if name not in declared:
            findings.add("undeclared_mode", tables[name].file, value=default)
            declared[name] = default
    return {name: declared.get(name, "absent") for name in FILES}


def _source(
    given: str | None, root: str | None, path: Path, scope: dict[FileName, Scope], findings: Findings
) -> str | None:
    delta = "delta" in scope.values()
    if given is None and root is None and delta:
        findings.add("source_needed")
        return None
    name = (
        given
        if given is not None
        else root
        if root is not None
        else (path.resolve().name if path.is_dir() else path.stem)
    )
    if given is None:
        name = name.replace(":", "_")
        if root is None or delta:
            findings.add("source_guessed", value=name)
    if ":" in name or not name.strip() or len(name) > 200:
        findings.add("bad_source", value=name)
        return None
    return name


def _silence(desk: Desk) -> dict[Kind, Scope]:
    """What silence about a stored record means, per kind. A file with refused rows says nothing by its silence."""
    scope: dict[FileName, Scope] = {
        name: "delta" if mode == "bulk" and name in desk.spoilt else mode for name, mode in desk.scope.items()
    }
    found: dict[Kind, Scope] = {kind: scope[name] for name, spec in FILES.items() for kind in spec.kinds}
    # roles stand in users.csv (1.1) or roles.csv (1.2), and some follow from enrolments
    from_users = "users" in desk.tables and "role" in desk.tables["users"].headers
    sources = [scope["users"] if from_users else scope["roles"], scope["enrollments"]]
    found["roles"] = "bulk" if all(s == "bulk" for s in sources) else "delta"
    if found["guardians"] == "bulk" and found["roles"] != "bulk":
        found["guardians"] = "delta"
    return found
