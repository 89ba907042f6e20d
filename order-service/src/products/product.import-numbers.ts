import type { DecimalMark } from '@clientele/contracts/imports/import-options'
import { type ParsedDecimal, parseDecimal } from '@clientele/features/imports/decimal'
import type { FieldValues, RowProblem } from '@clientele/features/imports/import-target'

const wholeFields = ['stock', 'lowStockAt']
/** The fields of a product that are numbers. */
export const decimalFields = ['price', ...wholeFields]

const signs = new Map<string, readonly string[]>()

/** The ways to write a currency beside an amount: `AUD`, `A$` and `$`. */
const signsOf = (currency: string): readonly string[] => {
  const known = signs.get(currency)
  if (known) return known
  // In Canada, the dollar of the United States is `US$`.
  const symbols = ['en', 'en-CA'].flatMap((locale) =>
    (['symbol', 'narrowSymbol'] as const).flatMap((currencyDisplay) =>
      new Intl.NumberFormat(locale, { style: 'currency', currency, currencyDisplay })
        .formatToParts(0)
        .flatMap(({ type, value }) => (type === 'currency' ? value : [])),
    ),
  )
  const all = [currency, ...symbols].map((sign) => sign.toLowerCase())
  signs.set(currency, all)
  return all
}

const isSignOf = (currency: string, sign: string): boolean =>
  /^[A-Z]{3}$/.test(currency) && signsOf(currency).includes(sign.toLowerCase())

const beforeAmount = /^([^\d\s+-]+)\s*(?=[\d-])(.*)$/su
const afterAmount = /^(.*\d)\s*([^\d\s]+)$/su

/** Takes the sign of `currency` off an amount. An amount with another sign stays as it is, so that it is refused. */
const withoutSign = (text: string, currency: string): { amount: string; isSigned: boolean } => {
  const [, signBefore, amountAfter = ''] = beforeAmount.exec(text) ?? []
  const [, amountBefore = '', signAfter] = afterAmount.exec(text) ?? []
  const sign = signBefore ?? signAfter
  if (sign === undefined || !isSignOf(currency, sign)) return { amount: text, isSigned: false }
  return { amount: signBefore === undefined ? amountBefore : amountAfter, isSigned: true }
}

/** Parses a whole number, which may have a fraction of zeros: `3,00` → `3`. Three digits may also be thousands: `1.000` is refused. */
const parseWhole = (text: string, mark: DecimalMark): ParsedDecimal => {
  const parsed = parseDecimal(text, mark)
  if ('message' in parsed) return parsed
  const [whole = '', fraction = ''] = parsed.value.split('.')
  if (/^\d{3}$/.test(fraction))
    return { message: `is ${text.trim()}, which can be ${whole} or ${whole}${fraction}; write it without a separator` }
  return { value: parsed.value.replace(/\.0+$/, '') }
}

const parsePrice = (text: string, mark: DecimalMark, currency: string): ParsedDecimal & { isSigned: boolean } => {
  const { amount, isSigned } = withoutSign(text.trim(), currency)
  return { ...parseDecimal(amount, mark), isSigned }
}

const currencyOf = ({ currency }: FieldValues, shopCurrency: string): string =>
  typeof currency === 'string' ? currency.trim().toUpperCase() : shopCurrency

/**
 * Reads the numbers of a row that are text under the decimal mark of the import. A number in the other notation becomes NaN, which
 * no schema accepts, and a problem that says how to write it. A currency sign beside the price must be that of the row or, without
 * one, of the shop; the row then has that currency.
 */
export const readNumbers = (
  values: FieldValues,
  mark: DecimalMark,
  shopCurrency: string,
): { body: FieldValues; problems: RowProblem[] } => {
  const body = { ...values }
  const problems: RowProblem[] = []
  const set = (field: string, parsed: ParsedDecimal): void => {
    body[field] = 'value' in parsed ? parsed.value : Number.NaN
    if ('message' in parsed) problems.push({ field, code: 'decimal_mark', message: parsed.message })
  }
  const { price } = values
  if (typeof price === 'string') {
    const currency = currencyOf(values, shopCurrency)
    const parsed = parsePrice(price, mark, currency)
    set('price', parsed)
    if (parsed.isSigned) body['currency'] = currency
  }
  for (const field of wholeFields) {
    const text = values[field]
    if (typeof text === 'string') set(field, parseWhole(text, mark))
  }
  return { body, problems }
}
