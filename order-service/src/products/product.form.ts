import type { NewProduct } from '@clientele/contracts/product'
import type { MediaClient } from '@clientele/features/photos/media.client'
import { type FormReader, formWithPhoto, photoFields, type Uploaded } from '@clientele/features/photos/photo.uploads'
import type { Upload } from '@clientele/platform/http/route-definition'
import { z } from 'zod'
import type { ProductInputs } from './product.input.ts'

/** Reads a form as a request body. An empty field is absent, and `active` is `true` or `false`. Numbers may stay strings. */
const parseForm: FormReader = (fields) => {
  const entries = Object.entries(fields)
    .filter(([, value]) => value !== '')
    .map(([name, value]): [string, unknown] =>
      name === 'active' && (value === 'true' || value === 'false') ? [name, value === 'true'] : [name, value],
    )
  return { body: Object.fromEntries(entries), errors: [] }
}

/** Reads a new product with its photo from a form. */
export const productForm = (media: MediaClient, inputs: ProductInputs): Upload<Uploaded<NewProduct>> => {
  const schema = z.strictObject({ ...inputs.NewProduct.shape, ...photoFields }).meta({ id: 'NewProductForm' })
  return formWithPhoto({ target: { media, owner: 'product' }, body: inputs.NewProduct, schema, read: parseForm })
}
