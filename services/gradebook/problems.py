"""Why the grade book refuses: one class per broken rule, each naming rule, clause and next step.

`rule` is the id of the rule in the regulation's terms of this product (G1 … G10); it goes into the document.
"""

from typing import Any, ClassVar

from services.kit.problems import Problem, Text


class Refused(Problem):
    """Base: a command or a recorded event breaks a rule."""

    rule: ClassVar[str] = ""
    status: ClassVar[int] = 409

    def document(self, language: str) -> dict[str, Any]:
        return {**super().document(language), **({"rule": self.rule} if self.rule else {})}


class NotYourLesson(Refused):
    code, status, rule, clause = "not-your-lesson", 403, "G1", "R 4.4.1"
    title = Text("Это не ваше занятие", "Not your lesson")
    detail = Text(
        "Занятие, отметки и посещаемость записывает преподаватель этой нагрузки или назначенная замена.",
        "Lesson, grades and attendance are written by the teacher of the assignment or by the lesson's substitute.",
    )
    next = Text("Попросите учебную часть оформить замену.", "Ask the study office for a substitution.")


class NotResponsible(Refused):
    code, status, rule, clause = "not-responsible", 403, "G1", "R 4.4.1"
    title = Text("Итоги выставляет ответственный преподаватель", "Finals belong to the responsible teacher")
    detail = Text(
        "Вы не ответственный преподаватель этой страницы.", "You are not the responsible teacher of this page."
    )
    next = Text("Обратитесь к ответственному преподавателю.", "Ask the responsible teacher.")


class DeputyOnly(Refused):
    code, status, rule = "deputy-only", 403, "G2"
    title = Text("Нужно решение заместителя директора", "The deputy director decides this")
    detail = Text(
        "Разрешения и закрытие периода — дело заместителя директора или директора.",
        "Permissions and closing are for the deputy director or the director.",
    )
    next = Text("Обратитесь к заместителю директора по ООД.", "Ask the deputy director.")


class OwnPage(Refused):
    code, status, rule = "own-page", 403, "G2"
    title = Text("Это ваша собственная страница", "This is your own page")
    detail = Text("По своей странице разрешения даёт директор.", "For one's own page the director gives permissions.")
    next = Text("Обратитесь к директору.", "Ask the director.")


class KeeperOnly(Refused):
    code, status, rule = "keeper-only", 403, "G1"
    title = Text("Такие сведения переносит сама система", "Only the system copies such facts")
    detail = Text(
        "Состав группы, нагрузка и календарь приходят из других служб.",
        "Roster, load and calendar come from the other services.",
    )
    next = Text("Измените их там, где они ведутся.", "Change them where they are kept.")


class PageClosed(Refused):
    code, rule, clause = "page-closed", "G2", "R 4.4.1"
    title = Text("Период закрыт", "The period is closed")
    detail = Text("После закрытия периода страница не изменяется.", "After the close the page does not change.")
    next = Text("Подайте акт исправления.", "Request a correction act.")


class FinalStands(Refused):
    code, rule, clause = "final-stands", "G2", "R 4.4.1"
    title = Text("Итоговая оценка уже выставлена", "The final is already set")
    detail = Text(
        "После итоговой отметки этого студента за период не меняются.",
        "After the final the student's grades of the period do not change.",
    )
    next = Text(
        "Отзовите итоговую с причиной до срока; позже — акт исправления.",
        "Withdraw the final with a reason before the deadline; later by a correction act.",
    )


class NoFinal(Refused):
    code, rule = "no-final", "G2"
    title = Text("Итоговой оценки нет", "There is no final")
    detail = Text("Отзывать нечего.", "There is nothing to withdraw.")
    next = Text("Обновите страницу.", "Reload the page.")


class PageUnfinished(Refused):
    code, rule, clause = "page-unfinished", "G2", "R 4.4.1"
    title = Text("Страница не завершена", "The page is not finished")
    detail = Text(
        "Без итоговой: {missing}; открытых долгов «.»: {debts}.", "Without a final: {missing}; open debts: {debts}."
    )
    next = Text(
        "Завершите страницу или закройте её принудительно с причиной.",
        "Finish the page, or force the close with a reason.",
    )


class DebtOpen(Refused):
    code, rule, clause = "debt-open", "G2", "R 5.1"
    title = Text("Есть открытый долг «.»", "A debt is open")
    detail = Text(
        "У студента есть работа с точкой, которая ещё не заменена отметкой.",
        "The student has a dot that no grade has replaced yet.",
    )
    next = Text("Замените точку отметкой или выставьте н/а.", "Replace the dot by a grade, or set n/a.")


