import { dateFromSerial, format, getFormatInfo } from 'numfmt'

/** The longest format that spreadsheets take. */
const maxFormatLength = 255
const daysFrom1900To1904 = 1_462
/** The serial numbers of 1900-01-01 and 9999-12-31. */
const [firstDay, lastDay] = [1, 2_958_465]

/** Formats the text of a numeric cell, such as `46356.5`, as a spreadsheet shows it. */
export type ShowNumber = (text: string) => string

/** Returns a number with 15 digits, as spreadsheets have, and without an exponent: `2.54711E+11` → `254711000000`. */
export const plainNumber: ShowNumber = (text) => {
  if (/^-?\d+$/.test(text) || (text.length < 16 && /^-?\d+\.\d+$/.test(text))) return text
  const number = Number(text)
  if (text === '' || !Number.isFinite(number)) return text
  if (Number.isInteger(number)) return Math.abs(number) < 1e21 ? String(number) : BigInt(number).toString()
  const rounded = Number(number.toPrecision(15))
  return String(rounded).includes('e') ? rounded.toFixed(20).replace(/\.?0+$/, '') : String(rounded)
}

const twoDigits = (value = 0): string => String(value).padStart(2, '0')

/** `1900-01-31`, with `T14:05:00` if the type has a time that is not midnight, or `14:05:00` without a date. */
const showDate = (type: 'date' | 'datetime' | 'time', serial: number): string | undefined => {
  const days = type === 'time' ? (serial % 1) + firstDay : serial
  if (days < firstDay || days > lastDay + 1) return undefined
  const [year = 0, month, day, hour, minute, second] = dateFromSerial(days)
  const date = `${String(year).padStart(4, '0')}-${twoDigits(month)}-${twoDigits(day)}`
  const time = `${twoDigits(hour)}:${twoDigits(minute)}:${twoDigits(second)}`
  if (type === 'time') return time
  return type === 'date' || time === '00:00:00' ? date : `${date}T${time}`
}

/**
 * The digits that a format shows, without thousands separators, currencies and units: `€ 1,234.50` → `1234.50`, `(5)` → `-5`. Text
 * between digits stays: `(555) 123-4567`. Undefined if there are none.
 */
const withoutDecoration = (shown: string): string | undefined => {
  const text = shown.replace(/(?<=\d),(?=\d)/g, '').trim()
  const [, before = '', digits, after = ''] = /^(.*?)(\.?\d(?:.*\d)?)(.*)$/s.exec(text) ?? []
  if (digits === undefined || !/^\d*\.?\d+$/.test(digits)) return digits && text
  const isNegative = before.includes('-') || after.includes('-') || (before.includes('(') && after.includes(')'))
  return `${isNegative ? '-' : ''}${digits}${text.includes('%') ? '%' : ''}`
}

/** `[$€-407]` → `"€"`: the format with the separators of English. */
const withoutLocale = (pattern: string): string =>
  pattern.replace(/\[\$([^\]-]*)[^\]]*\]/g, (_, symbol: string) =>
    symbol === '' ? '' : `"${symbol.replaceAll('"', '')}"`,
  )

const infoOf = (pattern: string) => {
  try {
    return pattern.length > maxFormatLength ? undefined : getFormatInfo(pattern)
  } catch {
    // The format is not valid.
    return undefined
  }
}

/**
 * Creates the function for the cells of a number format, such as `yyyy-mm-dd` or `00000`. Dates are shown as `2026-11-30`, whatever
 * the order of their parts. Numbers have the decimals and the leading zeros of the format.
 * @param isFrom1904 whether days are counted from 1904, as older workbooks of Excel for Mac do
 */
export const createShowNumber = (code: string, isFrom1904: boolean): ShowNumber => {
  const pattern = withoutLocale(code)
  const info = infoOf(pattern)
  if (!info) return plainNumber
  const { type, isDate, scale } = info
  if (isDate && (type === 'date' || type === 'datetime' || type === 'time')) {
    const offset = isFrom1904 && type !== 'time' ? daysFrom1900To1904 : 0
    return (text) => {
      const serial = Number(text) + offset
      if (text === '' || !Number.isFinite(serial)) return text
      const isElapsed = type === 'time' && /\[[hms]+\]/i.test(pattern)
      return (isElapsed ? format(pattern, serial) : showDate(type, serial)) ?? plainNumber(text)
    }
  }
  const isShown = type === 'number' || type === 'grouped' || type === 'currency' || type === 'percent'
  if (!isShown || (scale !== 1 && type !== 'percent')) return plainNumber
  return (text) => {
    const number = Number(text)
    if (text === '' || !Number.isFinite(number)) return text
    return withoutDecoration(format(pattern, number, { locale: 'en' })) ?? plainNumber(text)
  }
}
