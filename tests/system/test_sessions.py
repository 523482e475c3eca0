"""Sessions over real HTTP: what is stolen, forged, sent from elsewhere or revoked does not work."""

import asyncio
from uuid import uuid4

import httpx
import pytest

from services.demo.accounts import PASSWORD
from tests.common.process import Journal, key

pytestmark = pytest.mark.anyio


async def test_a_session_revoked_from_another_browser_is_out_in_every_service(demo: Journal) -> None:
    lost, own = await demo.signed_in("student", PASSWORD), await demo.signed_in("student", PASSWORD)
    everywhere = (
        "/identity/me",
        "/schedule/lessons?mine=true",
        "/reporting/students/me/card",
        "/notifications/inbox/unread",
    )
    for path in everywhere:
        assert (await lost.get(path)).status_code == 200, path
    listed = (await own.get("/identity/sessions")).json()["sessions"]
    for session in listed:
        if not session["current"]:
            ended = await own.delete(f"/identity/sessions/{session['id']}", headers=key())
            assert ended.is_success, ended.text
    for path in everywhere:
        assert (await lost.get(path)).status_code == 401, path
        assert (await own.get(path)).status_code == 200, path
    await lost.aclose()
    await own.aclose()


async def test_a_disabled_account_is_out_at_once(demo: Journal) -> None:
    admin, out = await demo.signed_in("admin", PASSWORD), await demo.signed_in("parent2", PASSWORD)
    person = (await out.get("/identity/me")).json()["person"]["id"]
    disabled = await admin.post(f"/identity/people/{person}/disabling", json={}, headers=key())
    assert disabled.is_success, disabled.text
    assert (await out.get("/notifications/inbox")).status_code == 401
    async with demo.client() as stranger:
        again = await stranger.post(
            "/identity/sessions", json={"login": "parent2", "password": PASSWORD}, headers=key()
        )
        unknown = await stranger.post(
            "/identity/sessions", json={"login": uuid4().hex, "password": PASSWORD}, headers=key()
        )
        assert (again.status_code, again.content) == (unknown.status_code, unknown.content), "nobody is told who exists"
    enabled = await admin.post(f"/identity/people/{person}/enabling", json={}, headers=key())
    assert enabled.is_success, enabled.text
    await admin.aclose()
    await out.aclose()


async def test_cookies_and_tokens_that_are_not_ours_open_nothing(demo: Journal) -> None:
    shapes = [
        {"Cookie": "zhurnal="},
        {"Cookie": f"zhurnal={uuid4().hex}"},
        {"Cookie": "zhurnal=" + "A" * 4000},
        {"Cookie": "__Host-zhurnal=" + "A" * 43},
        {"Authorization": "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4Iiwic2lkIjoieSJ9."},
        {"Authorization": "Basic YWRtaW46YWRtaW4="},
        {"X-Zhurnal-Subject": "admin"},
        {},
    ]
    async with httpx.AsyncClient(base_url=f"{demo.address}/api") as client:
        for shape in shapes:
            for path in ("/identity/people", "/gradebook/pages", "/reporting/students/me/card"):
                answer = await client.get(path, headers=shape)
                assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated"), (shape, path)


async def test_a_page_of_another_site_changes_nothing(demo: Journal) -> None:
    teacher = await demo.signed_in("teacher", PASSWORD)
    cookies = dict(teacher.cookies)
    async with httpx.AsyncClient(base_url=f"{demo.address}/api", cookies=cookies) as elsewhere:
        for headers in (
            {},
            {"X-Zhurnal": "1", "Origin": "https://elsewhere.test"},
            {"X-Zhurnal": "1", "Origin": "null"},
        ):
            forged = await elsewhere.delete("/identity/sessions/current", headers={**headers, **key()})
            assert (forged.status_code, forged.json()["code"]) == (403, "foreign-origin"), headers
    assert (await teacher.get("/identity/me")).status_code == 200
    await teacher.aclose()


async def test_another_child_asked_for_by_id_is_as_missing_as_nobody(demo: Journal) -> None:
    parent, curator = await demo.signed_in("parent", PASSWORD), await demo.signed_in("curator", PASSWORD)
    own = {child["id"] for child in (await parent.get("/identity/me")).json()["children"]}
    curated = next(r for r in (await curator.get("/identity/me")).json()["person"]["roles"] if r["role"] == "curator")
    summary = (await curator.get(f"/reporting/groups/{curated['scope']}/summary")).json()
    foreign = next(s["student"] for s in summary["students"] if s["student"] not in own)
    answers = await asyncio.gather(*(parent.get(f"/reporting/students/{who}/card") for who in (foreign, uuid4())))
    assert [a.status_code for a in answers] == [404, 404]
    assert answers[0].content == answers[1].content
    await parent.aclose()
    await curator.aclose()