class TooFewGrades(Refused):
    code, rule, clause = "too-few-grades", "G3", "R 5.2"
    title = Text("Отметок недостаточно", "Too few grades")
    detail = Text(
        "Отметок {count} из {needed}, из них за письменные и практические {substantial} из {substantial_needed}.",
        "There are {count} of {needed} grades; written, laboratory, practical {substantial} of {substantial_needed}.",
    )
    next = Text(
        "Добавьте отметки, выставьте н/а или попросите разрешение заместителя директора.",
        "Add grades, set n/a, or ask the deputy director for a waiver.",
    )


class NotInScale(Refused):
    code, rule, clause = "not-in-scale", "G3", "R 5.1"
    title = Text("Итог не из этой шкалы", "This final is not possible here")
    detail = Text(
        "Для «осв» и «перезачтено» нужен номер приказа, для «перезачтено» ещё и исходная оценка.",
        "Exempt and credited need an order number, credited also the source grade.",
    )
    next = Text("Укажите приказ.", "Name the order.")


class FinalTooEarly(Refused):
    code, rule, clause = "final-too-early", "G4", "R 4.4.5"
    title = Text("Итоговые выставлять рано", "Too early for finals")
    detail = Text(
        "Итоговые выставляются с {opens} по {deadline} включительно.", "Finals are set from {opens} to {deadline}."
    )
    next = Text("Выставьте итоговую в этот срок.", "Set the final in these days.")


class FinalTooLate(Refused):
    code, rule, clause = "final-too-late", "G4", "R 5.3"
    title = Text("Срок итоговых прошёл", "The deadline for finals has passed")
    detail = Text("Последним днём было {deadline}.", "The last day was {deadline}.")
    next = Text(
        "Попросите разрешение заместителя директора; отозвать итоговую можно только актом исправления.",
        "Ask the deputy director for permission; a final is withdrawn only by a correction act.",
    )


class DeviationUnexplained(Refused):
    code, rule, clause = "deviation-unexplained", "G5", "R 5.1"
    title = Text("Итог расходится со средним", "The final departs from the mean")
    detail = Text(
        "Средневзвешенный балл {mean}, а итог {value}: нужна причина.",
        "The weighted mean is {mean} and the final {value}: a reason is needed.",
    )
    next = Text("Выберите причину.", "Choose a reason.")


class EntryLimitPassed(Refused):
    code, rule, clause = "entry-limit-passed", "G7", "R 8.4"
    title = Text("Срок записи прошёл", "The entry limit has passed")
    detail = Text(
        "Занятие было {date}; записи принимаются {limit} дн.",
        "The lesson was on {date}; entries are taken for {limit} days.",
    )
    next = Text("Попросите заместителя директора открыть занятие.", "Ask the deputy director to unlock the lesson.")


class InFuture(Refused):
    code, rule, clause = "lesson-in-future", "G8", "R 8.4"
    title = Text("Занятие ещё не наступило", "The lesson is in the future")
    detail = Text("Дата {date} позже сегодняшней.", "The date {date} is after today.")
    next = Text("Запишите его в день занятия.", "Enter it on its day.")


class NotEnrolled(Refused):
    code, rule, clause = "not-enrolled", "G8", "R 8.5"
    title = Text("Студент не учился здесь в этот день", "Not enrolled that day")
    detail = Text(
        "На {date} студента нет в составе этой страницы или подгруппы занятия.",
        "On {date} the student is not on this page or not in the lesson's subgroup.",
    )
    next = Text("Проверьте состав группы у куратора.", "Check the roster with the curator.")


class AbsentThen(Refused):
    code, rule, clause = "absent-then", "G8", "R 8.4"
    title = Text("Студент отсутствовал", "The student was absent")
    detail = Text(
        "Рядом с «н» отметка ставится только как отработка со своей датой.",
        "Beside an absence a grade is only a make-up with its own date.",
    )
    next = Text("Укажите день отработки.", "Give the day of the make-up.")


class NotMakeup(Refused):
    code, rule, clause = "not-a-makeup", "G8", "R 8.4"
    title = Text("Это не отработка", "Not a make-up")
    detail = Text(
        "День отработки указывают при пропуске или пересдаче; он не раньше занятия и не позже сегодняшнего дня.",
        "A make-up day goes with an absence or a retake; it is not before the lesson and not after today.",
    )
    next = Text("Исправьте или уберите день отработки.", "Correct or remove the make-up day.")


class BesideGrade(Refused):
    code, rule, clause = "beside-grade", "G8", "R 8.4"
    title = Text("У студента есть отметка за это занятие", "The student has a grade of that lesson")
    detail = Text(
        "Нельзя отметить отсутствие рядом с отметкой, которая не отработка.",
        "An absence cannot stand beside a grade that is not a make-up.",
    )
    next = Text("Сначала уберите отметку.", "Remove the grade first.")


