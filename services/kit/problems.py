"""Errors as part of the product: RFC 9457 problems, each a class with one status, one page and two languages.

A subclass states `code`, `status`, `clause` (of the regulation, may be empty) and, in Russian and English, what
happened (`title`), why (`detail`, with {named} parameters) and the next step (`next`). Extra members of an instance
go into the document as they are. The page of a problem is GET /problems/{code}.
"""

from collections.abc import Iterator
from typing import Any, ClassVar, NamedTuple

MEDIA_TYPE = "application/problem+json"


class Text(NamedTuple):
    """One sentence in Russian and in English."""

    ru: str
    en: str

    def say(self, language: str, **params: object) -> str:
        """The sentence in `language`, with {named} parameters; those that are texts are said in it too."""
        said = {name: p.say(language) if isinstance(p, Text) else p for name, p in params.items()}
        return (self.en if language == "en" else self.ru).format(**said)


class Problem(Exception):
    """Base of all problems. Keyword arguments fill the texts; `extra` members go into the document."""

    code: ClassVar[str]
    status: ClassVar[int]
    title: ClassVar[Text]
    detail: ClassVar[Text]
    next: ClassVar[Text]
    clause: ClassVar[str] = ""

    def __init__(self, *, extra: dict[str, Any] | None = None, **params: object) -> None:
        super().__init__(self.code)
        self.params, self.extra = params, extra or {}

    def __str__(self) -> str:
        return f"{self.code}: {self.detail.say('en', **self.params)}"

    def document(self, language: str) -> dict[str, Any]:
        """The members of the problem document in `language` ("ru" or "en")."""
        clause = {"clause": self.clause} if self.clause else {}
        return {
            "type": f"/problems/{self.code}",
            "code": self.code,
            "status": self.status,
            "title": self.title.say(language, **self.params),
            "detail": self.detail.say(language, **self.params),
            "next": self.next.say(language, **self.params),
            **clause,
            **self.extra,
        }


def catalogue(base: type[Problem] = Problem) -> Iterator[type[Problem]]:
    """Every problem class that is loaded, for the pages and the tests."""
    for cls in base.__subclasses__():
        if "code" in vars(cls):
            yield cls
        yield from catalogue(cls)


class Malformed(Problem):
    code, status = "malformed", 422
    title = Text("Запрос не разобран", "The request could not be read")
    detail = Text("Ошибки в данных: {what}.", "Errors in the data: {what}.")
    next = Text("Исправьте указанные поля и повторите.", "Correct the named fields and send again.")


class BadRequest(Problem):
    code, status = "bad-request", 400
    title = Text("Запрос составлен неверно", "The request is not put right")
    detail = Text(
        "Адрес или заголовки запроса нарушают правила HTTP или содержат недопустимые знаки.",
        "Its address or headers break the rules of HTTP, or hold characters that are not taken.",
    )
    next = Text("Исправьте адрес и заголовки и повторите.", "Correct address and headers and send again.")


class TooLarge(Problem):
    code, status = "too-large", 413
    title = Text("Запрос слишком велик", "The request is too large")
    detail = Text("Допустимо не более {limit} байт.", "At most {limit} bytes are accepted.")
    next = Text("Разделите данные на части.", "Split the data.")


class WrongMediaType(Problem):
    code, status = "wrong-media-type", 415
    title = Text("Неподходящий тип данных", "Unsupported media type")
    detail = Text("Тело запроса должно быть application/json.", "The body must be application/json.")
    next = Text("Укажите Content-Type: application/json.", "Send Content-Type: application/json.")


class NotFound(Problem):
    code, status = "not-found", 404
    title = Text("Не найдено", "Not found")
    detail = Text("Такого объекта нет или он вам недоступен.", "There is no such object, or it is not yours to see.")
    next = Text("Проверьте ссылку или вернитесь к списку.", "Check the link or go back to the list.")


class MethodNotAllowed(Problem):
    code, status = "method-not-allowed", 405
    title = Text("Действие здесь невозможно", "Method not allowed")
    detail = Text("Этот адрес не принимает такой метод.", "This address does not take that method.")
    next = Text("Смотрите описание API.", "See the API description.")


class Unauthenticated(Problem):
    code, status = "unauthenticated", 401
    title = Text("Нужен вход", "Sign-in required")
    detail = Text("Сеанс не открыт или уже окончен.", "There is no session, or it has ended.")
    next = Text("Войдите в журнал и повторите.", "Sign in and try again.")


class Forbidden(Problem):
    code, status = "forbidden", 403
    title = Text("Недостаточно прав", "Not allowed")
    detail = Text("Это действие не входит в ваши роли.", "None of your roles may do this.")
    next = Text("Обратитесь к администратору журнала.", "Ask the journal administrator.")


class ForeignOrigin(Problem):
    code, status = "foreign-origin", 403
    title = Text("Запрос с чужой страницы", "Request from another site")
    detail = Text(
        "Изменения принимаются только со страниц журнала, с заголовком X-Zhurnal: 1.",
        "Changes are taken only from the journal's own pages, with the header X-Zhurnal: 1.",
    )
    next = Text("Откройте журнал по его адресу и повторите.", "Open the journal at its own address and try again.")


