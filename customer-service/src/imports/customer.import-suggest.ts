import type { ImportWarning } from '@clientele/contracts/imports/import'
import { findOwnKey, textsOf } from '@clientele/features/imports/columns/sample-rows'
import { createKnownNames } from '@clientele/features/imports/columns/suggest-mapping'
import type { FieldValues, Suggestion } from '@clientele/features/imports/import-target'
import { parseYesNo } from '@clientele/features/imports/yes-no'
import { isRecordId } from '@clientele/platform/data/ids'
import { parseMetadata, parseSmsOptIn } from './customer.cell-values.ts'
import { columnNames } from './customer.column-names.ts'
import { isCustomerCode } from './customer.import-input.ts'

const ownKeys = { id: isRecordId, code: isCustomerCode }
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
const isReference = createKnownNames({ reference: ['ref', 'customer ref'], code: columnNames['code'] ?? [] })

/** The fields whose columns are recognised by their values. */
const foundByValues = [
  { field: 'email', what: 'an e-mail address', test: (text: string) => emailAddress.test(text) },
  { field: 'phone', what: 'a telephone number', test: isTelephoneNumber },
]

type Mapping = Record<string, string>

/** A mapping, and what the first rows have in each column. */
class Draft {
  readonly mapping: Mapping
  readonly warnings: ImportWarning[] = []
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
    return textsOf(this.#samples, column)
  }

  /** Leaves a column out, because its values contradict its name. */
  drop(column: string, because: string): void {
    delete this.mapping[column]
    this.warnings.push({ code: 'contradicted', column, message: `${column} is left out, because ${because}` })
  }

  /** The share of a column's values that `test` accepts, from 0 to 1; `ifEmpty` for a column without values. */
  share(column: string, test: (text: string) => boolean, ifEmpty = 1): number {
    const texts = this.textsIn(column)
    return texts.length === 0 ? ifEmpty : texts.filter(test).length / texts.length
  }

  /** Whether most values of a column contain that of another one in the same row. */
  contains(whole: string, part: string): boolean {
    const pairs = this.#samples.map((values) => [whole, part].flatMap((column) => textsOf([values], column)))
    const both = pairs.filter(({ length }) => length === 2)
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
const moveForeignIds = (draft: Draft): void => {
  const { mapping } = draft
  for (const [field, isOwn] of Object.entries(ownKeys)) {
    const column = draft.columnOf(field)
    if (column === undefined || draft.share(column, isOwn) === 1) continue
    delete mapping[column]
    if (draft.columnOf('externalId') === undefined) mapping[column] = 'externalId'
  }
}

const shorten = (text: string): string => (text.length > 50 ? `${text.slice(0, 50)}…` : text)

const dropIfMost = (draft: Draft, field: string, isWrong: (text: string) => boolean, what: string): void => {
  const column = draft.columnOf(field)
  if (column === undefined || draft.share(column, isWrong, 0) <= 0.5) return
  draft.drop(column, `values such as ${shorten(draft.textsIn(column).find(isWrong) ?? '')} ${what}`)
}

/** Columns whose values contradict their names are left out. */
const dropContradicted = (draft: Draft): void => {
  const externalId = draft.columnOf('externalId')
  // Ids are unique; a reference such as `Facebook` is not.
  if (externalId !== undefined && isReference(externalId)) {
    const repeated = draft.textsIn(externalId).find((text, index, texts) => texts.indexOf(text) < index)
    if (repeated !== undefined)
      draft.drop(externalId, `its values are no ids of customers: more than one row has ${shorten(repeated)}`)
  }
  const isNeither = (parse: (text: string) => unknown) => (text: string) => typeof parse(text) !== 'boolean'
  dropIfMost(draft, 'smsOptOut', isNeither(parseYesNo), 'are neither yes nor no')
  dropIfMost(draft, 'smsOptIn', isNeither(parseSmsOptIn), 'are neither yes nor no')
  dropIfMost(draft, 'metadata', (text) => typeof parseMetadata(text) === 'string', 'are no JSON objects')
  const optIn = draft.columnOf('smsOptIn')
  if (optIn !== undefined && draft.columnOf('smsOptOut') !== undefined) delete draft.mapping[optIn]
}

/** A `name` beside a first name is the whole name if it contains the first name; otherwise, without a surname, it is the surname. */
const moveNameBesideFirstName = (draft: Draft): void => {
  const { mapping, columns } = draft
  const own = draft.columnOf('name')
  const first = columns.find((column) => mapping[column] === undefined && isFirstName(column) && column !== own)
  if (own === undefined || first === undefined || isFirstName(own)) return
  mapping[first] = 'name'
  delete mapping[own]
  if (draft.columnOf('surname') !== undefined) return
  mapping[own] = draft.contains(own, first) ? 'fullName' : 'surname'
}

/** Separate columns are more exact than a whole name. A name is whole if most values have two words and no column has the surname. */
const chooseNames = (draft: Draft): void => {
  const { mapping } = draft
  moveNameBesideFirstName(draft)
  const name = draft.columnOf('name')
  const fullName = draft.columnOf('fullName')
  const surname = draft.columnOf('surname')
  if (name !== undefined && fullName !== undefined) {
    if (surname === undefined && draft.contains(fullName, name)) delete mapping[name]
    else if (surname === undefined && isPlainName(fullName)) mapping[fullName] = 'surname'
    else delete mapping[fullName]
  }
  if (name === undefined || surname !== undefined || fullName !== undefined) return
  if (draft.share(name, (text) => /\S\s+\S/.test(text), 0) > 0.5) mapping[name] = 'fullName'
}

/** Corrects a mapping that was made from the names of columns, by looking at their values in the first rows. */
export const suggestCustomer = (named: Mapping, samples: readonly FieldValues[]): Suggestion => {
  const draft = new Draft(named, samples)
  moveForeignIds(draft)
  dropContradicted(draft)
  chooseNames(draft)
  for (const { field, test } of foundByValues) draft.findByValues(field, test)
  return { mapping: draft.mapping, warnings: draft.warnings }
}

/** Rows with our own ids or codes are matched by them, so that a corrected e-mail address changes the customer that it is of. */
export const suggestMatchBy = (mapping: Mapping, samples: readonly FieldValues[]): string | undefined =>
  findOwnKey(mapping, samples, ownKeys)

/** Warns of columns of e-mail addresses or telephone numbers that some rows have in another column than the mapped one. */
export const warnOfSecondColumns = (mapping: Mapping, samples: readonly FieldValues[]): ImportWarning[] => {
  const draft = new Draft(mapping, samples)
  return foundByValues.flatMap(({ field, test, what }) => {
    const mapped = draft.columnOf(field)
    const lacking = samples.filter((values) => mapped === undefined || textsOf([values], mapped).length === 0)
    return draft.columns.flatMap((column) => {
      const count = textsOf(lacking, column).filter(test).length
      if (mapping[column] !== undefined || count === 0 || draft.share(column, test) <= 0.5) return []
      const message = `${count} of the first ${samples.length} rows ${count === 1 ? 'has' : 'have'} ${what} only in ${column}, which is not imported`
      return [{ code: `unmapped_${field}`, column, message }]
    })
  })
}