class ReasonNeeded(Refused):
    code, rule, clause = "reason-needed", "G9", "R 4.3.7"
    title = Text("Нужна причина", "A reason is needed")
    detail = Text("Исправление записанного требует причины.", "Correcting what was recorded needs a reason.")
    next = Text("Выберите причину из списка.", "Choose a reason from the list.")


class NothingToUndo(Refused):
    code, rule, clause = "nothing-to-undo", "G9", "R 4.3.7"
    title = Text("Отменять нечего", "Nothing to undo")
    detail = Text(
        "Ваших действий за последние {minutes} мин. здесь нет.",
        "You did nothing here in the last {minutes} minutes.",
    )
    next = Text("Исправьте запись с причиной.", "Correct the entry with a reason.")


class UndoOvertaken(Refused):
    code, rule, clause = "undo-overtaken", "G9", "R 4.3.7"
    title = Text("После вас здесь уже писали", "Somebody wrote after you")
    detail = Text("Отменяемое место изменилось позже вашего действия.", "The place changed after your action.")
    next = Text("Исправьте запись с причиной.", "Correct the entry with a reason.")


class GradeCarried(Refused):
    code, rule, clause = "grade-carried", "G10", "R 4.4.1"
    title = Text("Отметка перенесена", "The grade was carried over")
    detail = Text("Перенесённые отметки только читают.", "Carried grades are read-only.")
    next = Text("Изменяет их прежняя страница.", "Only the old page changes them.")


class GradeUnknown(Refused):
    code, rule = "grade-unknown", "G9"
    title = Text("Такой отметки в клетке нет", "No such grade in the cell")
    detail = Text("Отметка {grade} не найдена в этой клетке.", "Grade {grade} is not in this cell.")
    next = Text("Обновите клетку и повторите.", "Reload the cell and try again.")


class OutsideAssignment(Refused):
    code, rule, clause = "outside-assignment", "G1", "R 4.4.1"
    title = Text("Занятие вне нагрузки", "Outside the assignment")
    detail = Text(
        "Дата {date} или вид занятия не входят в период страницы или нагрузку.",
        "The date {date} or the kind of lesson is outside the page's period or the assignment.",
    )
    next = Text("Проверьте дату, вид и нагрузку.", "Check date, kind and assignment.")


class HoursWrong(Refused):
    code, rule, clause = "hours-wrong", "G8", "R 8.4"
    title = Text("Часы не сходятся", "The hours do not fit")
    detail = Text(
        "Пропущено больше часов или минут, чем длилось занятие, либо студент указан дважды.",
        "More hours or minutes are missed than the lesson lasted, or a student is listed twice.",
    )
    next = Text("Исправьте часы.", "Correct the hours.")


class OnlyFinalsHere(Refused):
    code, rule = "only-finals-here", "G1"
    title = Text("На этой странице нет занятий", "This page has no lessons")
    detail = Text("Страница года берёт итоги периодов.", "A year page takes the finals of its periods.")
    next = Text("Запишите занятие на странице периода.", "Enter the lesson on the period's page.")


class NotYourStudent(Refused):
    code, status, rule, clause = "not-your-student", 403, "G1", "R 4.3.1"
    title = Text("Это не ваш студент", "Not your student")
    detail = Text(
        "Об отсутствии сообщает семья, а причину определяет куратор группы.",
        "An absence is announced by the family and classified by the group's curator.",
    )
    next = Text("Обратитесь к куратору группы.", "Ask the group's curator.")


class DatesWrong(Refused):
    code = "dates-wrong"
    title = Text("Даты не сходятся", "The dates do not fit")
    detail = Text("Конец раньше начала или срок слишком велик.", "The end is before the start, or it is too long.")
    next = Text("Исправьте даты.", "Correct the dates.")


class Contradiction(Refused):
    code, rule = "contradiction", "G9"
    title = Text("Событие не продолжает состояние", "The event does not continue the state")
    detail = Text("Не совпадает: {what}.", "Does not match: {what}.")
    next = Text("Обновите страницу и повторите.", "Reload the page and try again.")


class BulkRefused(Refused):
    """Nothing of the bulk was written. `items`: (what the item names, its problem)."""

    code = "bulk-refused"
    title = Text("Ничего не записано", "Nothing was written")
    detail = Text("Отказано в {count} из {total} строк.", "{count} of {total} items were refused.")
    next = Text("Исправьте перечисленное и повторите всё.", "Correct the listed items and send all again.")

    def __init__(self, items: list[tuple[dict[str, Any], Problem]], total: int) -> None:
        super().__init__(count=len(items), total=total)
        self.items = items

    def document(self, language: str) -> dict[str, Any]:
        refused = [{**named, "problem": problem.document(language)} for named, problem in self.items]
        return {**super().document(language), "items": refused}
