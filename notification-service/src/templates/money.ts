/**
 * A decimal string such as `56000.68` as people of that locale write it, with as many decimals as it has. The string is
 * formatted as it is: no float in between.
 */
export const formatMoney = (amount: string, currency: string, locale: string): string => {
  const digits = amount.split('.')[1]?.length ?? 0
  const format = new Intl.NumberFormat(locale, {
    style: 'currency',
    currency,
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  })
  // Spaces that do not break are not in the alphabet of a text, and would halve its length.
  return format.format(amount as Intl.StringNumericLiteral).replace(/\s/gu, ' ')
}
