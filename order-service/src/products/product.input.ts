import { amountInput } from '@clientele/contracts/money'
import { NewProduct, ProductPatch } from '@clientele/contracts/product'
import { z } from 'zod'
import { currencyDecimals } from '../money.ts'
import { exactPrice, priceFault } from './product.price.ts'

const currency = NewProduct.shape.currency
  .unwrap()
  .refine((code) => currencyDecimals(code) !== undefined, {
    error: 'must be an ISO 4217 code such as EUR',
    params: { code: 'unknown_currency' },
  })
  .optional()
  .meta({ description: "the shop's where absent" })

type Priced = { price?: string | undefined; currency?: string | undefined }

// Also where other fields are wrong, so that one answer names all. What is wrong with a field alone, the field tells.
const always = { when: ({ value }: { value: unknown }) => typeof value === 'object' && value !== null }
const price = (currencyOf: (input: Priced) => string | undefined) => ({
  fits: (input: Priced): boolean => {
    const code = currencyOf(input)
    const { success, data } = amountInput.safeParse(input.price)
    if (!success || typeof code !== 'string' || currencyDecimals(code) === undefined) return true
    return exactPrice(data, code) !== undefined
  },
  fault: {
    ...always,
    path: ['price'],
    params: { code: 'too_many_decimals' },
    error: ({ input }: { input?: unknown }) => priceFault(currencyOf(input as Priced) ?? ''),
  },
})

/** The request bodies of a shop with that currency: one parse finds every wrong field, a price of too many decimals included. */
export const createInputs = (shopCurrency: string) => {
  const whole = price((input) => input.currency ?? shopCurrency)
  const part = price((input) => input.currency)
  return {
    NewProduct: z
      .strictObject({ ...NewProduct.shape, currency })
      .refine(whole.fits, whole.fault)
      .meta({ id: 'NewProduct' }),
    ProductPatch: z
      .strictObject({ ...ProductPatch.shape, currency })
      .refine(part.fits, part.fault)
      .refine((input: Priced) => input.currency === undefined || input.price !== undefined, {
        ...always,
        path: ['currency'],
        params: { code: 'needs_price' },
        error: 'can change only together with the price: send both',
      })
      .meta({ id: 'ProductPatch' }),
  }
}
export type Inputs = ReturnType<typeof createInputs>
