import type { NewProduct, ProductPatch } from '@clientele/contracts/product'
import type { Checked, FieldValues, MatchOptions, RowProblem } from '@clientele/features/imports/import-target'
import { type MatchKey, ownIdOf, parseOwnKey, toSchemaProblems } from '@clientele/features/imports/row-result'
import { explainYesNo, parseYesNo } from '@clientele/features/imports/yes-no'
import type { z } from 'zod'
import { readNumbers } from './product.import-numbers.ts'
import type { ProductInputs } from './product.input.ts'

/** A checked row of an import of products. */
export type ProductInput = {
  /** The value that it is matched by; undefined if the row has none. */
  key: string | undefined
  /** The id that the row has, if it has the form of ours. */
  ownId: string | undefined
  /** What it changes of an existing product. */
  patch: ProductPatch
  /** The product that it creates; undefined if it cannot create one. */
  newProduct: NewProduct | undefined
  /** Why it cannot create a product. */
  problems: RowProblem[]
}

/** The fields that columns can be mapped to, with other common names of such columns. */
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

const yesNoFields = ['active']

const bodyOf = ({ id: _id, ...values }: FieldValues): FieldValues => ({
  ...values,
  ...(values['active'] !== undefined && { active: parseYesNo(values['active']) }),
  ...(typeof values['sku'] === 'number' && { sku: String(values['sku']) }),
})

const keyOf = (values: FieldValues, patch: ProductPatch, { matchBy }: MatchOptions): MatchKey => {
  if (matchBy === 'id') return parseOwnKey(values, 'id', 'product')
  return patch.sku ? { key: patch.sku } : {}
}

/** Checks a row with the schemas of POST and PATCH. A row that cannot create a product may still change one. */
export const createProductCheck =
  ({ NewProduct, ProductPatch }: ProductInputs, shopCurrency: string) =>
  (values: FieldValues, options: MatchOptions): Checked<ProductInput> => {
    const { body, problems } = readNumbers(bodyOf(values), options.decimal, shopCurrency)
    const toProblems = (error: z.ZodError): RowProblem[] =>
      explainYesNo(toSchemaProblems(error), yesNoFields).map(
        (problem) => problems.find(({ field }) => field === problem.field) ?? problem,
      )
    const newProduct = NewProduct.safeParse(body, { reportInput: true })
    const patch = ProductPatch.safeParse(body, { reportInput: true })
    if (!patch.success) return { problems: toProblems(newProduct.success ? patch.error : newProduct.error) }
    const { key, problem } = keyOf(values, patch.data, options)
    if (problem) return { problems: [problem] }
    return {
      input: {
        key,
        ownId: ownIdOf(values),
        patch: patch.data,
        newProduct: newProduct.success ? newProduct.data : undefined,
        problems: newProduct.success ? [] : toProblems(newProduct.error),
      },
    }
  }
