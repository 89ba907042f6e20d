import { uncalculated } from '../tables/workbook/sheet-parser.ts'
import type { FieldValues, RowProblem } from './import-target.ts'

/** What a spreadsheet shows where a lookup has found nothing. It means that there is no value. */
const notAvailable = '#N/A'
const errors = /^#(REF!|VALUE!|DIV\/0!|NAME\?|NUM!|NULL!|SPILL!|CALC!|FIELD!|BLOCKED!|CONNECT!|BUSY!|GETTING_DATA)$/

const problemOf = (field: string, value: string): RowProblem | undefined => {
  if (value === uncalculated)
    return {
      field,
      code: 'formula_error',
      message:
        'has a formula that was never calculated; open the workbook in a spreadsheet program, save it, and send it again',
    }
  if (!errors.test(value)) return undefined
  return {
    field,
    code: 'formula_error',
    message: `is the error ${value} of a formula; correct the formula, or empty the cell`,
  }
}

/** Removes the values `#N/A`, and finds other errors of formulas, which would be imported as texts. */
export const findFormulaErrors = (values: FieldValues): RowProblem[] => {
  const problems: RowProblem[] = []
  for (const field in values) {
    const value = values[field]
    if (typeof value !== 'string' || value[0] !== '#') continue
    if (value === notAvailable) delete values[field]
    const problem = problemOf(field, value)
    if (problem) problems.push(problem)
  }
  return problems
}
