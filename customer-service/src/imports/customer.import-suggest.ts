import type { FieldValues } from '@clientele/features/imports/import-target'
import { createKnownNames } from '@clientele/features/imports/suggest-mapping'
import { parseYesNo } from '@clientele/features/imports/yes-no'
import { isUuid } from '@clientele/platform/data/ids'
import { parseSmsOptIn } from './customer.cell-values.ts'
import { columnNames } from './customer.column-names.ts'

const ourCode = /^CUS-\d+$/i
const emailAddress = /^[^\s@]+@[^\s@]+\.[^\s@]+/
// Dates, decimals, numbers with thousands separators and IP addresses, which are written like telephone numbers.
const otherNumber =
  /^(?:\d{1,4}[./-]\d{1,2}[./-]\d{1,4}(?![./-]?\d)|\d+[.,]\d+$|[1-9]\d{0,2}(?:[.,]\d{3})+(?:[.,]\d{1,2})?$|\d{1,3}(?:\.\d{1,3}){3}$)/
// With a plus, a zero or a separator, so that ids and numbers of other kinds are no telephone numbers.
const telephoneNumber = /^\p{Cf}*(?:tel:)?(?=\+|0|\(|\d+[\s./-])[+(]?\d[\d\s()./\p{Pd}]{6,20}/iu
const isTelephoneNumber = (text: string): boolean => telephoneNumber.test(text) && !otherNumber.test(text)
const isFirstName = createKnownNames({ first: columnNames['name'] ?? [] })
// Beside a first name, these can be the surname.
const isPlainName = createKnownNames({ name: ['naam', 'الاسم'] })
const isReference = createKnownNames({ reference: ['ref', 'customer ref'] })

type Mapping = Record<string, string>

/** A mapping, and what the first rows have in each column. */
class Suggestion {
  readonly mapping: Mapping
  readonly columns: readonly string[]
  readonly #samples: readonly FieldValues[]

  constructor(mapping: Mapping, samples: readonly FieldValues[]) {
    this.mapping = { ...mapping }
    this.#samples = samples
    this.columns = [...new Set([...Object.keys(mapping), ...samples.flatMap((values) => Object.keys(values))])]
  }

  columnOf(field: string): string | undefined {
    return Object.keys(this.mapping).find((column) => this.mapping[column] === field)
  }

  textsIn(column: string): string[] {
    const texts = this.#samples.map((values) => String(values[column] ?? '').trim())
    return texts.filter((text) => text !== '')
  }

  /** The share of a column's values that `test` accepts, from 0 to 1; `ifEmpty` for a column without values. */
  share(column: string, test: (text: string) => boolean, ifEmpty = 1): number {
    const texts = this.textsIn(column)
    return texts.length === 0 ? ifEmpty : texts.filter(test).length / texts.length
  }

  /** Whether most values of a column contain that of another one in the same row. */
  contains(whole: string, part: string): boolean {
    const pairs = this.#samples.map((values) =>
      [values[whole], values[part]].map((value) => String(value ?? '').trim()),
    )
    const both = pairs.filter(([text, within]) => text !== '' && within !== '')
    return both.filter(([text = '', within = '']) => text.includes(within)).length > both.length / 2
  }

  /** Maps the column with the most values of a kind, if they are most of its values and no column is named so. */
  findByValues(field: string, test: (text: string) => boolean): void {
    if (this.columnOf(field) !== undefined) return
    const shares = this.columns
      .filter((column) => this.mapping[column] === undefined)
      .map((column) => ({ column, share: this.share(column, test, 0) }))
    const best = shares.reduce((max, each) => (each.share > max.share ? each : max), { column: '', share: 0.5 })
    if (best.column !== '') this.mapping[best.column] = field
  }
}

/** An `id` or `code` column with a value that is not one of ours holds the ids of another system. */
const moveForeignIds = (suggestion: Suggestion): void => {
  const { mapping } = suggestion
  const isOurs = { id: isUuid, code: (text: string) => ourCode.test(text) }
  for (const [field, test] of Object.entries(isOurs)) {
    const column = suggestion.columnOf(field)
    if (column === undefined || suggestion.share(column, test) === 1) continue
    delete mapping[column]
    if (suggestion.columnOf('externalId') === undefined) mapping[column] = 'externalId'
  }
}

/** Columns whose values contradict their names are left out. */
const dropContradicted = (suggestion: Suggestion): void => {
  const { mapping } = suggestion
  const externalId = suggestion.columnOf('externalId')
  // Ids are unique; a reference such as `Facebook` is not.
  if (externalId !== undefined && isReference(externalId)) {
    const texts = suggestion.textsIn(externalId)
    if (new Set(texts).size < texts.length) delete mapping[externalId]
  }
  for (const [field, parse] of Object.entries({ smsOptOut: parseYesNo, smsOptIn: parseSmsOptIn })) {
    const column = suggestion.columnOf(field)
    if (column !== undefined && suggestion.share(column, (text) => typeof parse(text) === 'boolean') < 0.5)
      delete mapping[column]
  }
  const optIn = suggestion.columnOf('smsOptIn')
  if (optIn !== undefined && suggestion.columnOf('smsOptOut') !== undefined) delete mapping[optIn]
}

/** A `name` beside a first name is the whole name if it contains the first name; otherwise, without a surname, it is the surname. */
const moveNameBesideFirstName = (suggestion: Suggestion): void => {
  const { mapping, columns } = suggestion
  const own = suggestion.columnOf('name')
  const first = columns.find((column) => mapping[column] === undefined && isFirstName(column) && column !== own)
  if (own === undefined || first === undefined || isFirstName(own)) return
  mapping[first] = 'name'
  delete mapping[own]
  if (suggestion.columnOf('surname') !== undefined) return
  mapping[own] = suggestion.contains(own, first) ? 'fullName' : 'surname'
}

/** Separate columns are more exact than a whole name. A name is whole if most values have two words and no column has the surname. */
const chooseNames = (suggestion: Suggestion): void => {
  const { mapping } = suggestion
  moveNameBesideFirstName(suggestion)
  const name = suggestion.columnOf('name')
  const fullName = suggestion.columnOf('fullName')
  const surname = suggestion.columnOf('surname')
  if (name !== undefined && fullName !== undefined) {
    if (surname === undefined && suggestion.contains(fullName, name)) delete mapping[name]
    else if (surname === undefined && isPlainName(fullName)) mapping[fullName] = 'surname'
    else delete mapping[fullName]
  }
  if (name === undefined || surname !== undefined || fullName !== undefined) return
  if (suggestion.share(name, (text) => /\S\s+\S/.test(text), 0) > 0.5) mapping[name] = 'fullName'
}

/** Corrects a mapping that was made from the names of columns, by looking at their values in the first rows. */
export const suggestCustomer = (named: Mapping, samples: readonly FieldValues[]): Mapping => {
  const suggestion = new Suggestion(named, samples)
  moveForeignIds(suggestion)
  dropContradicted(suggestion)
  chooseNames(suggestion)
  suggestion.findByValues('email', (text) => emailAddress.test(text))
  suggestion.findByValues('phone', isTelephoneNumber)
  return suggestion.mapping
}
