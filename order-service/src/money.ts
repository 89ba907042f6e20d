// ISO 4217 defaults to 2 decimals; these are the exceptions. `Intl.NumberFormat` is no substitute: it follows CLDR, which differs
// for currencies such as HUF, IDR and COP.
const decimalExceptions: Record<string, number> = {
  ...Object.fromEntries(
    'BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF'.split(' ').map((c) => [c, 0]),
  ),
  ...Object.fromEntries('BHD IQD JOD KWD LYD OMR TND'.split(' ').map((code) => [code, 3])),
  CLF: 4,
  UYW: 4,
}
const knownCurrencies = new Set([...Intl.supportedValuesOf('currency'), ...Object.keys(decimalExceptions)])

/** The number of decimals of a currency (ISO 4217): 2 for EUR, 0 for JPY; undefined for an unknown code. */
export const currencyDecimals = (currency: string): number | undefined =>
  knownCurrencies.has(currency) ? (decimalExceptions[currency] ?? 2) : undefined

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
