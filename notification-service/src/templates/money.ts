import { isGsm } from './sms-text.ts'

type Display = 'symbol' | 'code'

const format = (amount: string, currency: string, locale: string, currencyDisplay: Display): string => {
  const digits = amount.split('.')[1]?.length ?? 0
  const options = { currency, currencyDisplay, minimumFractionDigits: digits, maximumFractionDigits: digits }
  const text = new Intl.NumberFormat(locale, { style: 'currency', ...options })
  return text.format(amount as Intl.StringNumericLiteral).replace(/\s/gu, ' ')
}

/**
 * Formats a decimal string for a locale and keeps its decimals: `99.90` EUR in de → `99,90 €`. The string is never converted to
 * a floating-point number.
 */
export const formatMoney = (amount: string, currency: string, locale: string): string =>
  format(amount, currency, locale, 'symbol')

/** Formats like {@link formatMoney}, with the currency's code if its symbol is not in the GSM alphabet: `NGN 1,500.00` for `₦1,500.00`. */
export const formatSmsMoney = (amount: string, currency: string, locale: string): string => {
  const text = formatMoney(amount, currency, locale)
  return isGsm(text) ? text : format(amount, currency, locale, 'code')
}
