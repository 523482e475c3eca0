"""What a reader found wrong or doubtful in a roster file, with file, line and one sentence in Russian and in English.

A finding's severity belongs to its code and stands in the table below. "fatal" means that the file as a whole cannot
be trusted and gives no document; "error" refuses a row; "warning" says what was concluded or left out.
"""

from typing import Final, Literal

from pydantic import BaseModel, ConfigDict

Severity = Literal["error", "warning"]

FATAL: Final[dict[str, tuple[str, str]]] = {
    "no_such_path": ("файла или папки нет либо нет права читать", "no such file or folder, or no right to read it"),
    "not_a_roster": (
        "это не папка и не архив ZIP с файлами OneRoster",
        "this is neither a folder nor a ZIP archive of OneRoster files",
    ),
    "no_files": (
        "нет ни одного файла OneRoster (orgs.csv, users.csv, classes.csv, enrollments.csv …)",
        "there is no OneRoster file (orgs.csv, users.csv, classes.csv, enrollments.csv …)",
    ),
    "zip_broken": ("архив повреждён: {value}", "the archive is damaged: {value}"),
    "zip_encrypted": (
        "файл в архиве зашифрован; сохраните без пароля",
        "the file is encrypted; save without a password",
    ),
    "zip_unsafe": (
        "небезопасное имя в архиве: {value}; архив не читается",
        "unsafe name in the archive: {value}; the archive is not read",
    ),
    "too_big": ("больше допустимого ({value}); не читается", "larger than allowed ({value}); not read"),
    "duplicate_file": (
        "второй файл с тем же именем ({value}), отличается только регистром букв; оставьте один",
        "a second file of the same name ({value}) that differs in letter case only; keep one",
    ),
    "file_missing": (
        "в manifest.csv файл объявлен как {value}, но его нет",
        "manifest.csv declares the file as {value}, but it is not there",
    ),
    "file_undeclared": (
        "файл есть, а в manifest.csv объявлен отсутствующим (absent); исправьте одно из двух",
        "the file is here, but manifest.csv declares it absent; correct one of them",
    ),
    "bad_manifest": (
        "{column}: значение «{value}» не понято, ожидается bulk, delta или absent",
        "{column}: value “{value}” not understood, expected bulk, delta or absent",
    ),
    "bad_encoding": ("кодировка не распознана; сохраните в UTF-8", "unknown encoding; save as UTF-8"),
    "bad_csv": (
        "строка не читается как CSV ({value}); проверьте кавычки",
        "the line cannot be read as CSV ({value}); check the quotes",
    ),
    "no_header": ("файл пуст: нет строки заголовков", "the file is empty: there is no header line"),
    "header_twice": ("столбец {column} встречается дважды", "column {column} occurs twice"),
    "column_missing": ("нет обязательного столбца {column}", "required column {column} is missing"),
    "source_needed": (
        "источник не определяется по файлу; укажите --source тем же именем, что при полной выгрузке",
        "the source cannot be told from the file; give --source with the name used for the full export",
    ),
    "bad_source": (
        "имя источника «{value}» не годится: нужны 1–200 знаков без двоеточия",
        "source name “{value}” does not do: 1 to 200 characters without a colon",
    ),
    "not_xlsx": ("это не книга Excel (.xlsx): {value}", "this is not an Excel workbook (.xlsx): {value}"),
    "no_people_header": (
        "не найдена строка заголовков (Фамилия, Имя, Роль …); возьмите шаблон",
        "no header row (Фамилия, Имя, Роль …); take the template",
    ),
}

