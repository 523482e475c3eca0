"""Kafka's topics: their copies, their settings, how far each is behind its log. Nothing is made or altered."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from services.checkup.finding import LAG_FAIL, LAG_WARN, NOTHING, Finding, graded
from services.kit.problems import Text
from services.kit.settings import Settings
from services.store import LOGS

if TYPE_CHECKING:
    from services.kit.bus.kafka import Topic

READ_RELAY = Text("Смотрите журнал работы relay.", "Read the relay's log.")
MAKE_ANEW = Text(
    "Удалите тему: relay создаст её заново, ничего не теряется. Или переназначьте её раздел.",
    "Delete the topic: the relay makes it anew and nothing is lost. Or reassign its partition.",
)


async def look(settings: Settings, heads: Mapping[str, int]) -> list[Finding]:
    """All findings about topics. heads: the last position of each log that is known."""
    from services.kit.bus.clients import LOST  # only where there is Kafka
    from services.kit.bus.kafka import KafkaBus

    bus, found = KafkaBus.of(settings), list[Finding]()
    try:
        for log in LOGS:
            topic = await bus.look(log)
            if topic is None:
                found.append(_absent(log, heads.get(log, 0)))
                continue
            found += [copies(log, topic, settings), configuration(log, topic)]
            if log in heads:
                last = await bus.last(log, make=False)
                found.append(_lag(log, heads[log], None if last is None else last.position))
    except LOST as lost:
        seen = Text(f"нет связи: {type(lost).__name__}", f"cannot be reached: {type(lost).__name__}")
        following = Text("Проверьте брокеры и ZHURNAL_KAFKA.", "Check the brokers and ZHURNAL_KAFKA.")
        found.append(Finding("kafka", "fail", seen, following))
    finally:
        await bus.close()
    return found


def copies(log: str, topic: "Topic", settings: Settings) -> Finding:
    """Whether the topic has the copies that the settings ask for, and all of them are up to date now."""
    part, asked, least = f"copies of topic {log}", settings.kafka_replication, settings.kafka_min_insync
    kept, now = topic.copies, topic.in_sync
    seen = Text(f"свежих копий {now} из {kept}", f"{now} of {kept} copies are in sync")
    if topic.partitions != 1:
        n = topic.partitions
        return Finding(part, "fail", Text(f"разделов {n}, а не 1", f"{n} partitions, not 1"), MAKE_ANEW)
    if kept < asked:
        seen = Text(f"копий {kept}, а настроено {asked}", f"{kept} copies, {asked} are asked for")
        return Finding(part, "fail", seen, MAKE_ANEW)
    if now < least:
        return Finding(
            part,
            "fail",
            Text(
                f"свежих копий {now} из {kept}, нужно {least}", f"{now} of {kept} copies are in sync, needed: {least}"
            ),
            Text(
                "Верните брокеры: до тех пор ничего не публикуется, записи принимаются.",
                "Bring the brokers back: nothing is published until then; changes are taken.",
            ),
        )
    if now < kept:
        return Finding(part, "warn", seen, Text("Верните недостающий брокер.", "Bring the missing broker back."))
    return Finding(part, "ok", seen)


def configuration(log: str, topic: "Topic") -> Finding:
    """Whether retention, the least copies of a publish and the rest are as the settings ask."""
    part = f"settings of topic {log}"
    if topic.differing is None:
        seen = Text("читать их не разрешено", "may not be read")
        return Finding(part, "warn", seen, Text("Разрешите DescribeConfigs.", "Allow DescribeConfigs."))
    if not topic.differing:
        return Finding(part, "ok", Text("как настроено", "as configured"))
    ru = ", ".join(f"{name} {now}, а не {asked}" for name, (now, asked) in topic.differing.items())
    en = ", ".join(f"{name} is {now}, not {asked}" for name, (now, asked) in topic.differing.items())
    return Finding(
        part,
        "fail" if "min.insync.replicas" in topic.differing else "warn",
        Text(ru, en),
        Text(
            f"Проверьте ZHURNAL_KAFKA_… и перезапустите {log}.relay: он приводит тему к настройкам.",
            f"Check ZHURNAL_KAFKA_… and restart {log}.relay: it brings the topic to the settings.",
        ),
    )


def _absent(log: str, head: int) -> Finding:
    seen = Text("темы ещё нет", "there is no topic yet")
    return Finding(f"topic {log}", "warn" if head else "ok", seen, READ_RELAY if head else NOTHING)


def _lag(log: str, head: int, position: int | None) -> Finding:
    if position is None:
        seen = Text("в теме пока ничего нет", "the topic holds nothing yet")
        return Finding(f"topic {log}", "warn" if head else "ok", seen, READ_RELAY if head else NOTHING)
    lag = head - position
    state = "fail" if lag < 0 else graded(lag, LAG_WARN, LAG_FAIL)
    seen = Text(f"отстаёт на {lag} событий", f"{lag} events behind")
    return Finding(f"topic {log}", state, seen, NOTHING if state == "ok" else READ_RELAY)
