import { currencyDecimals, fromMinor, toMinor } from '../money.ts'

/** Gives an amount the decimals of its currency: `2.2` EUR → `2.20`. @returns undefined for too many decimals or an unknown currency */
export const normalisePrice = (price: string, currency: string): string | undefined => {
  if (currencyDecimals(currency) === undefined) return undefined
  const minor = toMinor(price, currency)
  return minor === undefined ? undefined : fromMinor(minor, currency)
}

/** Formats a stored amount for the API: `2.2000` EUR → `2.20`. @throws RangeError if it has more decimals than the currency */
export const formatPrice = (price: string, currency: string): string => {
  const formatted = normalisePrice(price, currency)
  if (formatted === undefined) throw new RangeError(`${price} is not an amount in ${currency}`)
  return formatted
}

/** The error message for a price with too many decimals. */
export const decimalsMessage = (currency: string): string => {
  const decimals = currencyDecimals(currency)
  return decimals === 0
    ? `must have no decimals in ${currency}`
    : `must have at most ${decimals} decimals in ${currency}`
}