ERRORS: Final[dict[str, tuple[str, str]]] = {
    "missing_value": ("не заполнено обязательное поле {column}", "required field {column} is empty"),
    "duplicate_id": (
        "sourcedId «{value}» уже был в строке {where}",
        "sourcedId “{value}” was already given in line {where}",
    ),
    "bad_value": (
        "{column}: значение «{value}» не из списка допустимых ({allowed})",
        "{column}: “{value}” is not one of the allowed values ({allowed})",
    ),
    "bad_year": (
        "{column}: «{value}» — не учебный год, ожидается число вида 2025",
        "{column}: “{value}” is not a school year, expected a number like 2025",
    ),
    "bad_flag": ("{column}: «{value}» — не true и не false", "{column}: “{value}” is neither true nor false"),
    "bad_date": (
        "{column}: «{value}» — не дата; пишите 2025-09-01",
        "{column}: “{value}” is not a date; write 2025-09-01",
    ),
    "ambiguous_date": (
        "{column}: в «{value}» неясно, где день, а где месяц; пишите 2025-09-01",
        "{column}: in “{value}” day and month cannot be told apart; write 2025-09-01",
    ),
    "inverted_dates": ("конец ({end}) раньше начала ({start})", "the end ({end}) is before the start ({start})"),
    "too_long": ("{column}: слишком длинное значение", "{column}: the value is too long"),
    "bad_text": ("{column}: недопустимый управляющий знак", "{column}: a control character is not allowed"),
    "extra_cells": (
        "в строке больше значений, чем заголовков: «{value}»; вероятно, сдвиг из-за запятой без кавычек",
        "the line has more values than headers: “{value}”; probably shifted by a comma outside quotes",
    ),
    "unnamed_cell": (
        "значение «{value}» в столбце без имени; назовите столбец или проверьте сдвиг",
        "value “{value}” in a column without a name; name the column or look for a shift",
    ),
    "dangling": (
        "{column}: «{value}» нет в {target}; без этого строка не имеет смысла",
        "{column}: there is no “{value}” in {target}; the row means nothing without it",
    ),
    "refers_to_refused": (
        "{column}: строка «{value}» в {target} сама отклонена (см. выше)",
        "{column}: row “{value}” in {target} was itself refused (see above)",
    ),
    "cycle": (
        "{column}: «{value}» замыкает круг: запись стоит над самой собой",
        "{column}: “{value}” closes a circle: the record is above itself",
    ),
    "no_year": (
        "учебный год класса не определяется: нет ни сессии, ни дат",
        "the academic year of the class cannot be told: neither session nor dates",
    ),
    "teacher_not_staff": (
        "«{value}» записан(а) преподавателем, но роль — {role}; исправьте роль или запись",
        "“{value}” is enrolled as teacher, but the role is {role}; correct the role or the enrolment",
    ),
    "unknown_role": (
        "роль «{value}» не из списка: {allowed}",
        "role “{value}” is not in the list: {allowed}",
    ),
    "formula_empty": (
        "{column}: формула без сохранённого значения; вставьте значение",
        "{column}: a formula without a saved value; paste the value",
    ),
    "cell_error": ("{column}: ошибка Excel {value}", "{column}: Excel error {value}"),
    "number_for_date": (
        "{column}: число {value} вместо даты; задайте ячейке формат даты",
        "{column}: number {value} in place of a date; format the cell as a date",
    ),
    "merged_across": (
        "объединённые ячейки поперёк столбцов ({value}); разъедините",
        "cells merged across columns ({value}); split them",
    ),
    "group_missing": ("для роли «{value}» нужна группа", "role “{value}” needs a group"),
    "child_unknown": (
        "ребёнок «{value}» не найден среди студентов файла; добавьте его строку или код",
        "child “{value}” is not among the students of the file; add the row or give the code",
    ),
    "child_ambiguous": (
        "ребёнок «{value}»: так зовут нескольких студентов; укажите код",
        "child “{value}”: several students have this name; give the code",
    ),
    "child_without_guardian": (
        "ребёнок указан, а роль не «Родитель» и не «Законный представитель»",
        "a child is given, but the role is not that of a parent or guardian",
    ),
    "person_conflict": (
        "{column} не совпадает со строкой {where} того же человека; если это однофамильцы, дайте им коды",
        "{column} differs from row {where} of the same person; if these are namesakes, give them codes",
    ),
    "namesake_student": (
        "такое же имя, что в строке {where}, и один из двоих — студент; дайте обоим коды, чтобы их не спутать",
        "the same name as in row {where}, and one of the two is a student; give both codes to tell them apart",
    ),
    "row_twice": ("повторяет строку {where}", "repeats row {where}"),
}

