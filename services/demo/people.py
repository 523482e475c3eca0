"""Invented people: names put together by chance from common ones, e-mail at example.org, telephone numbers that no
network has given out. Whoever is called like that in real life is not meant.
"""

from datetime import date, timedelta
from random import Random
from typing import Final, NamedTuple


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


FAMILIES: Final = _words(
    "Абрамов Алексеев Андреев Антонов Афанасьев Баранов Белов Беляев Богданов Борисов Быков Васильев Виноградов Власов "
    "Волков Воробьёв Герасимов Голубев Громов Гусев Давыдов Данилов Денисов Дмитриев Егоров Ершов Ефимов Жданов Жуков "
    "Зайцев Захаров Игнатов Ильин Исаев Калинин Киселёв Климов Ковалёв Колесов Комаров Кондратьев Королёв Крылов "
    "Кудрявцев Кузьмин Лебедев Логинов Макаров Максимов Мартынов Медведев Миронов Назаров Никитин Осипов Панов Петухов "
    "Поляков Попов Родионов Романов Савельев Семёнов Сорокин Степанов Тарасов Титов Трофимов Фадеев Фёдоров Филатов "
    "Фролов Чернов Щербаков Яковлев"
)
MEN: Final = _words(
    "Александр Алексей Андрей Антон Артём Борис Вадим Василий Виктор Григорий Даниил Денис Дмитрий Егор Иван Игорь "
    "Кирилл Константин Максим Матвей Михаил Никита Николай Олег Павел Роман Семён Сергей Степан Тимофей"
)
WOMEN: Final = _words(
    "Алина Алла Анастасия Анна Валерия Варвара Вера Вероника Виктория Галина Дарья Евгения Екатерина Елена Ирина "
    "Кристина Ксения Лариса Любовь Людмила Марина Мария Надежда Наталья Ольга Полина Светлана София Татьяна Юлия"
)
FATHERS: Final = (
    ("Александр", "Александрович", "Александровна"),
    ("Алексей", "Алексеевич", "Алексеевна"),
    ("Андрей", "Андреевич", "Андреевна"),
    ("Виктор", "Викторович", "Викторовна"),
    ("Владимир", "Владимирович", "Владимировна"),
    ("Дмитрий", "Дмитриевич", "Дмитриевна"),
    ("Евгений", "Евгеньевич", "Евгеньевна"),
    ("Иван", "Иванович", "Ивановна"),
    ("Михаил", "Михайлович", "Михайловна"),
    ("Николай", "Николаевич", "Николаевна"),
    ("Олег", "Олегович", "Олеговна"),
    ("Павел", "Павлович", "Павловна"),
    ("Роман", "Романович", "Романовна"),
    ("Сергей", "Сергеевич", "Сергеевна"),
    ("Юрий", "Юрьевич", "Юрьевна"),
)


class Person(NamedTuple):
    """`key` is unique in a plan. `father`: the first name that the middle name comes of."""

    key: str
    family: str
    given: str
    middle: str
    born: date
    female: bool
    father: str
    number: int

    @property
    def email(self) -> str:
        return f"{self.key}@example.org"

    @property
    def phone(self) -> str:
        """The area code 000 is nobody's."""
        return f"+7 000 {self.number // 10000 % 1000:03}-{self.number // 100 % 100:02}-{self.number % 100:02}"

    @property
    def short(self) -> str:
        return f"{self.family} {self.given[0]}. {self.middle[0]}."


class Registry:
    """Makes people one after another, the same for the same seed."""

    def __init__(self, random: Random) -> None:
        self._random, self.people = random, dict[str, Person]()

    def adult(self, key: str, today: date, female: bool | None = None) -> Person:
        """Somebody of 28 to 62 years."""
        return self._new(key, today - timedelta(days=self._random.randint(28 * 365, 62 * 365)), female)

    def student(self, key: str, born: date, family: str | None = None, father: str | None = None) -> Person:
        """family, father: those of a brother or sister."""
        return self._new(key, born, None, family, father)

    def parent(self, key: str, child: Person, today: date, female: bool) -> Person:
        """A parent bears the child's family name; a father, his first name."""
        born = child.born - timedelta(days=self._random.randint(21 * 365, 38 * 365))
        parent = self._new(key, born, female, _masculine(child))
        if not female:
            parent = parent._replace(given=child.father)
        self.people[key] = parent
        return parent

    def _new(
        self, key: str, born: date, female: bool | None, family: str | None = None, father: str | None = None
    ) -> Person:
        pick = self._random.choice
        if female is None:
            female = self._random.random() < 0.45
        family = family or pick(FAMILIES)
        name, son, daughter = next((f for f in FATHERS if f[0] == father), None) or pick(FATHERS)
        person = Person(
            key,
            family + "а" if female else family,
            pick(WOMEN if female else MEN),
            daughter if female else son,
            born,
            female,
            name,
            len(self.people) + 1,
        )
        self.people[key] = person
        return person


def _masculine(person: Person) -> str:
    return person.family[:-1] if person.female else person.family
