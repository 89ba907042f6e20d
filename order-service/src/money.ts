const decimalsOf: Record<string, number> = {
  ...Object.fromEntries(
    'BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF'.split(' ').map((c) => [c, 0]),
  ),
  ...Object.fromEntries('BHD IQD JOD KWD LYD OMR TND'.split(' ').map((code) => [code, 3])),
  CLF: 4,
  UYW: 4,
}
const known = new Set([...Intl.supportedValuesOf('currency'), ...Object.keys(decimalsOf)])

/** How many decimals amounts of a currency have (ISO 4217); undefined where there is no such currency. */
export const currencyDecimals = (currency: string): number | undefined =>
  known.has(currency) ? (decimalsOf[currency] ?? 2) : undefined

const decimals = (currency: string): number => {
  const count = currencyDecimals(currency)
  if (count === undefined) throw new RangeError(`${currency} is no currency`)
  return count
}

/**
 * A decimal string such as `56000.68`, not negative, in the currency's smallest unit (5600068n); undefined where it has more
 * decimals than the currency. Zeros at the end do not count. @throws RangeError for what is no currency
 */
export const toMinor = (amount: string, currency: string): bigint | undefined => {
  const [whole = '', fraction = ''] = amount.split('.')
  const count = decimals(currency)
  const kept = fraction.replace(/0+$/, '')
  return kept.length > count ? undefined : BigInt(whole + kept.padEnd(count, '0'))
}

/** The decimal string of an amount in the currency's smallest unit, with all its decimals. @throws RangeError for what is no currency */
export const fromMinor = (minor: bigint, currency: string): string => {
  const count = decimals(currency)
  const text = minor.toString().padStart(count + 1, '0')
  return count === 0 ? text : `${text.slice(0, -count)}.${text.slice(-count)}`
}
