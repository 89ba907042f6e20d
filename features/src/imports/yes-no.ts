import type { RowProblem } from './import-target.ts'

// The words for yes and no in several languages. Case and Unicode normalisation form are ignored.
const yes = [
  'true',
  'yes',
  'y',
  '1',
  'x',
  'ja',
  'j',
  'oui',
  'sí',
  'sì',
  'si',
  'sim',
  'tak',
  'да',
  'evet',
  'ndiyo',
  'on',
  'wahr',
  'vrai',
  'verdadero',
  'verdadeiro',
  'vero',
  'waar',
  'prawda',
  'истина',
  'doğru',
]
const no = [
  'false',
  'no',
  'n',
  '0',
  'nein',
  'nee',
  'non',
  'não',
  'nao',
  'nie',
  'нет',
  'hayır',
  'hayir',
  'hapana',
  'off',
  'falsch',
  'faux',
  'falso',
  'onwaar',
  'fałsz',
  'ложь',
  'yanlış',
]

const meanings = new Map([...yes.map((word) => [word, true] as const), ...no.map((word) => [word, false] as const)])
const message = `must be yes (${yes.join(', ')}) or no (${no.join(', ')})`

/** Parses a cell as a boolean: `Ja` → true. Returns any other value unchanged, so that the schema rejects it. */
export const parseYesNo = (value: unknown): unknown => {
  if (typeof value !== 'string' && typeof value !== 'number') return value
  return meanings.get(String(value).trim().normalize('NFC').toLowerCase()) ?? value
}

/** Replaces the schema's message for the boolean `fields` by one that lists the accepted words. */
export const explainYesNo = (problems: readonly RowProblem[], fields: readonly string[]): RowProblem[] =>
  problems.map((problem) => {
    const isUnknownWord = problem.code === 'invalid_type' && fields.includes(problem.field ?? '')
    return isUnknownWord ? { ...problem, message } : problem
  })
