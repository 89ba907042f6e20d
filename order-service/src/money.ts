import { activeCurrencies } from './currencies.ts'

// Products and orders may have a currency that was withdrawn since. `Intl` knows those, but it follows CLDR, so it is neither the list
// of today nor right about decimals. All that it has besides the list have two.
const formerCurrencies = new Set(Intl.supportedValuesOf('currency'))

/** Whether a new price may have this currency: it is one of ISO 4217 today. */
export const isCurrency = (code: string): boolean => activeCurrencies.has(code)

/** The error message for a currency that is not one of today. */
export const currencyMessage = 'must be a currency of ISO 4217 today, such as EUR'

/** The number of decimals of a currency (ISO 4217), also of a former one: 2 for EUR, 0 for JPY; undefined for an unknown code. */
export const currencyDecimals = (currency: string): number | undefined =>
  activeCurrencies.get(currency) ?? (formerCurrencies.has(currency) ? 2 : undefined)

const requireDecimals = (currency: string): number => {
  const count = currencyDecimals(currency)
  if (count === undefined) throw new RangeError(`unknown currency ${currency}`)
  return count
}

/**
 * Converts a decimal string that is not negative to minor units: `56000.68` EUR → 5600068n. Trailing zeros do not count.
 * @returns undefined if the amount has more decimals than the currency
 * @throws RangeError for an unknown currency
 */
export const toMinor = (amount: string, currency: string): bigint | undefined => {
  const [whole = '', fraction = ''] = amount.split('.')
  const count = requireDecimals(currency)
  const significant = fraction.replace(/0+$/, '')
  return significant.length > count ? undefined : BigInt(whole + significant.padEnd(count, '0'))
}

/** Converts minor units to a decimal string with all decimals of the currency: 220n EUR → `2.20`. @throws RangeError for an unknown currency */
export const fromMinor = (minor: bigint, currency: string): string => {
  const count = requireDecimals(currency)
  const text = minor.toString().padStart(count + 1, '0')
  return count === 0 ? text : `${text.slice(0, -count)}.${text.slice(-count)}`
}
