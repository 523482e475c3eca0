"""Scripts in every text field of a journal, put there through the API by whoever may write that field.

Whatever runs calls `ran()`. Each text begins with a Russian word of its own, by which it is found again on the pages.
"""

from contextlib import AsyncExitStack
from typing import Any

import httpx

from services.demo.accounts import PASSWORD
from tests.common.process import Journal, key

SCRIPTS = (
    *("<img src=x onerror=ran()>", '"><script>ran()</script>', "<svg onload=ran()>", "javascript:ran()"),
    *("{{7*7}}", "${ran()}", "';ran();//", "<a href=javascript:ran()>x</a>", "</title><script>ran()</script>"),
)


def _text(word: str, limit: int) -> str:
    """The word and as many scripts as the field takes, beginning with another one for each word."""
    said = word
    first = len(word) % len(SCRIPTS)
    for script in (*SCRIPTS[first:], *SCRIPTS[:first]):
        if len(said) + 1 + len(script) <= limit:
            said = f"{said} {script}"
    return said


LIMITS = {
    **{"фамилия": 100, "имя": 100, "отчество": 100, "родитель": 100, "документ": 200, "приказ": 50, "основание": 60},
    **{"группа": 100, "специальность": 100, "шифр": 40, "дисциплина": 200, "аудитория": 40, "вид": 40},
    **{"год": 200, "период": 200, "программа": 200, "тема": 500, "итог": 500, "задание": 4000},
    **{"исправление": 500, "болезнь": 500, "продление": 500, "открытие": 500, "разрешение": 500},
}
"""The word of each field that is planted, and the field's length by the contracts."""
TEXTS = {word: _text(word, limit) for word, limit in LIMITS.items()}
PLANTED = tuple(TEXTS.items())


