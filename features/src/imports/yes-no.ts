import type { RowProblem } from './import-target.ts'

/** What people write into columns of yes and no. Words are compared without regard to case and Unicode form. */
const yes = ['true', 'yes', 'y', '1', 'x', 'ja', 'j', 'oui', 'sí', 'sì', 'si', 'sim', 'tak', 'да', 'evet', 'ndiyo']
const no = ['false', 'no', 'n', '0', 'nein', 'nee', 'non', 'não', 'nao', 'nie', 'нет', 'hayır', 'hayir', 'hapana']

const meanings = new Map([...yes.map((word) => [word, true] as const), ...no.map((word) => [word, false] as const)])
const message = `must be yes (${yes.join(', ')}) or no (${no.join(', ')})`

/** The boolean that a cell stands for: a word of the lists above, 1 or 0; any other value as it is, for the schema to refuse. */
export const parseYesNo = (value: unknown): unknown => {
  if (typeof value !== 'string' && typeof value !== 'number') return value
  return meanings.get(String(value).trim().normalize('NFC').toLowerCase()) ?? value
}

/** The problems of a row; those of the boolean `fields` name the words that are understood, instead of the schema's type. */
export const explainYesNo = (problems: readonly RowProblem[], fields: readonly string[]): RowProblem[] =>
  problems.map((problem) => {
    const isUnknownWord = problem.code === 'invalid_type' && fields.includes(problem.field ?? '')
    return isUnknownWord ? { ...problem, message } : problem
  })
