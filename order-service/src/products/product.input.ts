import { amountInput } from '@clientele/contracts/money'
import { NewProduct, ProductPatch } from '@clientele/contracts/product'
import { z } from 'zod'
import { currencyDecimals, currencyMessage, isCurrency } from '../money.ts'
import { decimalsMessage, normalisePrice } from './product.price.ts'

const currency = NewProduct.shape.currency
  .unwrap()
  .refine(isCurrency, {
    error: currencyMessage,
    params: { code: 'unknown_currency' },
  })
  .optional()
  .meta({ description: 'Default: the currency of the shop.' })

type Priced = { price?: string | undefined; currency?: string | undefined }

// These rules run even if other fields are invalid, so that one response names everything. They accept values that are
// invalid by themselves, because the schema of the field reports those.
const forEveryObject = { when: ({ value }: { value: unknown }) => typeof value === 'object' && value !== null }
const priceRule = (currencyOf: (input: Priced) => string | undefined) => ({
  check: (input: Priced): boolean => {
    const code = currencyOf(input)
    const { success, data } = amountInput.safeParse(input.price)
    if (!success || typeof code !== 'string' || currencyDecimals(code) === undefined) return true
    return normalisePrice(data, code) !== undefined
  },
  issue: {
    ...forEveryObject,
    path: ['price'],
    params: { code: 'too_many_decimals' },
    error: ({ input }: { input?: unknown }) => decimalsMessage(currencyOf(input as Priced) ?? ''),
  },
})

/** The request bodies for a shop with that currency. One parse reports every invalid field, even a price with too many decimals. */
export const createProductInputs = (shopCurrency: string) => {
  const newPriceRule = priceRule((input) => input.currency ?? shopCurrency)
  const patchPriceRule = priceRule((input) => input.currency)
  return {
    NewProduct: z
      .strictObject({ ...NewProduct.shape, currency })
      .refine(newPriceRule.check, newPriceRule.issue)
      .meta({ id: 'NewProduct' }),
    ProductPatch: z
      .strictObject({ ...ProductPatch.shape, currency })
      .refine(patchPriceRule.check, patchPriceRule.issue)
      .refine((input: Priced) => input.currency === undefined || input.price !== undefined, {
        ...forEveryObject,
        path: ['currency'],
        params: { code: 'needs_price' },
        error: 'can change only together with the price: send both',
      })
      .meta({ id: 'ProductPatch' }),
  }
}
export type ProductInputs = ReturnType<typeof createProductInputs>
