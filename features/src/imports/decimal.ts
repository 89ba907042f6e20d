import type { DecimalMark } from '@clientele/contracts/imports/import-options'

const marks: Record<DecimalMark, { decimal: string; group: string }> = {
  point: { decimal: '.', group: ',' },
  comma: { decimal: ',', group: '.' },
}

/** Spaces and apostrophes of all kinds as one of each. */
const normalise = (text: string): string =>
  text
    .trim()
    .replace(/\p{Zs}/gu, ' ')
    .replace(/[’‘ʼ´`]/g, "'")

/** A number whose thousands are separated by one kind of separator, or not at all. */
const numberPattern = ({ decimal, group }: { decimal: string; group: string }): RegExp =>
  new RegExp(
    `^-?(?:\\d+|\\d{1,3}(?<group>[ '\\${group}])\\d{3}(?:\\k<group>\\d{3})*)(?:\\${decimal}(?<fraction>\\d+))?$`,
  )

const patterns: Record<DecimalMark, RegExp> = { point: numberPattern(marks.point), comma: numberPattern(marks.comma) }
const onlyGroup = /^-?\d{1,3},\d{3}$/

const parse = (text: string, mark: DecimalMark): string | undefined => {
  const groups = patterns[mark].exec(text)?.groups
  if (groups === undefined) return undefined
  const { decimal } = marks[mark]
  const [whole = '', fraction] = text.split(decimal)
  return whole.replace(/[^\d-]/g, '') + (fraction === undefined ? '' : `.${fraction}`)
}

/** A number as decimal text, such as `1234.50`, or why the text is none; the message follows the name of the column. */
export type ParsedDecimal = { value: string } | { message: string }

/**
 * Parses a number in which thousands may be separated by spaces, apostrophes or the mark that is not the decimal one: with a decimal
 * comma `1.234,50` → `1234.50`. Text that is a number in no notation is returned as it is.
 */
export const parseDecimal = (text: string, mark: DecimalMark): ParsedDecimal => {
  const plain = normalise(text)
  // The mark is a point also if nobody said so, and a price list may have three decimals.
  if (mark === 'point' && onlyGroup.test(plain)) {
    const [thousands, fraction] = plain.split(',')
    return {
      message: `is ${plain}, which can be ${thousands}${fraction} or ${thousands}.${fraction}; write it so, or set \`decimal\` to \`comma\``,
    }
  }
  const value = parse(plain, mark)
  if (value !== undefined) return { value }
  const other = mark === 'point' ? 'comma' : 'point'
  const asOther = parse(plain, other)
  if (asOther === undefined) return { value: text }
  return {
    message: `is ${plain}, but the decimal mark is a ${mark}; write ${written(asOther, mark)}, or set \`decimal\` to \`${other}\``,
  }
}

const written = (value: string, mark: DecimalMark): string => value.replace('.', marks[mark].decimal)

/** Whether a text, apart from what stands before and after the digits, looks like a number with a decimal comma: `1.234,50 €`. */
export const hasDecimalComma = (text: string): boolean =>
  /^\D*(?:\d+|\d{1,3}(?:[ '.]\d{3})+),\d{1,2}\D*$/.test(normalise(text))

const thousands = /^\D*[1-9]\d{0,2}\.\d{3}\D*$/

/** The first text such as `1.500`, if no text has another number of digits after a point: the points can then separate thousands. */
export const findPointOfThousands = (texts: readonly string[]): string | undefined => {
  const withPoint = texts.filter((text) => text.includes('.'))
  return withPoint.every((text) => thousands.test(text)) ? withPoint[0] : undefined
}