class _As:
    """One person's client; a refusal fails."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client

    async def get(self, path: str, **params: str) -> Any:
        answer = await self.client.get(path, params=params)
        assert answer.is_success, f"GET {path}: {answer.text}"
        return answer.json()

    async def put(self, method: str, path: str, body: Any, **headers: str) -> Any:
        answer = await self.client.request(method, path, json=body, headers={**key(), **headers})
        assert answer.is_success, f"{method} {path}: {answer.text}"
        return answer.json() if answer.content else None


async def plant(journal: Journal) -> None:
    async with AsyncExitStack() as stack:

        async def login(name: str) -> _As:
            client = await journal.signed_in(name, PASSWORD)
            stack.push_async_callback(client.aclose)
            return _As(client)

        admin, deputy, teacher, curator = [await login(name) for name in ("admin", "deputy", "teacher", "curator")]
        student = (await (await login("student")).get("/identity/me"))["person"]["id"]
        child = (await (await login("parent")).get("/identity/me"))["children"][-1]
        await _college(admin, deputy, child)
        await _people(admin, student, child)
        await _page(teacher, deputy, curator, child)


async def _college(admin: _As, deputy: _As, child: Any) -> None:
    """The group of a child, its period, programme and catalogue; a year of its own, which nothing stands in."""
    group = child["groups"][0]["group"]
    kept = await admin.get(f"/identity/groups/{group}")
    body = {"title": TEXTS["группа"], "specialty": TEXTS["специальность"], "admission_year": kept["admission_year"]}
    await admin.put("PUT", f"/identity/groups/{group}", body)
    status = {
        "group": group,
        "status": "individual_plan",
        "on": kept["members"][0]["starts_on"],
        "order_no": TEXTS["приказ"],
    }
    await admin.put("POST", f"/identity/people/{child['id']}/statuses", status)
    new = {"code": TEXTS["шифр"], "title": TEXTS["дисциплина"], "kind": "mdk"}
    await deputy.put("POST", "/schedule/disciplines", new)
    await deputy.put("POST", "/schedule/rooms", {"title": TEXTS["аудитория"], "kind": TEXTS["вид"], "capacity": 30})
    year = {"title": TEXTS["год"], "starts_on": "2040-09-01", "ends_on": "2041-06-30"}
    await deputy.put("POST", "/schedule/years", year)
    for period in (await deputy.get("/schedule/periods", group=group))["items"]:
        named = {name: value for name, value in period.items() if name != "id"} | {"title": TEXTS["период"]}
        await deputy.put("PUT", f"/schedule/periods/{period['id']}", named)
    taught = (await deputy.get("/schedule/assignments", group=group))["items"][0]
    at = "/schedule/programmes/{group}/{discipline}/{period}".format(**taught)
    await deputy.put("PUT", at, {"topics": [{"title": TEXTS["программа"], "hours": 2}]})


async def _people(admin: _As, student: str, child: Any) -> None:
    """The names of two students and of a guardian."""
    names = {"family_name": TEXTS["фамилия"], "given_name": TEXTS["имя"], "middle_name": TEXTS["отчество"]}
    for person in (student, child["id"]):
        kept = await admin.get(f"/identity/people/{person}")
        await admin.put("PATCH", f"/identity/people/{person}", names, **{"If-Match": f'"{kept["etag"]}"'})
    new = {**names, "family_name": TEXTS["родитель"], "guardian_of": student}
    guardian = (await admin.put("POST", "/identity/people", new))["person"]
    link = {"guardian": guardian, "basis": "document", "document": TEXTS["документ"]}
    await admin.put("POST", f"/identity/people/{child['id']}/guardians", link)


async def _page(teacher: _As, deputy: _As, curator: _As, child: Any) -> None:
    """A page of the child's that the teacher keeps: topics, homework, and a reason of every kind."""
    me = (await teacher.get("/identity/me"))["person"]["id"]
    of = {"teacher": me, "group": child["groups"][0]["group"], "state": "open"}
    pages = (await teacher.get("/gradebook/pages", **of))["items"]
    spread = await teacher.get(f"/gradebook/pages/{pages[0]['id']}")
    at, lesson = f"/gradebook/pages/{pages[0]['id']}", spread["lessons"][-1]
    row = next(each for each in spread["students"] if each["student"] == child["id"])
    open_to = {"starts_on": spread["lessons"][0]["date"], "ends_on": lesson["date"], "until": "2099-12-31"}
    await deputy.put("POST", f"{at}/entry-limit", {**open_to, "reason": _why("продление")})
    await deputy.put(
        "POST", f"{at}/permissions", {"student": child["id"], "fewer_grades": True, "reason": _why("разрешение")}
    )
    await deputy.put(
        "POST", f"{at}/unlocks", {"lesson": lesson["lesson"], "until": "2099-12-31", "reason": _why("открытие")}
    )
    said = await teacher.put("PATCH", f"{at}/lessons/{lesson['lesson']}", {"topic": TEXTS["тема"]}, **_tag(lesson))
    homework = {"text": TEXTS["задание"], "due_on": "2099-12-31"}
    await teacher.put("PUT", f"{at}/lessons/{lesson['lesson']}/homework", homework, **_tag(said))
    changed, cell = next((lesson, cell) for lesson, cell in row["cells"].items() if cell["grades"])
    grade = cell["grades"][0]
    other = {"grade": grade["grade"], "work": grade["work"], "value": "3" if grade["value"] != "3" else "4"}
    body = {"grades": [other, *cell["grades"][1:]], "reason": _why("исправление")}
    await teacher.put("PUT", f"{at}/cells/{changed}/{child['id']}", body, **_tag(cell))
    final = {"value": "exempt", "order_no": TEXTS["приказ"], "source": TEXTS["основание"], "reason": _why("итог")}
    await teacher.put("PUT", f"{at}/finals/{child['id']}", final, **{"If-None-Match": "*"})
    roles = (await curator.get("/identity/me"))["person"]["roles"]
    group = next(role["scope"] for role in roles if role["role"] == "curator")
    own = (await curator.get(f"/identity/groups/{group}"))["members"][0]["id"]
    days = {"student": own, "starts_on": spread["lessons"][0]["date"], "ends_on": lesson["date"]}
    ill = {**days, "reason_class": "ill", "reason": _why("болезнь")}
    await curator.put("POST", "/gradebook/absences/classes", ill)


def _tag(of: Any) -> dict[str, str]:
    return {"If-Match": f'"{of["etag"]}"'}


def _why(word: str) -> dict[str, str]:
    return {"code": "other", "text": TEXTS[word]}