WARNINGS: Final[dict[str, tuple[str, str]]] = {
    "no_manifest": (
        "manifest.csv нет: набор принят за полную выгрузку (bulk)",
        "there is no manifest.csv: the set is taken for a full export (bulk)",
    ),
    "undeclared_mode": (
        "в manifest.csv нет вида выгрузки для этого файла; принят {value}",
        "manifest.csv does not declare how this file was exported; taken as {value}",
    ),
    "layout": (
        "выгрузка вида «{value}»: столбцы сопоставлены по таблице",
        "export of the kind “{value}”: columns mapped",
    ),
    "encoding_guessed": ("не UTF-8; прочитано как {value}", "not UTF-8; read as {value}"),
    "delimiter": ("разделитель — {value}, а не запятая", "the separator is {value}, not a comma"),
    "column_alias": ("столбец «{value}» прочитан как {column}", "column “{value}” was read as {column}"),
    "column_unnamed": (
        "пустых столбцов без имени: {value}; пропущены",
        "{value} empty columns without a name; ignored",
    ),
    "column_unknown": ("неизвестный столбец «{value}» пропущен", "unknown column “{value}” ignored"),
    "column_derived": ("столбца {column} нет; взято: {value}", "there is no column {column}; taken: {value}"),
    "passwords_left": (
        "пароли из файла не переносятся; доступ выдаётся кодом активации",
        "passwords of the file are not taken over; access is given by an activation code",
    ),
    "file_not_taken": ("этот файл OneRoster журнал не берёт", "this OneRoster file is not taken"),
    "file_other_header": (
        "заголовки не подходят к имени файла: нет столбца {column}",
        "the headers do not fit the file's name: there is no column {column}",
    ),
    "file_unknown": ("посторонний файл пропущен", "a file that is not of OneRoster was ignored"),
    "empty_file": ("в файле нет ни одной записи", "the file has no records"),
    "source_guessed": (
        "источник принят за «{value}»; если полная выгрузка грузилась под другим именем, укажите --source",
        "the source is taken as “{value}”; give --source if the full export was imported under another name",
    ),
    "bad_modified": (
        "{column}: «{value}» не понято; поле не используется",
        "{column}: “{value}” not understood; the field is not used",
    ),
    "bad_email": ("{column}: «{value}» не похоже на адрес; пропущено", "{column}: “{value}” is no address; left out"),
    "org_unknown": (
        "{column}: организации «{value}» нет в orgs; взято: {default}",
        "{column}: there is no organisation “{value}” in orgs; taken: {default}",
    ),
    "parent_unknown": (
        "{column}: «{value}» нет в {target}; запись стоит на верхнем уровне",
        "{column}: there is no “{value}” in {target}; the record stands at the top",
    ),
    "year_by_number": (
        "{column}: «{value}» — не id сессии; принят за учебный год",
        "{column}: “{value}” is not the id of a session; taken for the school year",
    ),
    "year_unknown": (
        "{column}: учебного года «{value}» нет; пропущено",
        "{column}: no school year “{value}”; left out",
    ),
    "year_far": (
        "schoolYear {value} далёк от дат {start} – {end}",
        "schoolYear {value} is far from the dates {start} – {end}",
    ),
    "year_under_period": (
        "учебный год не может стоять под «{value}»; родитель пропущен",
        "a school year cannot be below “{value}”; the parent is left out",
    ),
    "parent_kind": (
        "{value} стоит под {parent}: необычный порядок, принят как есть",
        "a {value} below a {parent}: unusual order, taken as it is",
    ),
    "outside_parent": (
        "даты выходят за пределы вышестоящей сессии «{value}»",
        "the dates reach beyond the session “{value}” above",
    ),
    "discipline_from_class": (
        "курса «{value}» нет в courses; дисциплина названа по классу",
        "there is no course “{value}” in courses; the discipline is named after the class",
    ),
    "course_still_used": (
        "курс «{value}» удаляется, но класс ещё ссылается на него; дисциплина оставлена",
        "course “{value}” is being deleted, but the class still refers to it; the discipline stays",
    ),
    "term_unknown": (
        "сессии «{value}» нет в academicSessions; пропущена",
        "there is no session “{value}” in academicSessions; left out",
    ),
    "term_deleted": ("сессия «{value}» удаляется; пропущена", "session “{value}” is being deleted; left out"),
    "term_from_dates": (
        "файла academicSessions нет; период «{value}» взят по датам записей: {start} – {end}",
        "there is no academicSessions; period “{value}” was taken from dates of enrolments: {start} – {end}",
    ),
    "no_term": ("у класса нет сессии", "the class has no session"),
    "year_assumed": (
        "класс отнесён ко всему учебному году {value}",
        "the class is put to the whole academic year {value}",
    ),
    "role_not_taken": (
        "роль «{value}» из файла не выдаётся; назначьте в журнале",
        "role “{value}” is not granted from a file; appoint in the journal",
    ),
    "role_differs": (
        "«{value}» записан(а) как {role}, хотя роль — {declared}; обе роли действуют",
        "“{value}” is enrolled as {role} though the role is {declared}; both roles hold",
    ),
    "role_assumed": (
        "у «{value}» нет роли; по записи — {role}",
        "“{value}” has no role; by the enrolment it is {role}",
    ),
    "enrolment_not_taken": ("запись с ролью «{value}» не берётся", "an enrolment with role “{value}” is not taken"),
    "enrolment_twice": (
        "тот же человек в том же классе уже записан в строке {where}; пропущено",
        "the same person is already enrolled in the same class in line {where}; left out",
    ),
    "refers_to_deleted": (
        "{column}: «{value}» в {target} удаляется; эта запись завершается вместе с ним",
        "{column}: “{value}” in {target} is being deleted; this record ends with it",
    ),
    "outside_period": (
        "запись {start} – {end} не пересекается с периодами класса",
        "the enrolment {start} – {end} does not meet the periods of the class",
    ),
    "several_responsible": (
        "ответственных преподавателей несколько ({count}); взят «{value}»",
        "several responsible teachers ({count}); “{value}” was taken",
    ),
    "no_teacher": (
        "классов без преподавателя: {count} ({value}); вести их журнал некому",
        "{count} classes without a teacher ({value}): nobody can keep their journal",
    ),
    "agent_unknown": (
        "{column}: человека «{value}» нет в users; связь пропущена",
        "{column}: there is no person “{value}” in users; the link is left out",
    ),
    "agent_not_guardian": (
        "{column}: «{value}» — не пара «представитель и студент»; связь пропущена",
        "{column}: “{value}” does not make a pair of guardian and student; the link is left out",
    ),
    "birth_date_of_nobody": (
        "человека «{value}» нет в users; дата рождения пропущена",
        "there is no person “{value}” in users; the birth date is left out",
    ),
    "sheet_ignored": ("лист пропущен; читается только лист «{value}»", "sheet ignored; only sheet “{value}” is read"),
    "merged_down": (
        "объединённые ячейки ({value}): значение отнесено ко всем строкам",
        "merged cells ({value}): the value was given to every row",
    ),
    "guardian_without_child": (
        "у представителя не указан ребёнок: он ничего не увидит",
        "the guardian has no child: there is nothing to see",
    ),
    "group_needless": (
        "группа для роли «{value}» не нужна; пропущена",
        "role “{value}” needs no group; left out",
    ),
    "namesakes": (
        "такое же имя, что в строке {where}, но код другой: считается другим человеком",
        "the same name as in row {where}, but another code: taken for another person",
    ),
}


