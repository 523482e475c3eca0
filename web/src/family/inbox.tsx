/** Notices, newest first: what happened, of whom, where; read one by one or all at once. */

import { useInfiniteQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { Link } from "wouter";
import { got, notifications } from "../api/client";
import { useNames } from "../api/names";
import { word, words } from "../domain/texts";
import { day, instant } from "../format";
import { rolesOf, useSignedIn } from "../shell/session";
import { Button } from "../ui/button";
import { Checkbox, Choice } from "../ui/field";
import { Badge, Empty } from "../ui/notes";
import { Loaded, Page } from "../ui/page";
import { inboxPage, type Notice } from "./data";
import "./family.css";
import { text, type NoticeData } from "./texts";

const ALL = "all" as const;

export default function InboxOfAll() {
  const client = useQueryClient();
  const [kind, setKind] = useState<Notice["kind"] | typeof ALL>(ALL);
  const [unread, setUnread] = useState(false);
  const inbox = useInfiniteQuery({
    queryKey: ["notifications", "/inbox", kind, unread],
    queryFn: ({ pageParam }) => inboxPage(kind, unread, pageParam),
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.next,
  });
  const notices = inbox.data?.pages.flatMap((page) => page.items) ?? [];
  const name = useNames(notices.flatMap((notice) => [notice.student, teacherIn(notice)]).filter((id) => id !== null));
  const read = async (body: { ids: string[] } | { up_to: Record<string, number> }) => {
    await got(notifications.POST("/inbox/read", { params: { header: { "Idempotency-Key": crypto.randomUUID() } }, body }));
    await client.invalidateQueries({ queryKey: ["notifications"] });
  };
  const positions = inbox.data?.pages[0]?.positions;
  return (
    <Page
      title={text.inbox}
      actions={
        <Button isDisabled={!positions || !notices.some((notice) => notice.unread)} onPress={() => positions && void read({ up_to: positions })}>
          {text.markAll}
        </Button>
      }
    >
      <div className="row">
        <Choice
          label={text.kind}
          value={kind}
          onChange={(chosen) => setKind(chosen as Notice["kind"] | typeof ALL)}
          options={[{ id: ALL, name: text.allKinds }, ...Object.entries(text.kinds).map(([id, said]) => ({ id, name: said }))]}
        />
        <Checkbox label={text.unreadOnly} checked={unread} onChange={setUnread} />
      </div>
      <Loaded query={inbox} lines={8}>
        {() =>
          notices.length === 0 ? (
            <Empty title={text.noNotices}>{text.noNoticesWhy}</Empty>
          ) : (
            <div className="panel">
              {notices.map((notice) => (
                <Line key={notice.id} notice={notice} name={name} onRead={() => void read({ ids: [notice.id] })} />
              ))}
            </div>
          )
        }
      </Loaded>
      {inbox.hasNextPage && (
        <div>
          <Button isDisabled={inbox.isFetchingNextPage} onPress={() => void inbox.fetchNextPage()}>
            {text.more}
          </Button>
        </div>
      )}
    </Page>
  );
}

function Line({ notice, name, onRead }: { notice: Notice; name: (id: string) => string; onRead: () => void }) {
  const me = useSignedIn();
  const teaches = rolesOf(me).has("teacher") || rolesOf(me).has("workshop_instructor");
  const teacher = teacherIn(notice);
  const said = text.noticeOf[notice.kind]?.(inWords(notice.data));
  const where = [
    notice.discipline?.title,
    notice.lesson?.date && notice.lesson.pair && text.lessonOn(day(notice.lesson.date, "short"), notice.lesson.pair),
    teacher && text.teacherWill(name(teacher)),
    typeof notice.data["reason"] === "string" && text.because(reasonOf(notice.data["reason"])),
  ].filter(Boolean);
  const own = notice.student === me.person.id || me.children.some((child) => child.id === notice.student);
  const to = notice.student && own ? `/card/${notice.student}` : notice.page && teaches ? `/journal/${notice.page}` : undefined;
  return (
    <article className={`family-notice ${notice.unread ? "unread" : ""} ${notice.withdrawn ? "gone" : ""}`}>
      <span className="dot" aria-hidden="true" />
      <div>
        <p className="said">
          {to ? <Link to={to}>{notice.text}</Link> : notice.text}
          {said && `: ${said}`}
        </p>
        <p className="small soft">{[notice.student && name(notice.student), ...where].filter(Boolean).join(" · ")}</p>
        <p className="row small soft">
          {instant(notice.at)}
          {notice.unread && <Badge kind="info">{text.notRead}</Badge>}
          {notice.withdrawn && <Badge kind="warn">{text.withdrawn}</Badge>}
          {notice.own && <Badge>{text.own}</Badge>}
        </p>
      </div>
      {notice.unread && (
        <Button kind="quiet" small onPress={onRead}>
          {text.markOne}
        </Button>
      )}
    </article>
  );
}

const teacherIn = (notice: Notice) => (notice.kind === "substituted" && typeof notice.data["teacher"] === "string" ? notice.data["teacher"] : null);

const reasonOf = (code: string) => (code in words.reason ? word(words.reason, code) : word(words.changeReason, code));

/** Values and days of a notice as they are read. */
function inWords(data: Record<string, unknown>): NoticeData {
  const value = (key: string) => (typeof data[key] === "string" ? word(words.value, data[key]) : undefined);
  const date = (key: string) => (typeof data[key] === "string" ? day(data[key], "short") : undefined);
  return {
    value: value("value"),
    old: value("old"),
    hours: data["hours"] as number | undefined,
    late: data["late"] as number | boolean | undefined,
    left_early: data["left_early"] as number | boolean | undefined,
    from: date("from_date") ?? date("starts_on"),
    to: date("date") ?? date("ends_on"),
  };
}
