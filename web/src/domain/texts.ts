/** The field's words for the API's enumerations, the same in every room. */

import { choose } from "../texts";

/** A word of a table, and the value itself where the table has none: a newer journal may know more. */
export function word(words: Readonly<Record<string, string>>, value: string | null | undefined): string {
  return value ? (words[value] ?? value) : "—";
}

/** The title of a thing; a view may hear of the thing before it hears of its title. */
export function titleOf(thing: { title: string | null }): string {
  return thing.title ?? "…";
}

export const words = choose(
  {
    /** A mark of a lesson or a final. */
    value: { "5": "5", "4": "4", "3": "3", "2": "2", ".": ".", pass: "зачёт", fail: "незачёт", na: "н/а", exempt: "осв", credited: "перезачтено" } as Record<string, string>,
    /** The same as narrow as a cell of the grid. */
    shortValue: { pass: "зач", fail: "нез", na: "н/а", exempt: "осв", credited: "пер" } as Record<string, string>,
    /** Absent, as it stands in a cell. */
    shortAway: "н",
    lessonKind: {
      lecture: "лекция",
      practical: "практическое занятие",
      laboratory: "лабораторная работа",
      seminar: "семинар",
      practice: "практика",
      coursework: "курсовая работа",
      consultation: "консультация",
      exam: "экзамен",
    } as Record<string, string>,
    shortKind: {
      lecture: "лек",
      practical: "пр",
      laboratory: "лаб",
      seminar: "сем",
      practice: "практ",
      coursework: "КР",
      consultation: "конс",
      exam: "экз",
    } as Record<string, string>,
    work: {
      oral: "устный ответ",
      written: "письменная работа",
      laboratory: "лабораторная работа",
      practical: "практическая работа",
      test: "тест",
      independent: "самостоятельная работа",
      coursework: "курсовая работа",
      project: "проект",
    } as Record<string, string>,
    reason: {
      input_error: "ошибка ввода",
      reassessed: "работа переоценена",
      wrong_student: "не тому студенту",
      appeal: "апелляция",
      makeup: "отработка",
      illness: "болезнь",
      outage: "сбой журнала",
      order: "приказ",
      other: "другое",
      undo: "отмена действия",
    } as Record<string, string>,
    absenceClass: { ill: "болезнь", excused: "уважительная", unexcused: "неуважительная" } as Record<string, string>,
    changeReason: {
      illness: "болезнь преподавателя",
      business_trip: "командировка",
      leave: "отпуск",
      training: "обучение",
      room: "кабинет занят",
      event: "мероприятие",
      other: "другая причина",
      timetable: "изменение расписания",
    } as Record<string, string>,
    disciplineKind: {
      discipline: "дисциплина",
      mdk: "МДК",
      module: "профессиональный модуль",
      training_practice: "учебная практика",
      industrial_practice: "производственная практика",
    } as Record<string, string>,
    periodKind: { semester: "полугодие", checkpoint: "рубежный период", year: "учебный год" } as Record<string, string>,
    role: {
      teacher: "преподаватель",
      workshop_instructor: "мастер производственного обучения",
      curator: "куратор",
      study_office: "учебная часть",
      deputy_director: "заместитель директора",
      journal_administrator: "администратор журнала",
      director: "директор",
      student: "студент",
      guardian: "родитель (законный представитель)",
      auditor: "аудитор",
      member: "студент группы",
      keeper: "система",
    } as Record<string, string>,
    status: {
      studying: "учится",
      academic_leave: "академический отпуск",
      individual_plan: "индивидуальный план",
      extramural: "заочно",
      extern: "экстерн",
      withdrawn: "отчислен",
      graduated: "выпущен",
    } as Record<string, string>,
    /** What happened, by the type of the event without its version. */
    event: {
      PageOpened: "страница открыта",
      PageRescheduled: "сроки страницы изменены",
      TeacherAssigned: "назначен преподаватель",
      TeacherUnassigned: "преподаватель снят",
      SubstituteAllowed: "разрешена замена",
      StudentJoined: "студент зачислен",
      StudentLeft: "студент выбыл",
      SubgroupsSet: "подгруппы определены",
      PageSettingsSet: "правила страницы изменены",
      GradesCarriedOver: "отметки перенесены",
      FinalsTaken: "итоги взяты с других страниц",
      LessonHeld: "занятие проведено",
      LessonAmended: "занятие исправлено",
      LessonUnlocked: "занятие разблокировано",
      EntryLimitLifted: "срок внесения продлён",
      HomeworkAssigned: "задано на дом",
      GradeRecorded: "отметка поставлена",
      GradeChanged: "отметка изменена",
      GradeAnnulled: "отметка аннулирована",
      AttendanceMarked: "посещаемость отмечена",
      FinalGradeSet: "итоговая выставлена",
      FinalGradeWithdrawn: "итоговая отозвана",
      FinalAllowed: "разрешено исключение для итоговой",
      PageSigned: "страница подписана",
      PeriodClosed: "страница закрыта",
      AbsenceAnnounced: "сообщено об отсутствии",
      AbsenceClassified: "причина отсутствия определена",
    } as Record<string, string>,
    pageState: { open: "ведётся", signed: "подписана", closed: "закрыта" } as Record<string, string>,
  },
  {},
);
