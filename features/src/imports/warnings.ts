import type { ImportWarning } from '@clientele/contracts/imports/import'
import { mappedField } from './columns/mapping.ts'
import { textsOf } from './columns/sample-rows.ts'
import { findPointOfThousands, hasDecimalComma } from './decimal.ts'
import type { Chosen } from './import.choice.ts'
import type { AnyTarget, FieldValues } from './import-target.ts'

/** What is known of an import before its commit. `samples` are the first rows. */
type Checked = Chosen & { target: AnyTarget; samples: readonly FieldValues[] }
type Check = (checked: Checked) => ImportWarning[]

/** Without the match key no row finds an existing record. */
const warnOfNoMatchKey: Check = ({ target: { entity }, choice: { mapping, matchBy } }) =>
  Object.values(mapping).includes(matchBy)
    ? []
    : [
        {
          code: 'no_match_key',
          column: null,
          message: `no column goes into ${matchBy}, by which rows find existing ${entity}; each import of this file creates its ${entity} again`,
        },
      ]

/** The target's own warnings about columns that its suggestion left out, as long as they are. */
const warnOfLeftOut: Check = ({ leftOut, choice: { mapping } }) =>
  leftOut.filter(({ column }) => column === null || mappedField(mapping, column) === undefined)

/** The target's own warnings about the mapping. */
const warnOfMapping: Check = ({ target, samples, choice: { mapping } }) => target.warn?.(mapping, samples) ?? []

const warnOfDecimalComma: Check = ({ target, samples, choice: { mapping, decimal } }) => {
  if (decimal === 'comma') return []
  const columns = Object.keys(mapping).filter((column) => target.decimals?.includes(mapping[column] ?? ''))
  return columns.flatMap((column) => {
    const message = describeNotation(textsOf(samples, column))
    return message === undefined ? [] : [{ code: 'decimal_comma', column, message: `${column} has values ${message}` }]
  })
}

const describeNotation = (texts: readonly string[]): string | undefined => {
  const withComma = texts.find(hasDecimalComma)
  if (withComma !== undefined)
    return `with a decimal comma, such as ${withComma.slice(0, 50)}; set \`decimal\` to \`comma\``
  const withPoint = findPointOfThousands(texts)
  if (withPoint === undefined) return undefined
  return `such as ${withPoint.slice(0, 50)}, whose point is read as the decimal mark; if it separates thousands, set \`decimal\` to \`comma\``
}

const checks: readonly Check[] = [warnOfNoMatchKey, warnOfLeftOut, warnOfMapping, warnOfDecimalComma]
/** As many as the contract allows. */
const maxWarnings = 50

/** Adds what users should look at before the commit, from the mapping and the first rows, to the warnings about the file. */
export const firstWarnings = (ofFile: readonly ImportWarning[], checked: Checked): ImportWarning[] =>
  [...ofFile, ...checks.flatMap((check) => check(checked))].slice(0, maxWarnings)

// A change of the options leaves the warnings about how the file was read as they are.
const fileCodes = ['encoding_guessed', 'rows_above', 'rows_below']

/** Replaces the warnings about the mapping after a change, and keeps those about the file. */
export const changedWarnings = (before: readonly ImportWarning[], checked: Checked): ImportWarning[] =>
  firstWarnings(
    before.filter(({ code }) => fileCodes.includes(code)),
    checked,
  )
