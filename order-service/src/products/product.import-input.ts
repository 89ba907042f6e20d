import type { NewProduct, ProductPatch } from '@clientele/contracts/product'
import type { Checked, FieldValues, RowProblem, Taking } from '@clientele/features/imports/import-target'
import { isUuid } from '@clientele/platform/data/ids'
import { validationProblem } from '@clientele/platform/runtime/problem'
import type { z } from 'zod'
import type { Inputs } from './product.input.ts'

/** A row of products: what it is matched by, what it changes of one that is there, and what a new one would be. */
export type ProductInput = {
  key: string | undefined
  patch: ProductPatch
  whole: NewProduct | undefined
  /** Why it cannot become a new one. */
  problems: RowProblem[]
}

/** Fields of a product that columns go into, with other names that columns may have. */
export const importFields: Record<string, readonly string[]> = {
  id: ['product id', 'uuid'],
  sku: [
    'article number',
    'article no',
    'item number',
    'item no',
    'product code',
    'artikelnummer',
    'référence',
    'código',
  ],
  name: ['product', 'product name', 'title', 'article', 'item', 'bezeichnung', 'nom', 'nombre', 'nome', 'jina'],
  description: ['details', 'text', 'beschreibung', 'descripción', 'descrição', 'maelezo'],
  price: ['unit price', 'sales price', 'amount', 'preis', 'prix', 'precio', 'preço', 'bei'],
  currency: ['currency code', 'währung', 'devise', 'moneda', 'moeda'],
  stock: ['quantity', 'qty', 'on hand', 'in stock', 'inventory', 'bestand', 'menge', 'quantité', 'cantidad'],
  lowStockAt: ['low stock', 'reorder level', 'reorder point', 'minimum stock', 'mindestbestand'],
  active: ['enabled', 'available', 'for sale', 'aktiv', 'actif', 'activo'],
}

const yes = /^(true|yes|y|1|x|ja|oui|sí|si|sim|ndiyo)$/i
const no = /^(false|no|n|0|nein|non|não|hapana)$/i
const flagOf = (value: unknown): unknown => {
  const text = String(value).trim()
  return yes.test(text) ? true : no.test(text) ? false : value
}

const bodyOf = ({ id: _id, ...values }: FieldValues): FieldValues => ({
  ...values,
  ...(values['active'] !== undefined && { active: flagOf(values['active']) }),
  ...(typeof values['sku'] === 'number' && { sku: String(values['sku']) }),
})

const problemsOf = (error: z.ZodError): RowProblem[] =>
  (validationProblem(error).options.errors ?? []).map(({ pointer = '', code, message }) => ({
    ...(pointer !== '' && { field: pointer.slice(1) }),
    code,
    message,
  }))

const keyOf = (
  values: FieldValues,
  patch: ProductPatch,
  { matchBy }: Taking,
): { key?: string; problem?: RowProblem } => {
  if (matchBy === 'sku') return patch.sku ? { key: patch.sku } : {}
  const value = values['id']
  if (value === undefined || value === null) return {}
  const key = String(value).trim().toLowerCase()
  return isUuid(key) ? { key } : { problem: { field: 'id', code: 'invalid', message: 'must be a product’s id' } }
}

/** Checks a row by the very schemas of POST and PATCH. What is no new product can still change one. */
export const productCheck =
  ({ NewProduct, ProductPatch }: Inputs) =>
  (values: FieldValues, taking: Taking): Checked<ProductInput> => {
    const body = bodyOf(values)
    const whole = NewProduct.safeParse(body, { reportInput: true })
    const patch = ProductPatch.safeParse(body, { reportInput: true })
    if (!patch.success) return { problems: problemsOf(whole.success ? patch.error : whole.error) }
    const { key, problem } = keyOf(values, patch.data, taking)
    if (problem) return { problems: [problem] }
    return {
      input: {
        key,
        patch: patch.data,
        whole: whole.success ? whole.data : undefined,
        problems: whole.success ? [] : problemsOf(whole.error),
      },
    }
  }
