"""What identity refuses, in Russian and English, with clause and next step."""

from services.kit.problems import Problem, Text


class SignInRefused(Problem):
    code, status = "sign-in-refused", 401
    title = Text("Вход не выполнен", "Sign-in refused")
    detail = Text("Логин или пароль не подходят, либо вход закрыт.", "Wrong login or password, or sign-in is closed.")
    next = Text(
        "Проверьте раскладку; если пароль забыт, попросите новый код у куратора или администратора.",
        "Check the keyboard layout; for a forgotten password ask the curator or the administrator for a new code.",
    )


class TooManyTries(Problem):
    code, status = "too-many-tries", 429
    title = Text("Слишком много попыток", "Too many tries")
    detail = Text("Следующая попытка возможна через {seconds} с.", "The next try is possible in {seconds} s.")
    next = Text("Подождите и повторите.", "Wait and try again.")


class DemoFromElsewhere(Problem):
    code, status = "demo-from-elsewhere", 403
    title = Text("Демонстрационный вход только с этого компьютера", "Demo accounts sign in from this machine only")
    detail = Text(
        "Учётная запись создана для показа и не принимает вход по сети.",
        "The account is made for demonstration and takes no sign-in over a network.",
    )
    next = Text("Откройте журнал на том же компьютере.", "Open the journal on the same machine.")


class PasswordWeak(Problem):
    code, status = "password-weak", 422
    title = Text("Пароль не подходит", "The password will not do")
    detail = Text(
        "Нужно от {least} до {most} знаков, и пароль не должен быть распространённым, повтором или логином.",
        "It takes {least} to {most} characters and must not be a common one, a repetition or the login.",
    )
    next = Text(
        "Возьмите несколько не связанных слов; прописные буквы и цифры не обязательны.",
        "Take several unrelated words; capitals and digits are not required.",
    )


class PasswordNotChanged(Problem):
    code, status = "password-not-changed", 403
    title = Text("Пароль не изменён", "The password was not changed")
    detail = Text("Текущий пароль не подходит.", "The current password does not fit.")
    next = Text(
        "Проверьте раскладку; если пароль забыт, попросите новый код у куратора или администратора.",
        "Check the keyboard layout; for a forgotten password ask the curator or the administrator for a new code.",
    )


class CodeMistyped(Problem):
    code, status = "code-mistyped", 422
    title = Text("Код введён с ошибкой", "The code is mistyped")
    detail = Text(
        "Контрольный знак не сходится; попытка не засчитана.", "The check symbol does not fit; no try was counted."
    )
    next = Text("Сверьте код с листком.", "Compare the code with the slip.")
    clause = "R 3.1"


class CodeRefused(Problem):
    code, status = "code-refused", 403
    title = Text("Код не принят", "The code was not accepted")
    detail = Text(
        "Кода нет, он использован, истёк (14 дней) или закрыт после 10 попыток.",
        "There is no such code, or it was used, has expired (14 days) or is void after 10 tries.",
    )
    next = Text("Попросите новый код у куратора или администратора.", "Ask the curator or administrator for a new one.")
    clause = "R 3.1"


class LoginTaken(Problem):
    code, status = "login-taken", 409
    title = Text("Логин занят", "The login is taken")
    detail = Text("Такой логин уже есть в журнале.", "Somebody has that login already.")
    next = Text("Выберите другой.", "Choose another.")


class LoginNotSane(Problem):
    code, status = "login-not-sane", 422
    title = Text("Логин не подходит", "The login will not do")
    detail = Text(
        "Логин — от 3 до 64 знаков: буквы, цифры, точка, дефис, подчёркивание, @ и +; первый знак — буква или цифра.",
        "A login has 3 to 64 characters: letters, digits, dot, hyphen, underscore, @ and +; a letter or digit first.",
    )
    next = Text("Выберите другой логин.", "Choose another login.")


class CodeNotYours(Problem):
    code, status = "code-not-yours", 403
    title = Text("Этот код выдаёте не вы", "That code is not yours to issue")
    detail = Text(
        "Коды работникам выдаёт администратор, обучающимся и их родителям — куратор группы.",
        "Staff get their codes from the administrator, students and guardians from the group's curator.",
    )
    next = Text("Обратитесь к администратору или куратору.", "Ask the administrator or the curator.")
    clause = "R 4.2.5, 4.3.4"


class NotToYourself(Problem):
    code, status = "not-to-yourself", 403
    title = Text("Себе прав не выдают", "Nobody grants to himself")
    detail = Text(
        "Роль, связь или код для себя должен выдать другой человек.",
        "A role, a link or a code for you must come from somebody else.",
    )
    next = Text("Попросите другого администратора.", "Ask another administrator.")
    clause = "R 3.1"


