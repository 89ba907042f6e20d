import type { NewProduct, ProductPatch } from '@clientele/contracts/product'
import type { Checked, FieldValues, RowProblem, Taking } from '@clientele/features/imports/import-target'
import { type MatchKey, ownKey, schemaProblems } from '@clientele/features/imports/row-result'
import { explainYesNo, parseYesNo } from '@clientele/features/imports/yes-no'
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

const flags = ['active']

const bodyOf = ({ id: _id, ...values }: FieldValues): FieldValues => ({
  ...values,
  ...(values['active'] !== undefined && { active: parseYesNo(values['active']) }),
  ...(typeof values['sku'] === 'number' && { sku: String(values['sku']) }),
})

const problemsOf = (error: z.ZodError): RowProblem[] => explainYesNo(schemaProblems(error), flags)

const keyOf = (values: FieldValues, patch: ProductPatch, { matchBy }: Taking): MatchKey => {
  if (matchBy === 'id') return ownKey(values, 'id', 'product')
  return patch.sku ? { key: patch.sku } : {}
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