class KeyMissing(Problem):
    code, status = "idempotency-key-missing", 400
    title = Text("Нет ключа повтора", "Idempotency-Key is missing")
    detail = Text(
        "Каждая запись несёт заголовок Idempotency-Key (от 8 до 128 печатных знаков).",
        "Every change carries an Idempotency-Key header (8 to 128 printable characters).",
    )
    next = Text("Создайте новый ключ на каждое действие.", "Make a new key for each action.")


class KeyReused(Problem):
    code, status = "idempotency-key-reused", 422
    title = Text("Ключ повтора уже использован", "Idempotency-Key was used before")
    detail = Text("С этим ключом уже записано другое действие.", "Another action was already recorded under this key.")
    next = Text("Создайте новый ключ.", "Make a new key.")


class PreconditionRequired(Problem):
    code, status = "precondition-required", 428
    title = Text("Не указана исходная версия", "The version you change is not named")
    detail = Text(
        "Запись заменяет данные, поэтому нужен If-Match с их меткой (или If-None-Match: * для пустого места).",
        "This overwrites data: send If-Match with its tag, or If-None-Match: * for an empty place.",
    )
    next = Text("Возьмите метку из поля etag и повторите.", "Take the tag from the member etag and send again.")


class PreconditionFailed(Problem):
    code, status = "precondition-failed", 412
    title = Text("Данные уже изменились", "The data has changed meanwhile")
    detail = Text(
        "Пока вы вводили, здесь записали другое значение; оно приложено.",
        "Somebody wrote another value meanwhile; it is attached.",
    )
    next = Text("Сравните оба значения и выберите верное.", "Compare both values and choose the right one.")


class Busy(Problem):
    code, status = "busy", 503
    title = Text("Слишком много одновременных записей", "Too many writers at once")
    detail = Text("Запись не выполнена, ничего не изменилось.", "Nothing was written.")
    next = Text("Повторите с тем же ключом.", "Send again with the same key.")


class OutcomeUnclear(Problem):
    code, status = "outcome-unclear", 503
    title = Text("Неизвестно, записано ли", "It is not known whether this was written")
    detail = Text("Связь с хранилищем прервалась во время записи.", "The store was lost in the middle of the write.")
    next = Text(
        "Повторите с тем же ключом: дважды не запишется.", "Send again with the same key: it is never written twice."
    )


class TooManyRequests(Problem):
    code, status = "too-many-requests", 429
    title = Text("Слишком много запросов", "Too many requests")
    detail = Text("С этого адреса запросы идут чаще, чем принимаются.", "This address asks more often than is taken.")
    next = Text("Подождите секунду и повторите с тем же ключом.", "Wait a second and send again with the same key.")


class Unavailable(Problem):
    code, status = "unavailable", 503
    title = Text("Служба сейчас не отвечает", "The service does not answer at the moment")
    detail = Text(
        "Журнал запускается, обновляется или перегружен.", "The journal is starting, upgrading or overloaded."
    )
    next = Text(
        "Повторите через несколько секунд; запись — с тем же ключом.",
        "Try again in a few seconds; a change with the same key.",
    )


class StoreUnavailable(Problem):
    code, status = "store-unavailable", 503
    title = Text("Хранилище недоступно", "The store cannot be reached")
    detail = Text("База данных сейчас не отвечает.", "The database does not answer at the moment.")
    next = Text(
        "Повторите через несколько секунд; запись — с тем же ключом.",
        "Try again in a few seconds; a change with the same key.",
    )


class Behind(Problem):
    code, status = "behind", 503
    title = Text("Данные ещё обновляются", "The data is still catching up")
    detail = Text("Нужное изменение сюда ещё не дошло.", "The change asked for has not arrived here yet.")
    next = Text("Повторите через секунду.", "Try again in a second.")


class RightsUnknown(Problem):
    code, status = "rights-unknown", 503
    title = Text("Сейчас права проверить нельзя", "Rights cannot be checked for the moment")
    detail = Text(
        "Служба учётных записей не отвечает дольше 5 секунд.",
        "The identity service has been silent for over 5 seconds.",
    )
    next = Text("Сохраните введённое у себя и повторите позже.", "Try again later; keep what you entered.")


class TimedOut(Problem):
    code, status = "timed-out", 504
    title = Text("Ответ не получен вовремя", "No answer in time")
    detail = Text("Запрос прерван по времени.", "The request ran out of time.")
    next = Text("Повторите с тем же ключом.", "Send again with the same key.")


class Internal(Problem):
    code, status = "internal", 500
    title = Text("Внутренняя ошибка", "Internal error")
    detail = Text("Это наша ошибка; она записана под номером {trace}.", "This is our fault; it is recorded as {trace}.")
    next = Text("Сообщите номер администратору журнала.", "Give the number to the journal administrator.")
