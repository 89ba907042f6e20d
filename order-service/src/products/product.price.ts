import { currencyDecimals, fromMinor, toMinor } from '../money.ts'

/** An amount with as many decimals as its currency has; undefined where it has more, or where there is no such currency. */
export const exactPrice = (price: string, currency: string): string | undefined => {
  if (currencyDecimals(currency) === undefined) return undefined
  const minor = toMinor(price, currency)
  return minor === undefined ? undefined : fromMinor(minor, currency)
}

/** A stored amount as the API shows it. @throws RangeError for what could not have been stored */
export const shownPrice = (price: string, currency: string): string => {
  const shown = exactPrice(price, currency)
  if (shown === undefined) throw new RangeError(`${price} is no amount in ${currency}`)
  return shown
}

/** What is wrong with a price that {@link exactPrice} does not take. */
export const priceFault = (currency: string): string => {
  const decimals = currencyDecimals(currency)
  return decimals === 0
    ? `must have no decimals in ${currency}`
    : `must have at most ${decimals} decimals in ${currency}`
}
