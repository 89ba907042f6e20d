/**
 * Formats a decimal string for a locale and keeps its decimals: `99.90` EUR in de → `99,90 €`. The string is never converted to
 * a floating-point number.
 */
export const formatMoney = (amount: string, currency: string, locale: string): string => {
  const digits = amount.split('.')[1]?.length ?? 0
  const format = new Intl.NumberFormat(locale, {
    style: 'currency',
    currency,
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  })
  // Non-breaking spaces are not in the GSM alphabet: a single one would cut an SMS segment from 160 to 70 characters.
  return format.format(amount as Intl.StringNumericLiteral).replace(/\s/gu, ' ')
}
