import { z } from 'zod'

const amountOf = (digits: RegExp) =>
  z
    .union(
      [z.string().trim().regex(digits, 'must be an amount such as 56000.68'), z.number().min(0).max(999_999_999_999)],
      'must be an amount such as 56000.68',
    )
    .transform(String)
    .pipe(z.string().regex(digits, 'must be an amount with at most four decimals'))
    .meta({ example: '56000.68' })

/**
 * An amount of money in a request: a decimal string, or a number, which is converted to its shortest decimal form. It has up to 12
 * digits before the decimal point. The service checks that it has no more decimals than its currency (ISO 4217).
 */
export const amountInput = amountOf(/^\d{1,12}(?:\.\d{1,4})?$/)

/** The total of an order in a request. As a string, it has up to 24 digits before the decimal point. */
export const totalInput = amountOf(/^\d{1,24}(?:\.\d{1,4})?$/)

/** An amount of money in a response: a decimal string with the decimals of its currency. */
export const amount = z.string().meta({ example: '56000.68' })

/** An ISO 4217 currency code, converted to upper case. */
export const currency = z
  .string()
  .trim()
  .toUpperCase()
  .regex(/^[A-Z]{3}$/, { error: 'must be an ISO 4217 code such as EUR', abort: true })
  .meta({ example: 'EUR', pattern: '^\\s*[A-Za-z]{3}\\s*$' })
