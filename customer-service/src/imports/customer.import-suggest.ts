import type { FieldValues } from '@clientele/features/imports/import-target'
import { createKnownNames } from '@clientele/features/imports/suggest-mapping'
import { parseYesNo } from '@clientele/features/imports/yes-no'
import { isUuid } from '@clientele/platform/data/ids'
import { columnNames } from './customer.column-names.ts'

const ourCode = /^CUS-\d+$/i
const emailAddress = /^[^\s@]+@[^\s@]+\.[^\s@]+/
// With a plus, a zero or a separator, so that ids and numbers of other kinds are no telephone numbers.
const telephoneNumber =
  /^(?!\d{1,4}[./-]\d{1,2}[./-]\d)\p{Cf}*(?:tel:)?(?=\+|0|\(|\d+[\s./-])[+(]?\d[\d\s()./\p{Pd}]{6,20}/iu
const isFirstName = createKnownNames({ first: columnNames['name'] ?? [] })
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
  const optOut = suggestion.columnOf('smsOptOut')
  if (optOut !== undefined && suggestion.share(optOut, (text) => typeof parseYesNo(text) === 'boolean') < 0.5)
    delete mapping[optOut]
}

/**
 * A `name` beside a first name is the whole name, and so is one in which most values have two words, if no column has the surname.
 * Separate columns are more exact than a whole name.
 */
const chooseNames = (suggestion: Suggestion): void => {
  const { mapping, columns } = suggestion
  const own = suggestion.columnOf('name')
  const first = columns.find((column) => mapping[column] === undefined && isFirstName(column) && column !== own)
  if (own !== undefined && first !== undefined && !isFirstName(own)) {
    mapping[first] = 'name'
    delete mapping[own]
  }
  const name = suggestion.columnOf('name')
  const fullName = suggestion.columnOf('fullName')
  if (name !== undefined && fullName !== undefined) delete mapping[fullName]
  if (name === undefined || suggestion.columnOf('surname') !== undefined) return
  if (suggestion.share(name, (text) => /\S\s+\S/.test(text), 0) > 0.5) mapping[name] = 'fullName'
}

/** Corrects a mapping that was made from the names of columns, by looking at their values in the first rows. */
export const suggestCustomer = (named: Mapping, samples: readonly FieldValues[]): Mapping => {
  const suggestion = new Suggestion(named, samples)
  moveForeignIds(suggestion)
  dropContradicted(suggestion)
  chooseNames(suggestion)
  suggestion.findByValues('email', (text) => emailAddress.test(text))
  suggestion.findByValues('phone', (text) => telephoneNumber.test(text))
  return suggestion.mapping
}