class Finding(BaseModel):
    """One finding. `file` is the name in the set ("" for the set as a whole), `line` from 1 (0: the whole file)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    file: str
    line: int
    severity: Severity
    code: str
    text_ru: str
    text_en: str

    @property
    def where(self) -> str:
        """`users.csv:5`, `users.csv` for a whole file, "" for the set."""
        return f"{self.file}:{self.line}" if self.line else self.file


class Findings:
    """The findings of one reading, in the order they were met."""

    def __init__(self) -> None:
        self.all: list[Finding] = []
        self.fatal = False

    def add(self, code: str, file: str = "", line: int = 0, **words: object) -> None:
        """Note a finding; `words` fill its sentence."""
        severity: Severity = "warning" if code in WARNINGS else "error"
        ru, en = WARNINGS.get(code) or ERRORS.get(code) or FATAL[code]
        self.fatal |= code in FATAL
        shown = {k: _cut(str(v)) for k, v in words.items()}
        self.all.append(
            Finding(
                file=file,
                line=line,
                severity=severity,
                code=code,
                text_ru=ru.format_map(shown),
                text_en=en.format_map(shown),
            )
        )


def _cut(text: str) -> str:
    """A value as it may stand in a sentence: one line, printable, not endless."""
    text = "".join(c if c.isprintable() else "�" for c in text)
    return text if len(text) <= 160 else text[:157] + "…"