class LastAdministrator(Problem):
    code, status = "last-administrator", 409
    title = Text("Это последний администратор", "This is the last administrator")
    detail = Text("Без него некому будет выдать права.", "Without him nobody could grant rights.")
    next = Text("Сначала назначьте другого администратора.", "Appoint another administrator first.")
    clause = "R 4.2.1"


class OrderNeeded(Problem):
    code, status = "order-needed", 422
    title = Text("Нужен номер приказа", "The number of an order is needed")
    detail = Text("Эта роль даётся приказом.", "This role is given by order.")
    next = Text("Укажите номер приказа.", "Give the number of the order.")
    clause = "R 4.1.2"


class EndNeeded(Problem):
    code, status = "end-needed", 422
    title = Text("Нужна дата окончания", "An end date is needed")
    detail = Text("Права проверяющего даются на срок.", "An auditor's rights are given for a time.")
    next = Text("Укажите последний день.", "Give the last day.")


class DatesNotSane(Problem):
    code, status = "dates-not-sane", 422
    title = Text("Даты не сходятся", "The dates do not fit")
    detail = Text(
        "Дата вне разумных пределов или конец раньше начала: {what}.",
        "A date is out of reason or the end precedes the start: {what}.",
    )
    next = Text("Проверьте даты по приказу.", "Check the dates against the order.")


class EnrolmentOverlaps(Problem):
    code, status = "enrolment-overlaps", 409
    title = Text("Уже зачислен в эту группу", "Already enrolled in this group")
    detail = Text("Зачисление с {since} пересекается с новым.", "The enrolment since {since} overlaps the new one.")
    next = Text("Закончите прежнее зачисление или измените даты.", "End the former enrolment or change the dates.")


class NotEnrolledThatDay(Problem):
    code, status = "not-enrolled-that-day", 409
    title = Text("В этот день не числится", "Not enrolled on that day")
    detail = Text("На {day} зачисления в эту группу нет.", "There is no enrolment in that group on {day}.")
    next = Text("Проверьте дату и группу.", "Check the day and the group.")


class SameGroup(Problem):
    code, status = "same-group", 409
    title = Text("Перевод в ту же группу", "A transfer into the same group")
    detail = Text("Обучающийся уже в этой группе.", "The student is in that group already.")
    next = Text("Выберите другую группу.", "Choose another group.")


class SplitNotSane(Problem):
    code, status = "split-not-sane", 409
    title = Text("Подгруппы составлены неверно", "The subgroups do not fit")
    detail = Text(
        "Кто-то не числится в группе или попал в две подгруппы.",
        "Somebody is not of the group or stands in two subgroups.",
    )
    next = Text("Исправьте состав и предложите снова.", "Correct the lists and propose again.")
    clause = "R 4.3.3, 4.4.4"


class SplitNotYours(Problem):
    code, status = "split-not-yours", 403
    title = Text("Согласует другая сторона", "The other side agrees")
    detail = Text(
        "Деление предлагает куратор или преподаватель, а согласует другой из них.",
        "A split is proposed by the curator or the teacher and agreed by the other of the two.",
    )
    next = Text("Дождитесь согласия второй стороны.", "Wait for the other side.")
    clause = "R 4.3.3, 4.4.4"


class AlreadyDone(Problem):
    code, status = "already-done", 409
    title = Text("Уже сделано", "Already done")
    detail = Text("Состояние уже такое, менять нечего.", "It is so already; there is nothing to change.")
    next = Text("Обновите страницу.", "Reload the page.")


class RoleElsewhere(Problem):
    code, status = "role-elsewhere", 422
    title = Text("Эта роль даётся иначе", "That role is given elsewhere")
    detail = Text(
        "Куратора назначают у группы, родителя связывают у обучающегося, обучающегося зачисляют в группу.",
        "A curator is appointed at the group, a guardian linked at the student, a student enrolled in a group.",
    )
    next = Text("Откройте карточку группы или обучающегося.", "Open the card of the group or the student.")


class ErasedPerson(Problem):
    code, status = "erased-person", 409
    title = Text("Данные удалены", "The data is erased")
    detail = Text("Личные данные этого человека удалены.", "This person's data has been erased.")
    next = Text("Заведите человека заново, если он вернулся.", "Register the person anew if he has returned.")


class RetentionRuns(Problem):
    code, status = "retention-runs", 409
    title = Text("Удалить пока нельзя", "Not to be erased yet")
    detail = Text("Данные обязаны храниться: {ground}.", "The data must be kept: {ground_en}.")
    next = Text("Повторите после {until}.", "Try again after {until}.")


class ImportRefused(Problem):
    code, status = "import-refused", 422
    title = Text("Импорт не выполнен", "Nothing was imported")
    detail = Text("Строк с ошибками: {count}; ничего не записано.", "Rows with errors: {count}; nothing was written.")
    next = Text(
        "Исправьте строки из списка или повторите с пропуском ошибочных.",
        "Correct the rows listed, or repeat with the bad ones skipped.",
    )
