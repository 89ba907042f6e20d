import { z } from 'zod'

const digits = /^\d{1,12}(?:\.\d{1,4})?$/

/**
 * An amount of money in a request: a decimal string, or a number, which is read as its shortest decimal form. Up to twelve
 * digits before the point; after it as many as the currency has (ISO 4217), which the service checks.
 */
export const amountInput = z
  .union(
    [z.string().trim().regex(digits, 'must be an amount such as 56000.68'), z.number().min(0).max(999_999_999_999)],
    'must be an amount such as 56000.68',
  )
  .transform(String)
  .pipe(z.string().regex(digits, 'must be an amount with at most four decimals'))
  .meta({ example: '56000.68' })

/** An amount of money in an answer: a decimal string with as many decimals as its currency has. */
export const amount = z.string().meta({ example: '56000.68' })

/** An ISO 4217 code, in capitals. */
export const currency = z
  .string()
  .trim()
  .toUpperCase()
  .regex(/^[A-Z]{3}$/, { error: 'must be an ISO 4217 code such as EUR', abort: true })
  .meta({ example: 'EUR', pattern: '^\\s*[A-Za-z]{3}\\s*$' })
